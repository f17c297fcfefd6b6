import '../../support/node-shim'
import '../../support/node-websocket'
import { randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect } from '@playwright/test'
import { HDKey } from '@scure/bip32'
import { generateMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { createEsplora } from '../../../services/adapters/esplora'
import { workerClock, workerEntropy } from '../../../services/adapters/keyworker/platform'
import { createVault } from '../../../services/adapters/keyworker/vault'
import { createLibp2pTransport } from '../../../services/adapters/libp2p/transport'
import { messageHash, signHash } from '../../../services/core/crypto/message-hash'
import { nameProposal, sessionIdOf } from '../../../services/core/crypto/proposal-id'
import { parseTx, serializeTx } from '../../../services/core/crypto/transaction'
import type { Tx } from '../../../services/core/crypto/transaction'
import { parseConfig } from '../../../services/core/domain/config'
import type { SpendProposal } from '../../../services/core/domain/proposal'
import type { WalletView } from '../../../services/core/domain/views'
import { createDesk } from '../../../services/core/spend/desk'
import type { SpendWish } from '../../../services/core/spend/desk'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { createMuSig2 } from '../../../services/musig2'
import type { MuSig2, SessionCard } from '../../../services/musig2'
import { createP2P } from '../../../services/p2p'
import type { P2P } from '../../../services/p2p'
import { createWallets } from '../../../services/wallets'
import type { Wallets } from '../../../services/wallets'
import { createFakeStorage } from '../../fakes/storage'
import { cheapHash, createMemoryLocks, createMemoryVaultStore } from '../../fakes/vault'
import type { Stack } from './stack'

const PASSWORD = 'liar liar liar'

/**
 * A member who does not run our app: the protocol in Node, over the real relay, with his own keys in his own hands. He joins as anybody
 * does, and then says and signs what he likes.
 */
export class Liar {
  readonly name = 'Mallory'
  /** everything that others sent him about sessions */
  readonly heard: SignedMessage[] = []
  private views: WalletView[] = []
  private cards: SessionCard[] = []

  private constructor(private readonly words: string, private readonly p2p: P2P, private readonly wallets: Wallets, private readonly musig2: MuSig2, private readonly desk: ReturnType<typeof createDesk>) {}

  static async create(stack: Stack): Promise<Liar> {
    const read = parseConfig(await (await fetch(`${stack.app}/config.json`)).json())
    if (!read.ok) throw new Error(read.error.code)
    const config = read.value
    const network = config.networks.regtest
    if (network === undefined) throw new Error('no local chain')
    const words = generateMnemonic(wordlist)
    const signer = createVault({ store: createMemoryVaultStore(), locks: createMemoryLocks(), hash: cheapHash, entropy: workerEntropy, clock: workerClock })
    const made = await signer.createProfile({ name: 'Mallory', words, password: PASSWORD, wordsChecked: true })
    const opened = made.ok ? await signer.unlock({ profileId: made.value.id, password: PASSWORD, takeover: false }) : made
    if (!opened.ok) throw new Error(opened.error.code)

    const { peerKey } = opened.value
    const common = { clock: workerClock, entropy: workerEntropy, log: { write: () => undefined } }
    const storage = createFakeStorage()
    const transport = createLibp2pTransport({ ...common, peerKey, relays: [], webrtc: false })
    let allowed: Wallets['allowed'] = () => false
    const p2p = createP2P({ ...common, transport, relays: config.relays, build: 'liar', sign: async bytes => ed25519.sign(bytes, peerKey), allowed: (peerId, protocol) => allowed(peerId, protocol) })
    const chain = createEsplora({ ...common, base: network.esplora })
    const liar: { is?: Liar } = {}
    const wallets = createWallets({
      ...common, profileName: 'Mallory', signer, storage, p2p, networks: config.networks, chain: () => chain, relays: () => config.relays,
      relaysWanted: () => undefined, link: fragment => fragment, events: { changed: (views) => { if (liar.is) liar.is.views = views } },
    })
    allowed = wallets.allowed
    const musig2 = createMuSig2({ ...common, signer, storage, p2p, wallets, events: { sessions: (cards) => { if (liar.is) liar.is.cards = cards }, participant: () => undefined } })
    liar.is = new Liar(words, p2p, wallets, musig2, createDesk({ ...common, wallets }))
    p2p.onMessage('sign', (_from, message) => { liar.is?.heard.push(message) })
    await wallets.start(() => musig2.load())
    await musig2.start()
    await p2p.start()
    return liar.is
  }

  private get wallet(): WalletView {
    const [wallet] = this.views
    if (wallet === undefined) throw new Error('Mallory has no wallet')
    return wallet
  }

  private get record() {
    const record = this.wallets.record(this.wallet.id)
    if (record === undefined) throw new Error('Mallory has no wallet')
    return record
  }

  async join(link: string) {
    const joined = await this.wallets.join(link, this.name)
    if (!joined.ok) throw new Error(joined.error.code)
  }

  async confirm() {
    await expect.poll(() => this.views.length).toBe(1)
    await this.wallets.confirmSafety(this.wallet.id, true)
    await this.wallets.deferFile(this.wallet.id)
  }

  /** Approves, as an honest member does, whatever waits for him. */
  async approveWaiting() {
    await expect.poll(() => this.cards.some(card => card.view.canApprove)).toBe(true)
    for (const card of this.cards) if (card.view.canApprove) await this.musig2.approve(card.id)
  }

  /** A correct payment over all available coins or a part of them; nothing is sent. */
  async draft(wish: Omit<SpendWish, 'walletId'>): Promise<SpendProposal> {
    await this.wallets.refresh(this.wallet.id)
    const built = await this.desk.build({ walletId: this.wallet.id, ...wish })
    if (!built.ok) throw new Error(`${built.error.field} ${built.error.code}`)
    return { ...built.value.draft, salt: randomBytes(32).toString('hex') }
  }

  /** The same proposal over a transaction that was changed. */
  withTx(proposal: SpendProposal, change: (tx: Tx) => Tx): SpendProposal {
    const tx = parseTx(proposal.tx)
    if (!tx.ok) throw new Error(tx.error.code)
    return { ...proposal, tx: serializeTx(change(tx.value)) }
  }

  /** scriptPubKey of a place in the wallet */
  script(branch: 0 | 1, index: number): Uint8Array {
    const output = this.wallets.context(this.wallet.id)?.output(branch, index)
    if (output === undefined) throw new Error('no such place')
    return output.script
  }

  private sign(session: string, body: SignBody, attempt?: SignedMessage['attempt']): SignedMessage {
    const { record } = this
    const own = record.roster.find(entry => entry.accountKey === record.self)
    const key = own && HDKey.fromMasterSeed(mnemonicToSeedSync(this.words)).derive(`m/${own.origin.path.replaceAll('h', '\'')}`).privateKey
    if (!key) throw new Error('no key')
    const unsigned = { sender: record.self, walletId: record.id, session, body, ...(attempt === undefined ? {} : { attempt }) }
    return { ...unsigned, signature: signHash(messageHash(unsigned), key, randomBytes(32)) }
  }

  /** Sends a proposal to the named members as if it were sound, and presses on as if everybody had agreed. Gives its session. */
  async propose(proposal: SpendProposal, to: readonly string[]): Promise<string> {
    const context = this.wallets.context(this.record.id)
    const named = context && nameProposal(context, proposal)
    const digest = named?.ok === true ? named.value.digest : randomBytes(32).toString('hex')
    const session = sessionIdOf(digest, proposal)
    const hub = this.record.roster.findIndex(entry => entry.accountKey === this.record.self)
    const pressing = [
      this.sign(session, { type: 'propose', proposal }), this.sign(session, { type: 'vote', digest, choice: 'yes' }),
      this.sign(session, { type: 'begin', digest }, { counter: 1, hub }),
    ]
    for (const name of to) {
      const peerId = this.peerIdOf(name)
      await expect.poll(() => this.p2p.isLinkUp(peerId, 'sign'), { message: `Mallory is linked with ${name}` }).toBe(true)
      for (const message of pressing) expect(await this.p2p.send(peerId, 'sign', message)).toBe(true)
    }
    return session
  }

  isLinked(name: string): boolean { return this.p2p.isLinkUp(this.peerIdOf(name), 'sign') }

  private peerIdOf(name: string): string {
    const entry = this.record.roster.find(member => member.name === name)
    if (entry === undefined) throw new Error(`no ${name}`)
    return entry.peerId
  }

  /** What came from others for this session that would let it go on: yes votes, nonces, signatures. */
  gained(session: string): string[] {
    return this.heard
      .filter(m => m.session === session && m.sender !== this.record.self)
      .map(m => m.body.type === 'vote' ? `vote ${m.body.choice}` : m.body.type)
      .filter(what => ['vote yes', 'begin', 'pubnonces', 'nonces', 'partials', 'final'].includes(what))
  }

  async close() {
    this.musig2.stop()
    this.wallets.stop()
    await this.p2p.stop()
  }
}
