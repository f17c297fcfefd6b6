/**
 * One open wallet: its record, output scripts, chain follower, receive addresses and sessions. Everything that is known
 * of a wallet while a profile is open is here, and nowhere else.
 */
import type { Chain } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Aggregator, Signer } from '../../ports/signer'
import type { Storage } from '../../ports/storage'
import { toHex } from '../domain/bytes'
import type { WalletId } from '../domain/ids'
import { NETWORKS, type NetworkName } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { WalletRecord } from '../domain/wallet'
import { Follower } from '../chain/follower'
import { decodeChainState, EMPTY_STATE, encodeChainState } from '../chain/state'
import { nextIndex, spendableCoins, type ChainCoin, type WalletChain } from '../chain/view'
import { createWalletScripts, type WalletScripts } from '../crypto/wallet-scripts'
import { decodeChanges, encodeChanges, type Before } from '../roster/changes'
import { isActive, recordMessage } from '../roster/wallet-record'
import type { Session } from '../signing/protocol/state'
import { WalletSessions, type SigningWallet } from '../signing/wallet-sessions'
import { encodeWalletRecord } from '../wire/codec'
import { feeEstimates } from './fee-estimates'
import type { WalletNetwork } from './network'
import { ReceiveAddresses } from './receive-addresses'

export interface OpenWalletDeps {
  readonly signer: Signer & Aggregator
  readonly storage: Storage
  readonly network: WalletNetwork
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** undefined: the configuration names no server for this network */
  chain(network: NetworkName): Chain | undefined
  /** Screens have something new to show of the wallet itself. */
  walletChanged(): void
  /** The record has changed: whom to reach, and over which relays. */
  recordChanged(): void
  /** Screens have something new to show of its sessions; `now`: somebody is asked something. */
  sessionsChanged(now?: 'now'): void
}

/** What the disk has of a wallet beside its record. */
interface StoredFacts {
  readonly restored: boolean
  readonly changes: readonly Before[]
  readonly receive: ReceiveAddresses
}

/** milliseconds from complete signatures to the first look for their transaction */
const FIRST_LOOK_MS = 400

export class OpenWallet implements SigningWallet {
  readonly id: WalletId
  readonly scripts: WalletScripts
  readonly chain: Chain | undefined
  readonly receive: ReceiveAddresses
  readonly sessions: WalletSessions
  readonly #follower: Follower | undefined
  /** came from a wallet file on this device */
  readonly #restored: boolean
  #record: WalletRecord
  /** members who have changed since a person looked, as they were */
  #changes: readonly Before[]

  private constructor(
    private readonly d: OpenWalletDeps,
    record: WalletRecord,
    scripts: WalletScripts,
    facts: StoredFacts,
    chainState: Uint8Array | undefined,
    sessions: readonly Session[],
  ) {
    this.id = record.id
    this.#record = record
    this.scripts = scripts
    this.chain = d.chain(record.network)
    this.receive = facts.receive
    this.#restored = facts.restored
    this.#changes = facts.changes
    this.#follower = this.chain && this.#follow(this.chain, chainState)
    this.sessions = new WalletSessions(
      { ...d, wallet: this, changed: now => d.sessionsChanged(now), holdsChanged: () => d.walletChanged() },
      sessions,
    )
  }

  /** Reads what is stored of the wallet. Refused when the descriptor cannot be opened. */
  static async open(
    d: OpenWalletDeps,
    record: WalletRecord,
    sessions: readonly Session[],
  ): Promise<Result<OpenWallet, { readonly code: string }>> {
    const keys = { network: record.network, descriptor: record.descriptor }
    const [opened, chainState, restored, changes] = await Promise.all([
      d.signer.openWallet(keys),
      d.storage.get('chain', record.id),
      d.storage.get('settings', `restored/${record.id}`),
      d.storage.get('settings', `changes/${record.id}`),
    ])
    if (!opened.ok) return err({ code: opened.error.code })
    const scripts = createWalletScripts({
      ...keys,
      members: opened.value,
      derive: places => d.signer.deriveScripts(keys, places),
    })
    const facts = {
      restored: restored !== undefined,
      changes: changes === undefined ? [] : decodeChanges(changes),
      receive: await ReceiveAddresses.load({ walletId: record.id, storage: d.storage, scripts }),
    }
    return ok(new OpenWallet(d, record, scripts, facts, chainState, sessions))
  }

  /** Begins to follow the chain, once coins may come. */
  start(): void {
    if (isActive(this.#record) || this.#restored) void this.refresh()
  }

  stop(): void {
    this.#follower?.stop()
    this.sessions.stop()
  }

  // ---------------------------------------------------------------- record

  get record(): WalletRecord {
    return this.#record
  }

  /**
   * Everybody has confirmed and saved. A wallet file is older than the last confirmations. Where it was restored, my
   * own confirmation and coins on the chain say the same, because no address is shown before. The other confirmations
   * come with the next member who is there.
   */
  get active(): boolean {
    const { confirmations, self } = this.#record
    if (isActive(this.#record)) return true
    return this.#restored && Object.hasOwn(confirmations, self) && (this.view?.history.length ?? 0) > 0
  }

  /** Stores a changed record and tells every member; the chain is followed once the wallet is active. */
  async update(record: WalletRecord): Promise<void> {
    const wasActive = isActive(this.#record)
    // at once: what comes in while the store works is merged with this record, not with the one before it
    this.#record = record
    await this.d.storage.put('wallets', record.id, encodeWalletRecord(record))
    for (const entry of record.roster) if (entry.accountKey !== record.self) this.tellRecord(entry.peerId)
    if (!wasActive && isActive(record)) void this.refresh()
    this.d.recordChanged()
  }

  tellRecord(peerId: string): void {
    void this.d.network.send(peerId, 'wallet', recordMessage(this.#record))
  }

  get changes(): readonly Before[] {
    return this.#changes
  }

  /** Members have changed: kept until a person has looked, who sees them as they were beside as they are. */
  async noteChanges(changes: readonly Before[]): Promise<void> {
    const grew = changes.length > this.#changes.length
    this.#changes = changes
    if (grew) await this.d.storage.put('settings', `changes/${this.id}`, encodeChanges(changes))
  }

  async changesSeen(): Promise<void> {
    this.#changes = []
    await this.d.storage.delete('settings', `changes/${this.id}`)
    this.d.walletChanged()
  }

  // ---------------------------------------------------------------- chain

  #follow(chain: Chain, stored: Uint8Array | undefined): Follower {
    const { clock, storage } = this.d
    return new Follower({
      chain,
      clock,
      genesis: this.#record.genesis,
      local: NETWORKS[this.#record.network].local,
      scriptsAt: async places => {
        const wallet = await this.scripts.at(places)
        return places.map(({ branch, index }) => toHex(wallet.output(branch, index)?.script ?? new Uint8Array()))
      },
      initial: (stored && decodeChainState(stored)) ?? EMPTY_STATE,
      shown: () => this.receive.shown,
      expecting: () => this.sessions.awaitsChain,
      save: state => storage.put('chain', this.id, encodeChainState(state), 'relaxed'),
      changed: news => {
        void this.sessions.chainChanged(news)
        this.d.walletChanged()
      },
    })
  }

  get follower(): Follower | undefined {
    return this.#follower
  }

  get view(): WalletChain | undefined {
    return this.#follower?.wallet
  }

  refresh(full = false): Promise<void> {
    return this.#follower?.refresh(full) ?? Promise.resolve()
  }

  refreshSoon(): void {
    this.d.clock.after(FIRST_LOOK_MS, () => void this.refresh())
  }

  // ---------------------------------------------------------------- coins

  coins(): ChainCoin[] {
    return this.view === undefined ? [] : spendableCoins(this.view, this.sessions.holds.outpoints)
  }

  nextChange(): number | undefined {
    return this.view && nextIndex(this.view, 1, this.sessions.holds.change)
  }

  async normalFeeRate(): Promise<number> {
    return (await feeEstimates(this.chain)).normal
  }
}
