import { createVault } from '../../services/adapters/keyworker/vault'
import { readWallet, nextIndex, spendableCoins, type ChainCoin, type WalletChain } from '../../services/core/chain/view'
import { EMPTY_STATE } from '../../services/core/chain/state'
import { createWalletScripts, type WalletScripts } from '../../services/core/crypto/wallet-scripts'
import type { MemberIndex, SessionId } from '../../services/core/domain/ids'
import type { WalletRecord } from '../../services/core/domain/wallet'
import { decodeSigned } from '../../services/core/wire/codec'
import type { SignedMessage } from '../../services/core/wire/messages'
import { createMuSig2, type MuSig2, type SessionCard } from '../../services/musig2'
import { readStoredSessions } from '../../services/core/signing/runtime/store'
import { WalletSessions, type SigningNetwork, type SigningWallet } from '../../services/core/signing/wallet-sessions'
import type { Aggregator, Signer } from '../../services/ports/signer'
import type { Chain } from '../../services/ports/chain'
import { createFakeEntropy } from '../fakes/entropy'
import type { FakeChain, FakeChainView } from '../fakes/chain'
import { cheapHash, createMemoryLocks } from '../fakes/vault'
import { PASSWORD, peerOf, type CircleOf } from './circle'
import { Disk } from './disk'
import type { Random } from './random'
import type { Life, Scheduler } from './scheduler'

const NOTHING: ReadonlySet<string> = new Set()

/** What a device sees and does outside itself. */
export interface Surroundings {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly circle: CircleOf
  readonly chain: FakeChain
  /** this device and the one of that member to which it talks */
  linked(a: Device, b: MemberIndex): boolean
  post(from: Device, to: MemberIndex, message: SignedMessage): void
  offence(by: MemberIndex, accused: MemberIndex, code: string): void
  /** what came in over a stream and could be read */
  heard(member: MemberIndex, message: SignedMessage): void
  /** is the page put aside now? */
  hides(): boolean
  /** contributions as they come out of the vault */
  contributed(device: Device, message: SignedMessage): void
}

/** One member's computer: vault, disk, chain view and the app's signing door, all real but for what surrounds them. */
export class Device {
  life: Life = { alive: false }
  door: MuSig2 | undefined
  readonly disk: Disk
  /** outpoints that the app holds back from new payments */
  get held(): ReadonlySet<string> {
    return this.#sessions?.holds.outpoints ?? NOTHING
  }
  cards: readonly SessionCard[] = []
  /** started, and no write is under way: what the app shows is what it has stored */
  rests = false
  /** a session was stored since it was looked at last */
  touched = false
  /** sessions of which the disk has lost something: what it promised in them, it cannot know */
  readonly forgot = new Set<SessionId>()
  /** when this run of it began: others talk to the newest that they have met */
  startedAt = 0
  /** for good: the member goes on with another one */
  closed = false
  /** members who have said that they talk to a newer run of this member */
  readonly refusedBy = new Set<MemberIndex>()
  /** sessions that stood when it was first told so, and when: it signs nothing more in them */
  superseded: { readonly at: number; readonly sessions: ReadonlySet<SessionId> } | undefined
  #lives = 0
  #sessions: WalletSessions | undefined
  /** messages and links reach the app */
  #listening = false
  #view: WalletChain = readWallet(EMPTY_STATE)
  #vault: (Signer & Aggregator) | undefined
  #turnAt = 0
  #started = false
  #writes = 0
  #told = ''
  /** what the server said last, while it says the same */
  #seen: ReturnType<FakeChainView['known']> | undefined
  readonly #server: FakeChainView

  /** `machine`: 0 is the first computer of this member */
  constructor(
    readonly member: MemberIndex,
    readonly machine: number,
    private readonly w: Surroundings,
    disk?: Disk,
  ) {
    this.disk = disk ?? new Disk(w.circle.profiles[member]!, () => w.scheduler.now)
    this.#server = w.chain.view()
  }

  get name(): string {
    return this.machine === 0 ? `${this.member}` : `${this.member}.${this.machine}`
  }
  get record(): WalletRecord {
    return this.w.circle.records[this.member]!
  }

  /** The browser is opened and the profile unlocked. */
  async start(): Promise<void> {
    if (this.life.alive || this.closed) return
    const life = { alive: true }
    this.life = life
    this.startedAt = this.w.scheduler.now
    this.refusedBy.clear()
    this.superseded = undefined
    this.#turnAt = 0
    const { scheduler } = this.w
    const clock = scheduler.clock(life)
    const entropy = createFakeEntropy(`${this.w.random.next()} ${this.member} ${this.#lives++}`)
    const vault = createVault({ store: this.disk.votes(), locks: createMemoryLocks(), hash: cheapHash, entropy, clock })
    const profileId = this.w.circle.profiles[this.member]!.id
    const unlocked = await vault.unlock({ profileId, password: PASSWORD, takeover: false })
    if (!unlocked.ok) throw new Error(unlocked.error.code)
    this.#vault = vault
    this.#told = ''
    this.#seen = undefined
    this.#look()
    const signer = this.#signer(vault, life)
    const { scripts, chain } = this.#wallet(signer, life)
    const storage = this.disk.records(work => this.#write(life, work))
    const log = { write: () => undefined }
    const network = this.#network(life)
    let onSessions: (now?: 'now') => void = () => undefined
    const load = async (): Promise<WalletSessions> => {
      const stored = await readStoredSessions(storage, log)
      return new WalletSessions(
        {
          wallet: this.#spending(scripts, chain, life),
          network,
          signer,
          storage,
          clock,
          entropy,
          log,
          changed: now => onSessions(now),
          holdsChanged: () => {
            if (life.alive) this.touched = true
          },
        },
        stored.get(this.w.circle.context.id) ?? [],
      )
    }
    this.door = createMuSig2({
      clock,
      network,
      sessions: () => (this.#sessions === undefined ? [] : [this.#sessions]),
      onSessions: listener => {
        onSessions = listener
        return () => undefined
      },
      events: {
        sessions: cards => {
          if (life.alive) this.cards = cards
        },
      },
    })
    // the machine's own start reads the disk, which takes turns
    void load()
      .then(async sessions => {
        if (!life.alive) return
        this.#sessions = sessions
        await sessions.load()
        if (!life.alive) return
        this.#listening = true
        await sessions.resume()
      })
      .then(() => {
        if (!life.alive) return
        this.#started = true
        this.#rest()
        this.#poll(life)
      })
  }

  /** Everything that ran is gone. */
  stop(): void {
    this.life.alive = false
    this.rests = false
    this.#started = false
    this.#writes = 0
    this.door?.stop()
    this.door = undefined
    this.#sessions?.stop()
    this.#sessions = undefined
    this.#listening = false
    this.#vault = undefined
    this.cards = []
  }

  /** Another tab took the profile over: this one's vault is locked while its screens still stand. */
  async lock(): Promise<void> {
    await this.#vault?.lock()
  }

  /** A member says that it talks to a newer run of ours: services/compose.ts does the same with the network's event. */
  toldBy(member: MemberIndex): void {
    if (this.door === undefined || this.refusedBy.has(member)) return
    this.refusedBy.add(member)
    this.superseded ??= { at: this.w.scheduler.now, sessions: new Set(this.door.cards().map(card => card.id)) }
    void this.door.suspend(peerOf(member))
  }

  /** The own newer run announces itself: this one's network ends, and its nonces. */
  metNewer(): void {
    const { door } = this
    if (door === undefined) return
    for (const member of this.w.circle.records.keys()) this.refusedBy.add(member)
    this.superseded ??= { at: this.w.scheduler.now, sessions: new Set(door.cards().map(card => card.id)) }
    void this.#vault?.eraseNonces().then(() => door.suspend())
  }

  linkChanged(): void {
    if (this.#listening) void this.#sessions?.linksChanged()
  }

  receive(from: MemberIndex, bytes: Uint8Array): void {
    const decoded = decodeSigned(bytes)
    if (!decoded.ok) return this.w.offence(this.member, from, `decode-${decoded.error.code}`)
    this.w.heard(this.member, decoded.value)
    if (this.#listening) void this.#sessions?.receive(peerOf(from), decoded.value)
  }

  coins(): ChainCoin[] {
    return spendableCoins(this.#view, this.held)
  }
  allCoins(): readonly ChainCoin[] {
    return this.#view.coins
  }

  async #write<T>(life: Life, work: () => T): Promise<T> {
    this.#writes++
    this.rests = false
    try {
      return await this.w.scheduler.answer(this.#turn(1, 20), life, work)
    } finally {
      this.#writes--
      // after those who waited for it
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => {
          if (life.alive) this.#rest()
        })
    }
  }

  #rest(): void {
    this.rests = this.#started && this.#writes === 0
  }

  /** Calls to the worker and writes are done in the order in which they were made. */
  #turn(min: number, max: number): number {
    this.#turnAt = Math.max(this.#turnAt, this.w.scheduler.now + this.w.random.between(min, max))
    return this.#turnAt - this.w.scheduler.now
  }

  #signer(vault: Signer & Aggregator, life: Life): Signer & Aggregator {
    const ask = <T>(work: () => Promise<T>): Promise<T> =>
      this.w.scheduler.answer(this.#turn(0, 10), life, work, this.w.random.between(0, 10))
    const told = async (answer: ReturnType<Signer['makeNonces']>): ReturnType<Signer['makeNonces']> => {
      const result = await answer
      if (result.ok) this.w.contributed(this, result.value)
      // the time that nonces live when all goes well
      if (result.ok && result.value.body.type === 'pubnonces' && this.w.hides())
        this.w.scheduler.after(this.w.random.between(0, 1_500), life, () => vault.eraseNonces())
      return result
    }
    return {
      ...vault,
      deriveScripts: (...args) => ask(() => vault.deriveScripts(...args)),
      isXCoordinate: key => ask(() => vault.isXCoordinate(key)),
      signMessage: (...args) => ask(() => vault.signMessage(...args)),
      approve: (...args) => ask(() => vault.approve(...args)),
      retract: session => ask(() => vault.retract(session)),
      makeNonces: (...args) => ask(() => told(vault.makeNonces(...args))),
      makePartials: (...args) => ask(() => told(vault.makePartials(...args))),
      eraseNonces: session => ask(() => vault.eraseNonces(session)),
      aggregateNonces: (...args) => ask(() => vault.aggregateNonces(...args)),
      aggregatePartials: (...args) => ask(() => vault.aggregatePartials(...args)),
      finalize: (...args) => ask(() => vault.finalize(...args)),
      checkEvidence: (...args) => ask(() => vault.checkEvidence(...args)),
      verifyMessage: message => ask(() => vault.verifyMessage(message)),
    }
  }

  #network(life: Life): SigningNetwork {
    const { scheduler, random } = this.w
    const memberOf = (peerId: string): MemberIndex => Number(peerId.slice('peer-'.length))
    const up = (peerId: string): boolean => this.w.linked(this, memberOf(peerId))
    const post = (to: MemberIndex, message: SignedMessage): void => this.w.post(this, to, message)
    return {
      async send(peerId, _protocol, message) {
        if (!up(peerId)) return false
        post(memberOf(peerId), message)
        return true
      },
      offence: (peerId, code) => this.w.offence(this.member, memberOf(peerId), code),
      isLinkUp: peerId => up(peerId),
      ensureConnected: targets =>
        scheduler.answer(random.between(20, 3_000), life, () => {
          const others = targets.flatMap(t =>
            t.peerId === undefined || t.peerId === peerOf(this.member) ? [] : [t.peerId],
          )
          const failed = others
            .filter(peerId => !up(peerId))
            .map(peerId => ({ peerId, error: 'offline', errorType: 'PEER_NOT_FOUND' as never, retryable: true }))
          return { allConnected: failed.length === 0, connected: others.filter(up), failed }
        }),
    }
  }

  #wallet(signer: Aggregator, life: Life): { readonly scripts: WalletScripts; readonly chain: Chain } {
    const { context } = this.w.circle
    const keys = { network: context.network.name, descriptor: context.descriptor }
    const scripts = createWalletScripts({
      ...keys,
      members: context.members,
      derive: places => signer.deriveScripts(keys, places),
    })
    return { scripts, chain: this.#chain(life) }
  }

  /** The wallet as signing sees it: an open one, whose chain view is the server's at once. */
  #spending(scripts: WalletScripts, chain: Chain, life: Life): SigningWallet {
    const { scheduler, random, circle } = this.w
    const view = () => this.#view
    return {
      id: circle.context.id,
      record: this.record,
      scripts,
      chain,
      active: true,
      get view() {
        return view()
      },
      coins: () => this.coins(),
      nextChange: () => nextIndex(this.#view, 1, this.#sessions?.holds.change ?? new Set()),
      normalFeeRate: async () => 2,
      refresh: () => scheduler.answer(random.between(50, 1_000), life, () => this.#sync()) as never,
      refreshSoon: () => undefined,
    }
  }

  #chain(life: Life): Chain {
    const view = this.#server
    const ask = <T>(work: () => Promise<T>): Promise<T> =>
      this.w.scheduler.answer(this.w.random.between(5, 400), life, work)
    return {
      check: genesis => ask(() => view.check(genesis)),
      tip: () => ask(() => view.tip()),
      blockHash: h => ask(() => view.blockHash(h)),
      history: s => ask(() => view.history(s)),
      tx: id => ask(() => view.tx(id)),
      rawTx: id => ask(() => view.rawTx(id)),
      outspend: (id, n) => ask(() => view.outspend(id, n)),
      feeEstimates: () => ask(() => view.feeEstimates()),
      broadcast: raw => ask(() => view.broadcast(raw)),
    }
  }

  lag(still: boolean): void {
    if (still) this.#server.freeze()
    else this.#server.thaw()
  }

  /** What the server says, at once: how a sync comes about has its own tests. True when it is news. */
  #look(): boolean {
    const known = this.#server.known()
    if (known === this.#seen) return false
    this.#seen = known
    const { txs, height } = known
    const told = JSON.stringify([height, txs.map(tx => [tx.txid, tx.confirmed?.hash])])
    if (told === this.#told) return false
    this.#told = told
    const scripts = this.w.circle.scripts.map(place => ({
      ...place,
      txids: txs
        .filter(
          tx => tx.vout.some(o => o.script === place.script) || tx.vin.some(i => i.prevoutScript === place.script),
        )
        .map(tx => tx.txid),
    }))
    const ours = new Set(scripts.flatMap(s => s.txids))
    this.#view = readWallet({
      ...EMPTY_STATE,
      tip: { height, hash: '00'.repeat(32) },
      scripts,
      txs: new Map(txs.filter(tx => ours.has(tx.txid)).map(tx => [tx.txid, tx])),
    })
    return true
  }

  #sync(): void {
    const news = this.#look()
    if (this.#listening) void this.#sessions?.chainChanged(news)
  }

  /** The app follows the chain on its own. */
  #poll(life: Life): void {
    if (!life.alive) return
    this.#sync()
    this.w.scheduler.after(this.w.random.between(10_000, 40_000), life, () => this.#poll(life))
  }
}
