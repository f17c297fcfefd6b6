/**
 * The wallets door: shared wallets of the open profile, from invite to balance. Module functions act on the one
 * instance that `initWallets` made. What they do stands in core/wallet.
 */
import type { Chain } from './ports/chain'
import type { Clock } from './ports/clock'
import type { Entropy } from './ports/entropy'
import type { Log } from './ports/log'
import type { Aggregator, Signer } from './ports/signer'
import type { Storage } from './ports/storage'
import type { AppConfig } from './core/domain/config'
import type { AccountKey, Txid, WalletId } from './core/domain/ids'
import { NETWORK_NAMES, type NetworkName } from './core/domain/network'
import { err, ok, type Result } from './core/domain/result'
import { createThrottle, SCREEN_MS, type Throttle } from './core/domain/throttle'
import type { DraftView, FieldError, WalletView } from './core/domain/views'
import { WalletDirectory } from './core/wallet/directory'
import { feeEstimates } from './core/wallet/fee-estimates'
import { exportWalletFile } from './core/wallet/file'
import type { WalletNetwork } from './core/wallet/network'
import type { OpenWallet } from './core/wallet/open-wallet'
import { txDetail } from './core/wallet/tx-detail'
import * as use from './core/wallet/use-cases'

export interface WalletsEvents {
  changed(wallets: WalletView[], drafts: DraftView[], finishedDrafts: Record<string, WalletId>): void
}

export interface WalletsDeps {
  readonly profileName: string
  readonly signer: Signer & Aggregator
  readonly storage: Storage
  readonly network: WalletNetwork
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly events: WalletsEvents
  chain(network: NetworkName): Chain | undefined
  readonly networks: AppConfig['networks']
  /** relays of the configuration and of this profile */
  relays(): readonly string[]
  /** Relays that open invites name: joiners look for the creator there. */
  relaysWanted(relays: readonly string[]): void
  /** whole link for the fragment of an invite */
  link(fragment: string): string
}

const notText = err<FieldError>({ field: 'file', code: 'file-damaged' })

export class Wallets {
  readonly directory: WalletDirectory
  readonly #available: readonly NetworkName[]
  readonly #changed: Throttle
  #started = false

  constructor(private readonly d: WalletsDeps) {
    this.#available = NETWORK_NAMES.filter(name => d.networks[name] !== undefined)
    this.#changed = createThrottle(d.clock, SCREEN_MS, () => this.#tell())
    this.directory = new WalletDirectory({ ...d, changed: () => this.#changed() })
  }

  /** Opens what is stored and shows it; then takes messages. */
  async start(): Promise<void> {
    await this.directory.start()
    this.#started = true
    this.#changed.now()
    await this.directory.resume()
  }

  stop(): void {
    this.#changed.stop()
    this.directory.stop()
  }

  /** The page is visible or the network is back. */
  wake(): void {
    this.directory.wake()
  }

  /** Nothing is shown before the holds of all wallets are known. */
  #tell(): void {
    if (!this.#started) return
    const view = this.directory.view()
    this.d.events.changed(view.wallets, view.drafts, view.finishedDrafts)
  }

  /** Runs `use` on an open wallet. */
  async #with<T>(walletId: WalletId, work: (wallet: OpenWallet) => T | Promise<T>): Promise<T | undefined> {
    const wallet = this.directory.get(walletId)
    return wallet && work(wallet)
  }

  async #try<T>(
    walletId: WalletId,
    work: (wallet: OpenWallet) => Promise<Result<T, FieldError>>,
  ): Promise<Result<T, FieldError>> {
    const wallet = this.directory.get(walletId)
    return wallet === undefined ? use.unknownWallet() : work(wallet)
  }

  createDraft(p: { name: string; network: NetworkName; n: number }) {
    const own = { name: this.d.profileName, networks: this.#available, relays: this.d.relays() }
    return use.createDraft(this.directory, p, own)
  }

  async join(text: string, myName: string): Promise<Result<string, FieldError>> {
    const { network, clock } = this.d
    const invite = use.readInviteFor(text, this.#available, Math.floor(clock.now() / 1000))
    if (!invite.ok) return invite
    const { creatorPeerId } = invite.value
    const joined = await use.join(this.directory, invite.value, myName, network.peerId)
    // who has talked about another wallet of the creator is linked already, and no link will come up to ask over
    if (joined.ok && network.isLinkUp(creatorPeerId, 'join')) void this.directory.drafts.onConnected(creatorPeerId)
    return joined
  }

  admit = (draftId: string, accountKey: AccountKey) =>
    this.directory.drafts.tell(draftId, { type: 'admit', accountKey })
  removeSeat = (draftId: string, accountKey: AccountKey) =>
    this.directory.drafts.tell(draftId, { type: 'remove', accountKey })
  closeRoster = (draftId: string) => use.closeRoster(this.directory, draftId)
  abandon = (draftId: string) => use.abandonDraft(this.directory, draftId)

  confirmSafety = (id: WalletId, matches: boolean) =>
    this.#try(id, wallet => use.confirmSafety(wallet, matches, this.d.signer))
  giveUp = (id: WalletId) => this.#try(id, wallet => use.giveUp(this.directory, wallet))

  exportFile = (id: WalletId) =>
    this.#with(id, async wallet => {
      const { filename, text } = await exportWalletFile(wallet.record, this.d.signer)
      return { filename, bytes: new TextEncoder().encode(text) }
    })
  async checkFile(id: WalletId, bytes: Uint8Array): Promise<Result<true, FieldError>> {
    const text = readText(bytes)
    return text === undefined ? notText : this.#try(id, wallet => use.checkFile(wallet, text, this.d.signer))
  }
  deferFile = (id: WalletId) => this.#try(id, use.deferFile)
  async restoreFile(bytes: Uint8Array): Promise<Result<WalletId, FieldError>> {
    const text = readText(bytes)
    return text === undefined
      ? notText
      : use.restoreFile(this.directory, text, { ...this.d, networks: this.#available })
  }

  /** undefined before the wallet is active: coins must not come before everybody can sign */
  receiveAddress = (id: WalletId) => this.#with(id, w => (w.active ? w.receive.current(w.view) : undefined))
  newAddress = (id: WalletId) => this.#with(id, w => (w.active ? w.receive.next(w.view) : undefined))
  faucet = (id: WalletId) => this.#try(id, use.faucet)
  /** The output script of a recipient as typed, or why no coins may be sent there. */
  readRecipient = (id: WalletId, address: string) => this.#try(id, w => w.sessions.spend.readRecipient(address))
  feeEstimates = (id: WalletId) => feeEstimates(this.directory.get(id)?.chain)
  /** A person has looked at what members have changed. */
  changesSeen = (id: WalletId) => this.#with(id, w => w.changesSeen())
  refresh = (id: WalletId) => this.#with(id, w => w.refresh(true))
  txDetail = (id: WalletId, txid: Txid) => this.#with(id, w => txDetail(w, txid))
}

/** UTF-8, or undefined. */
function readText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export const createWallets = (deps: WalletsDeps): Wallets => new Wallets(deps)

let current: Wallets | null = null

/** Sets the one current instance. */
export function initWallets(deps: WalletsDeps): Wallets {
  current = createWallets(deps)
  return current
}

/** The current instance; using it before `initWallets` is a mistake in the program. */
export function wallets(): Wallets {
  if (current === null) throw new TypeError('wallets: not initialized')
  return current
}

/**
 * Reads an invite while no profile is open: every network this build knows is taken, the rest is checked at joining.
 */
export function readInvite(
  text: string,
): Result<{ creatorName: string; name: string; network: NetworkName; n: number; expiresAt: number }, FieldError> {
  const read = use.readInviteFor(text, NETWORK_NAMES, Math.floor(Date.now() / 1000))
  if (!read.ok) return read
  const { creatorName, walletName, network, n, expiresAt } = read.value
  return ok({ creatorName, name: walletName, network, n, expiresAt })
}
