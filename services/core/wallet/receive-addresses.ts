import type { Storage } from '../../ports/storage'
import type { WalletId } from '../domain/ids'
import type { WalletChain } from '../chain/view'
import { nextIndex } from '../chain/view'
import type { WalletScripts } from '../crypto/wallet-scripts'
import { LIMITS } from '../wire/limits'

export interface ReceiveAddress {
  readonly address: string
  readonly index: number
}

/** Which receive addresses were shown on this device: an address that somebody has seen is not given to another. */
export class ReceiveAddresses {
  #shown: number

  private constructor(
    private readonly d: { readonly walletId: WalletId; readonly storage: Storage; readonly scripts: WalletScripts },
    shown: number,
  ) {
    this.#shown = shown
  }

  static async load(d: {
    readonly walletId: WalletId
    readonly storage: Storage
    readonly scripts: WalletScripts
  }): Promise<ReceiveAddresses> {
    const stored = await d.storage.get('settings', `shown/${d.walletId}`)
    return new ReceiveAddresses(d, stored === undefined ? -1 : (stored[0] ?? 0) * 256 + (stored[1] ?? 0))
  }

  /** highest receive index that was shown here; -1 before the first */
  get shown(): number {
    return this.#shown
  }

  current(view: WalletChain | undefined): Promise<ReceiveAddress> {
    return this.#show(this.#currentIndex(view))
  }

  /** The next one, at most 20 unused ones ahead: a restored wallet looks no further (BIP44). */
  next(view: WalletChain | undefined): Promise<ReceiveAddress> {
    const last = (view?.lastUsed[0] ?? -1) + LIMITS.gapLimit
    return this.#show(Math.min(this.#currentIndex(view) + 1, last))
  }

  #currentIndex(view: WalletChain | undefined): number {
    const unused = view === undefined ? 0 : nextIndex(view, 0, new Set())
    return Math.max(unused ?? 0, this.#shown)
  }

  async #show(index: number): Promise<ReceiveAddress> {
    if (index > this.#shown) {
      this.#shown = index
      await this.d.storage.put('settings', `shown/${this.d.walletId}`, Uint8Array.of(index >> 8, index & 255))
    }
    const wallet = await this.d.scripts.at([{ branch: 0, index }])
    return { address: wallet.output(0, index)?.address ?? '', index }
  }
}
