/** Whole people in one process: the real doors, core and vault over an in-memory network, chain and storage. */
import { expect, vi } from 'vitest'
import { ed25519 } from '@noble/curves/ed25519.js'
import { base58 } from '@scure/base'
import { createVault } from '../../services/adapters/keyworker/vault'
import { workerClock, workerEntropy } from '../../services/adapters/keyworker/platform'
import type { AppConfig } from '../../services/core/domain/config'
import { concatBytes, fromHex } from '../../services/core/domain/bytes'
import type { DraftView, WalletView } from '../../services/core/domain/views'
import { createMuSig2 } from '../../services/musig2'
import type { MuSig2, SessionCard } from '../../services/musig2'
import { createP2P } from '../../services/p2p'
import type { P2P } from '../../services/p2p'
import type { Clock } from '../../services/ports/clock'
import type { PasswordHash, VaultStore } from '../../services/adapters/keyworker/ports'
import type { Aggregator, Signer, UnlockedProfile } from '../../services/ports/signer'
import { STORES, type Storage } from '../../services/ports/storage'
import { createWallets } from '../../services/wallets'
import type { Wallets } from '../../services/wallets'
import { createFakeChain } from '../fakes/chain'
import type { FakeChain, FakeChainView } from '../fakes/chain'
import { createFakeLog } from '../fakes/log'
import { createFakeStorage } from '../fakes/storage'
import { createMemoryNetwork } from '../fakes/transport'
import { cheapHash, createMemoryLocks, createMemoryVaultStore, TEST_PASSWORD, TEST_WORDS } from '../fakes/vault'

const RELAY_PEER = base58.encode(concatBytes(fromHex('002408011220'), new Uint8Array(32).fill(7)))

export interface World {
  readonly network: ReturnType<typeof createMemoryNetwork>
  readonly chain: FakeChain
  readonly relay: string
  /** everybody's; `ahead` of the machine's by so many ms */
  readonly clock: Clock & { ahead: number }
}

export function createWorld(): World {
  const network = createMemoryNetwork()
  const clock = { ...workerClock, ahead: 0, now: () => workerClock.now() + clock.ahead }
  return { network, clock, chain: createFakeChain({ blocks: 120 }), relay: network.relay({ peerId: RELAY_PEER }) }
}

const peerIdOf = (seed: Uint8Array) => base58.encode(concatBytes(fromHex('002408011220'), ed25519.getPublicKey(seed)))

/** What survives a reload, when it does not lie in memory. */
export interface Disk {
  readonly vaultStore: VaultStore
  readonly hash: PasswordHash
  storage(signer: Signer, profileId: string): Storage
}

/** One person: what survives a reload (vault store, storage) and what runs now. */
export class Person {
  readonly vaultStore = createMemoryVaultStore()
  readonly storage = createFakeStorage()
  readonly log = createFakeLog()
  wallets: WalletView[] = []
  /** every balance that was shown, in satoshis free to spend */
  readonly shown: bigint[] = []
  drafts: DraftView[] = []
  finished: Record<string, string> = {}
  sessions: SessionCard[] = []
  signer!: Signer & Aggregator
  /** what the own chain server shows */
  chain!: FakeChainView
  profile!: UnlockedProfile
  p2p!: P2P
  walletsDoor!: Wallets
  musig2!: MuSig2

  private constructor(
    readonly name: string,
    readonly world: World,
    private readonly disk?: Disk,
  ) {}

  /** Somebody whose profile lies on this disk, with what was stored elsewhere before. */
  static async reopened(world: World, name: string, disk: Disk, before?: Storage): Promise<Person> {
    const person = new Person(name, world, disk)
    await person.open(before)
    return person
  }

  signerOn(disk: Disk | undefined): Signer & Aggregator {
    return createVault({
      store: disk?.vaultStore ?? this.vaultStore,
      locks: createMemoryLocks(),
      hash: disk?.hash ?? cheapHash,
      entropy: workerEntropy,
      clock: this.world.clock,
    })
  }

  static async create(world: World, name: string, words: number): Promise<Person> {
    const person = new Person(name, world)
    const made = await person.signerOn(undefined).createProfile({
      name,
      words: TEST_WORDS[words] ?? '',
      password: TEST_PASSWORD,
      wordsChecked: true,
    })
    if (!made.ok) throw new Error(made.error.code)
    await person.open()
    return person
  }

  /** What unlocking does in compose.ts. */
  async open(before?: Storage): Promise<void> {
    this.signer = this.signerOn(this.disk)
    const [info] = await this.signer.profiles()
    const opened = await this.signer.unlock({ profileId: info!.id, password: TEST_PASSWORD, takeover: false })
    if (!opened.ok) throw new Error(opened.error.code)
    this.profile = opened.value
    const seed = opened.value.peerKey
    const storage = this.disk?.storage(this.signer, opened.value.id) ?? this.storage
    for (const store of before === undefined ? [] : STORES)
      for (const { key, value } of (await before?.all(store)) ?? []) await storage.put(store, key, value)
    const networks: AppConfig['networks'] = {
      regtest: { esplora: 'http://127.0.0.1:1', genesis: this.world.chain.genesis },
    }
    const common = { clock: this.world.clock, entropy: workerEntropy, log: this.log }
    this.chain = this.world.chain.view()
    const { chain } = this
    this.p2p = createP2P({
      ...common,
      transport: this.world.network.transport(peerIdOf(seed)),
      sign: async bytes => ed25519.sign(bytes, seed),
      allowed: (peerId, protocol) => this.walletsDoor.directory.allowed(peerId, protocol),
      relays: [this.world.relay],
      build: 'test',
    })
    this.walletsDoor = createWallets({
      ...common,
      profileName: this.name,
      signer: this.signer,
      storage,
      network: this.p2p,
      networks,
      chain: () => chain,
      relays: () => [this.world.relay],
      relaysWanted: () => {},
      link: fragment => `http://app/${fragment}`,
      events: {
        changed: (wallets, drafts, finished) => {
          this.wallets = wallets
          this.drafts = drafts
          this.finished = finished
          this.shown.push(...wallets.map(w => w.balance.availableSats))
        },
      },
    })
    const { directory } = this.walletsDoor
    this.musig2 = createMuSig2({
      clock: this.world.clock,
      network: this.p2p,
      sessions: () => directory.sessions(),
      onSessions: listener => directory.onSessions(listener),
      events: {
        sessions: cards => {
          this.sessions = cards
        },
      },
    })
    await this.walletsDoor.start()
    await this.p2p.start()
  }

  async close(): Promise<void> {
    this.musig2.stop()
    this.walletsDoor.stop()
    await this.p2p.stop()
    await this.signer.lock()
  }

  async reload(): Promise<void> {
    await this.close()
    await this.open()
  }

  get wallet(): WalletView | undefined {
    return this.wallets[0]
  }
  session(id: string): SessionCard | undefined {
    return this.sessions.find(s => s.id === id)
  }
}

export const OUTSIDE = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6'
const NAMES = ['Anna', 'Ben', 'Cleo']

export const until = <T>(look: () => T | undefined | false, what: string): Promise<T> =>
  vi.waitFor(
    () => {
      const seen = look()
      if (seen === undefined || seen === false) throw new Error(`not yet: ${what}`)
      return seen
    },
    { timeout: 20_000, interval: 20 },
  )

/** n people with an active shared wallet, made through invite, admission, safety number and file. */
export async function circle(
  world: World,
  n: number,
): Promise<{ everybody: Person[]; walletId: string; files: ReadonlyMap<Person, Uint8Array> }> {
  const everybody = await Promise.all(NAMES.slice(0, n).map((name, i) => Person.create(world, name, i)))
  const [creator, ...joiners] = everybody as [Person, ...Person[]]
  const draft = await creator.walletsDoor.createDraft({ name: 'Boat', network: 'regtest', n })
  if (!draft.ok) throw new Error(draft.error.code)
  const link = await until(() => creator.drafts[0]?.inviteLink, 'invite link')
  for (const joiner of joiners) {
    const joined = await joiner.walletsDoor.join(link, joiner.name)
    expect(joined.ok).toBe(true)
  }
  const seatKeys = await Promise.all(
    joiners.map(joiner =>
      until(
        () => joiner.drafts[0]?.seats.find(s => s.name === joiner.name)?.accountKey,
        `${joiner.name} knows the own key`,
      ),
    ),
  )
  for (const joiner of joiners) {
    const seat = await until(
      () => creator.drafts[0]?.seats.find(s => s.name === joiner.name && s.state === 'asking'),
      `${joiner.name} asks`,
    )
    await creator.walletsDoor.admit(draft.value, seat.accountKey!)
  }
  expect((await creator.walletsDoor.closeRoster(draft.value)).ok).toBe(true)
  for (const person of everybody) await until(() => person.wallet, `${person.name} has the wallet`)
  // the picture that a joiner had of himself at the table is the one in the wallet
  expect(joiners.map(joiner => joiner.wallet!.members.find(m => m.self)?.accountKey)).toEqual(seatKeys)
  const walletId = creator.wallet!.id
  const safety = new Set(everybody.map(p => p.wallet!.safetyNumber.join(' ')))
  expect(safety.size).toBe(1)
  const files = new Map<Person, Uint8Array>()
  for (const person of everybody) {
    expect(await person.walletsDoor.receiveAddress(walletId)).toBeUndefined()
    expect((await person.walletsDoor.confirmSafety(walletId, true)).ok).toBe(true)
    const file = await person.walletsDoor.exportFile(walletId)
    files.set(person, file!.bytes)
    expect(await person.walletsDoor.checkFile(walletId, file!.bytes)).toEqual({ ok: true, value: true })
  }
  for (const person of everybody) await until(() => person.wallet?.phase === 'active', `${person.name} active`)
  return { everybody, walletId, files }
}

export async function fund(
  world: World,
  everybody: Person[],
  walletId: string,
  amounts: bigint[],
  before = 0n,
): Promise<void> {
  for (const sats of amounts) {
    const at = await everybody[0]!.walletsDoor.newAddress(walletId)
    const sent = await world.chain.faucet(at!.address, sats)
    if (!sent.ok) throw new Error(sent.error.detail)
  }
  world.chain.mine(1)
  const total = amounts.reduce((a, b) => a + b, before)
  await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
  for (const person of everybody)
    await until(() => person.wallet?.balance.availableSats === total, `${person.name} sees ${total}`)
}
