import './node-shim'
import './node-websocket'
import { randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { HDKey } from '@scure/bip32'
import { generateMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { createEsplora } from '../../services/adapters/esplora'
import { workerClock, workerEntropy } from '../../services/adapters/keyworker/platform'
import { createVault } from '../../services/adapters/keyworker/vault'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import { messageHash } from '../../services/core/crypto/message-hash'
import { signHash } from '../../services/core/crypto/signature'
import { parseConfig } from '../../services/core/domain/config'
import type { WalletView } from '../../services/core/domain/views'
import type { WalletRecord } from '../../services/core/domain/wallet'
import type { SignBody, SignedMessage } from '../../services/core/wire/messages'
import { createMuSig2 } from '../../services/musig2'
import type { MuSig2, SessionCard } from '../../services/musig2'
import { createP2P } from '../../services/p2p'
import type { P2P } from '../../services/p2p'
import { createWallets } from '../../services/wallets'
import type { Wallets } from '../../services/wallets'
import { createFakeStorage } from '../fakes/storage'
import { cheapHash, createMemoryLocks, createMemoryVaultStore } from '../fakes/vault'
import { until } from './until'

const PASSWORD = 'scripted scripted'
/** milliseconds for what another program does in answer; a bound against hanging, not a measure */
const PATIENCE_MS = 30_000

/** The doors of one run and what they report. */
interface Doors {
  readonly p2p: P2P
  readonly wallets: Wallets
  readonly musig2: MuSig2
  views: WalletView[]
  cards: SessionCard[]
}

/**
 * A member without a screen: the app's own doors in this process, over the real relay and the real chain server, with
 * what it stores in memory. It does what a person would by calling the doors. Its keys are in the test's hands, so it
 * can also say and sign what no app says.
 */
export class ScriptedMember {
  /** everything that others sent about sessions */
  readonly heard: SignedMessage[] = []

  protected constructor(
    readonly name: string,
    private readonly words: string,
    readonly peerKey: Uint8Array,
    private readonly doors: Doors,
  ) {}

  /** A new member of the app that is served at this address. */
  static create(app: string, name: string): Promise<ScriptedMember> {
    return ScriptedMember.open(app, name, (...made) => new ScriptedMember(...made))
  }

  protected static async open<M extends ScriptedMember>(
    app: string,
    name: string,
    make: (name: string, words: string, peerKey: Uint8Array, doors: Doors) => M,
  ): Promise<M> {
    const read = parseConfig(await (await fetch(`${app}/config.json`)).json())
    if (!read.ok) throw new Error(read.error.code)
    const config = read.value
    const network = config.networks.regtest
    if (network === undefined) throw new Error('no local chain')
    const words = generateMnemonic(wordlist)
    const signer = createVault({
      store: createMemoryVaultStore(),
      locks: createMemoryLocks(),
      hash: cheapHash,
      entropy: workerEntropy,
      clock: workerClock,
    })
    const made = await signer.createProfile({ name, words, password: PASSWORD, wordsChecked: true })
    const opened = made.ok
      ? await signer.unlock({ profileId: made.value.id, password: PASSWORD, takeover: false })
      : made
    if (!opened.ok) throw new Error(opened.error.code)

    const { peerKey } = opened.value
    const common = { clock: workerClock, entropy: workerEntropy, log: { write: () => undefined } }
    const storage = createFakeStorage()
    const transport = createLibp2pTransport({ ...common, peerKey, relays: [], webrtc: false })
    const p2p = createP2P({
      ...common,
      transport,
      relays: config.relays,
      build: 'scripted',
      sign: async bytes => ed25519.sign(bytes, peerKey),
      allowed: (peerId, protocol) => wallets.directory.allowed(peerId, protocol),
    })
    const chain = createEsplora({ ...common, base: network.esplora })
    const late: { doors?: Doors } = {}
    const wallets = createWallets({
      ...common,
      profileName: name,
      signer,
      storage,
      network: p2p,
      networks: config.networks,
      chain: () => chain,
      relays: () => config.relays,
      relaysWanted: () => undefined,
      link: fragment => `${app}/${fragment}`,
      events: {
        changed: views => {
          if (late.doors) late.doors.views = views
        },
      },
    })
    const musig2 = createMuSig2({
      clock: workerClock,
      network: p2p,
      sessions: () => wallets.directory.sessions(),
      onSessions: listener => wallets.directory.onSessions(listener),
      events: {
        sessions: cards => {
          if (late.doors) late.doors.cards = cards
        },
      },
    })
    const doors: Doors = { p2p, wallets, musig2, views: [], cards: [] }
    late.doors = doors
    const member = make(name, words, peerKey, doors)
    p2p.onMessage('sign', (_from, message) => {
      member.heard.push(message)
    })
    await wallets.start()
    await p2p.start()
    return member
  }

  get p2p(): P2P {
    return this.doors.p2p
  }
  get wallets(): Wallets {
    return this.doors.wallets
  }
  get musig2(): MuSig2 {
    return this.doors.musig2
  }
  get cards(): readonly SessionCard[] {
    return this.doors.cards
  }

  /** The first of its wallets, or the one of this name. */
  record(walletName?: string): WalletRecord {
    const view = this.doors.views.find(wallet => walletName === undefined || wallet.name === walletName)
    const record = view && this.wallets.directory.get(view.id)?.record
    if (record === undefined) throw new Error(`${this.name} has no wallet ${walletName ?? ''}`)
    return record
  }

  peerIdOf(memberName: string, walletName?: string): string {
    const entry = this.record(walletName).roster.find(member => member.name === memberName)
    if (entry === undefined) throw new Error(`no ${memberName}`)
    return entry.peerId
  }

  // what a person does

  async join(link: string): Promise<void> {
    const joined = await this.wallets.join(link, this.name)
    if (!joined.ok) throw new Error(joined.error.code)
  }

  /** Waits for the wallet, says that the safety number matches, and puts the file off. */
  async confirm(walletName?: string): Promise<void> {
    const has = () => this.doors.views.some(wallet => walletName === undefined || wallet.name === walletName)
    await until(has, `${this.name} has the wallet`, PATIENCE_MS)
    const { id } = this.record(walletName)
    await this.wallets.confirmSafety(id, true)
    await this.wallets.deferFile(id)
  }

  /** Approves what waits for it, in this wallet or any, once something does. */
  async approveWaiting(walletName?: string): Promise<void> {
    const waiting = () =>
      this.cards.filter(
        card => card.view.canApprove && (walletName === undefined || card.walletId === this.record(walletName).id),
      )
    await until(() => waiting().length > 0, `${this.name} is asked`, PATIENCE_MS)
    for (const card of waiting()) await this.musig2.approve(card.id)
  }

  // what only a program does

  /** Signs as this member whatever it is. */
  sign(session: string, body: SignBody, attempt?: SignedMessage['attempt'], walletName?: string): SignedMessage {
    const record = this.record(walletName)
    const own = record.roster.find(entry => entry.accountKey === record.self)
    const key =
      own &&
      HDKey.fromMasterSeed(mnemonicToSeedSync(this.words)).derive(`m/${own.origin.path.replaceAll('h', "'")}`)
        .privateKey
    if (!key) throw new Error('no key')
    const unsigned = {
      sender: record.self,
      walletId: record.id,
      session,
      body,
      ...(attempt === undefined ? {} : { attempt }),
    }
    return { ...unsigned, signature: signHash(messageHash(unsigned), key, randomBytes(32)) }
  }

  async close(): Promise<void> {
    this.musig2.stop()
    this.wallets.stop()
    await this.p2p.stop()
  }
}
