import { expect } from '@playwright/test'

/** What this suite reads of an Esplora transaction; amounts in satoshis. */
export interface ChainTx {
  readonly txid: string
  readonly vin: ReadonlyArray<{
    readonly txid: string
    readonly vout: number
    readonly prevout: { readonly value: number; readonly scriptpubkey_address: string }
    readonly witness: readonly string[]
  }>
  readonly vout: ReadonlyArray<{ readonly value: number; readonly scriptpubkey_address: string }>
  readonly fee: number
  readonly status: { readonly confirmed: boolean; readonly block_height?: number }
}

export interface Coin {
  readonly txid: string
  readonly vout: number
  readonly value: number
}

/** The local chain server, asked and controlled by its own interface. */
export class LocalChain {
  constructor(readonly esplora: string) {}

  private async control(path: string, body: unknown) {
    const response = await fetch(`${this.esplora}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { txid?: string }
  }

  mine(blocks = 1) {
    return this.control('/dev/mine', { blocks })
  }

  /** Pays `sats` to `address` and mines the block that holds it. */
  async faucet(address: string, sats: number): Promise<string> {
    const { txid } = await this.control('/dev/faucet', { address, sats })
    if (txid === undefined) throw new Error('the faucet named no transaction')
    return txid
  }

  /** The answer of the chain server, undefined for 404. */
  async chain<T>(path: string): Promise<T | undefined> {
    const response = await fetch(`${this.esplora}${path}`)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return (await response.json()) as T
  }

  utxos(address: string): Promise<Coin[]> {
    return this.chain<Coin[]>(`/address/${address}/utxo`).then(coins => coins ?? [])
  }

  /** The transaction once the server knows it. */
  async tx(txid: string): Promise<ChainTx> {
    await expect.poll(() => this.chain(`/tx/${txid}`), { message: `the chain server knows ${txid}` }).toBeDefined()
    return (await this.chain<ChainTx>(`/tx/${txid}`)) as ChainTx
  }
}
