/**
 * The open wallets of a profile, and the drafts that become wallets. This is the only map from wallet ids to wallets:
 * messages, links and screens come to a wallet through it. It tells the network whom this profile wants to reach.
 */
import type { PeerId, WalletId } from '../domain/ids'
import type { WalletRecord } from '../domain/wallet'
import type { DraftView, WalletView } from '../domain/views'
import { DraftRunner } from '../roster/draft-runner'
import { memberOfPeer } from '../roster/wallet-record'
import type { Session } from '../signing/protocol/state'
import { readStoredSessions } from '../signing/runtime/store'
import type { WalletSessions } from '../signing/wallet-sessions'
import { decodeWalletRecord, encodeWalletRecord } from '../wire/codec'
import type { ProtocolName } from '../wire/messages'
import { OpenWallet, type OpenWalletDeps } from './open-wallet'
import { mergeFromPeer } from './record-sync'
import { walletView } from './view'

export interface WalletDirectoryDeps extends Omit<
  OpenWalletDeps,
  'walletChanged' | 'sessionsChanged' | 'recordChanged'
> {
  /** whole link for the fragment of an invite */
  link(fragment: string): string
  /** Relays that open invites name: joiners look for the creator there. */
  relaysWanted(relays: readonly string[]): void
  /** Screens have something new to show. */
  changed(): void
}

/** What the screens show of all wallets. */
export interface DirectoryView {
  readonly wallets: WalletView[]
  readonly drafts: DraftView[]
  /** wallets that drafts have become, by draft id */
  readonly finishedDrafts: Record<string, WalletId>
}

export class WalletDirectory {
  readonly drafts: DraftRunner
  readonly #wallets = new Map<WalletId, OpenWallet>()
  /** who is watched because a draft wants it */
  readonly #watched = new Map<PeerId, () => void>()
  readonly #release: Array<() => void> = []
  readonly #sessionListeners = new Set<(now?: 'now') => void>()
  /** messages are taken and sessions go on: what is opened from now on goes on at once */
  #running = false
  #stopped = false

  constructor(private readonly d: WalletDirectoryDeps) {
    this.drafts = new DraftRunner({
      ...d,
      selfPeerId: d.network.peerId,
      send: (to, message) => void d.network.send(to, 'join', message),
      addWallet: record => this.add(record),
      changed: () => this.#reachChanged(),
    })
  }

  get(walletId: WalletId): OpenWallet | undefined {
    return this.#wallets.get(walletId)
  }

  all(): OpenWallet[] {
    return [...this.#wallets.values()]
  }

  /** Sessions of all open wallets, wallet by wallet. */
  sessions(): WalletSessions[] {
    return this.all().map(w => w.sessions)
  }

  /** Called when a session of any wallet has something new to show. */
  onSessions(listener: (now?: 'now') => void): () => void {
    this.#sessionListeners.add(listener)
    return () => {
      this.#sessionListeners.delete(listener)
    }
  }

  view(): DirectoryView {
    return {
      wallets: this.all().map(wallet => walletView(wallet, this.d.network.members(wallet.id))),
      drafts: this.drafts.views(fragment => this.d.link(fragment)),
      finishedDrafts: this.drafts.finished(),
    }
  }

  /** Opens what is stored. Holds of stored sessions stand before a coin is shown as free. */
  async start(): Promise<void> {
    const sessions = await readStoredSessions(this.d.storage, this.d.log)
    for (const { key, value } of await this.d.storage.all('wallets')) {
      const record = decodeWalletRecord(value)
      if (record.ok) await this.#open(record.value, sessions.get(record.value.id) ?? [])
      else this.d.log.write('error', 'wallets.unreadable-record', { key: key.slice(0, 8), code: record.error.code })
    }
    await this.drafts.load()
    this.#reach()
    this.d.changed()
  }

  /** From now on messages are taken, and sessions go on. */
  async resume(): Promise<void> {
    for (const wallet of this.all()) await wallet.sessions.load()
    // locked while it was opening
    if (this.#stopped) return
    this.#running = true
    this.#listen()
    await Promise.all(this.sessions().map(sessions => sessions.resume()))
  }

  stop(): void {
    this.#stopped = true
    for (const release of this.#release) release()
    for (const wallet of this.all()) wallet.stop()
  }

  /** Stores a new wallet and opens it; one that is open already stays as it is. */
  async add(record: WalletRecord): Promise<void> {
    if (this.#wallets.has(record.id)) return
    await this.d.storage.put('wallets', record.id, encodeWalletRecord(record))
    const sessions = await readStoredSessions(this.d.storage, this.d.log)
    const wallet = await this.#open(record, sessions.get(record.id) ?? [])
    if (wallet !== undefined && this.#running) {
      await wallet.sessions.load()
      await wallet.sessions.resume()
    }
    this.#reachChanged()
  }

  /** Forgets a wallet, and the draft that it came from. */
  async remove(wallet: OpenWallet): Promise<void> {
    wallet.stop()
    this.#wallets.delete(wallet.id)
    this.d.network.leaveWallet(wallet.id)
    await this.d.storage.delete('wallets', wallet.id)
    for (const [draftId, made] of Object.entries(this.drafts.finished()))
      if (made === wallet.id) await this.drafts.remove(draftId)
    this.#reachChanged()
  }

  /** May this peer talk to us on this protocol? */
  allowed(peerId: PeerId, protocol: ProtocolName): boolean {
    if (protocol === 'join') return this.drafts.mayTalk(peerId)
    return this.all().some(w => memberOfPeer(w.record, peerId) !== undefined)
  }

  /** Relays of the wallets' signed lists. */
  relays(): readonly string[] {
    return [...new Set(this.all().flatMap(w => [...w.record.relayList.relays]))]
  }

  /** The page is visible or the network is back: the chain is looked at now. */
  wake(): void {
    for (const wallet of this.all()) if (wallet.active) void wallet.refresh()
  }

  // ----------------------------------------------------------------

  async #open(record: WalletRecord, sessions: readonly Session[]): Promise<OpenWallet | undefined> {
    const opened = await OpenWallet.open(
      {
        ...this.d,
        walletChanged: () => this.d.changed(),
        recordChanged: () => this.#reachChanged(),
        sessionsChanged: now => {
          for (const listener of this.#sessionListeners) listener(now)
        },
      },
      record,
      sessions,
    )
    if (!opened.ok) {
      this.d.log.write('error', 'wallets.bad-descriptor', { wallet: record.id.slice(0, 8), code: opened.error.code })
      return undefined
    }
    this.#wallets.set(record.id, opened.value)
    opened.value.start()
    return opened.value
  }

  #listen(): void {
    const { network } = this.d
    this.#release.push(
      network.onMessage('sign', (from, message) => this.get(message.walletId)?.sessions.receive(from, message)),
      network.onMessage('wallet', async (from, message) => {
        const wallet = this.get(message.walletId)
        if (wallet !== undefined) await mergeFromPeer(wallet, from, message, this.d)
      }),
      network.onMessage('join', (from, message) => this.drafts.onMessage(from, message)),
      network.onLink((peerId, protocol, up) => this.#onLink(peerId, protocol, up)),
      network.onEvent(event => {
        if (event.type === 'peer' || event.type === 'presence') this.d.changed()
      }),
    )
  }

  #onLink(peerId: PeerId, protocol: ProtocolName, up: boolean): void {
    if (protocol === 'sign') for (const sessions of this.sessions()) void sessions.linksChanged()
    if (!up) return
    if (protocol === 'join') void this.drafts.onConnected(peerId)
    if (protocol === 'wallet')
      for (const wallet of this.all()) if (memberOfPeer(wallet.record, peerId) !== undefined) wallet.tellRecord(peerId)
  }

  #reachChanged(): void {
    this.#reach()
    this.d.changed()
  }

  /** Tells the network whom we want to be connected to, and over which relays. */
  #reach(): void {
    for (const { record } of this.all()) {
      this.d.network.joinWallet({
        walletId: record.id,
        groupSecret: record.groupSecret,
        self: record.self,
        relays: record.relayList.relays,
        members: record.roster.map(({ accountKey, peerId }) => ({ accountKey, peerId })),
      })
    }
    // people of a wallet in the making: the creator's browser, or members who have not taken the roster yet
    const wanted = new Map(this.drafts.wanted().map(w => [w.peerId, w]))
    for (const [peerId, release] of this.#watched) {
      if (wanted.has(peerId)) continue
      this.#watched.delete(peerId)
      release()
    }
    for (const [peerId, { relays, unknown }] of wanted) {
      if (this.#watched.has(peerId)) continue
      this.#watched.set(peerId, this.d.network.watch(peerId, { relays, unknown, links: ['join'] }))
    }
    this.d.relaysWanted(this.drafts.relays())
  }
}
