import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from '@playwright/test'

interface Ready {
  readonly ready: true
  readonly app: string
  readonly relay: string
  readonly esplora: string
  readonly pid: number
}

/** What this suite reads of an Esplora transaction; amounts in satoshis. */
export interface ChainTx {
  readonly txid: string
  readonly vin: ReadonlyArray<{ readonly txid: string; readonly vout: number; readonly prevout: { readonly value: number; readonly scriptpubkey_address: string }; readonly witness: readonly string[] }>
  readonly vout: ReadonlyArray<{ readonly value: number; readonly scriptpubkey_address: string }>
  readonly fee: number
  readonly status: { readonly confirmed: boolean; readonly block_height?: number }
}

export interface Coin { readonly txid: string; readonly vout: number; readonly value: number }

/** The build that is served; scripts/e2e.ts made it. */
const SITE = process.env.TANDEM_SITE ?? '.output/public'
const PORT = process.env.TANDEM_E2E_PORT ?? '4500'

/** `npm start` as a user runs it, in a process and a data folder of its own. Blocks come by `mine` only. */
export class Stack {
  private constructor(readonly ready: Ready, private readonly child: ChildProcess, private readonly data: string) {}

  /** `data`: a folder of an earlier stack, `fresh`: forgets what it holds; `port`: where the app is wanted. */
  static async start(options: { readonly data?: string; readonly fresh?: boolean; readonly port?: string } = {}): Promise<Stack> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'tandem-e2e-'))
    const args = ['--json', '--data', data, '--mine', '0', '--site', SITE, '--port', options.port ?? PORT, ...(options.fresh === true ? ['--fresh'] : [])]
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/start.ts', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ready = await new Promise<Ready>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`npm start ended with ${code}`)))
      if (child.stdout === null) return reject(new Error('no output'))
      createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line) as Ready))
    })
    return new Stack(ready, child, data)
  }

  /** Ends it and starts it again at the same address, by default with the chain and the relay that it had. */
  async restart(options: { readonly fresh?: boolean; readonly port?: string } = {}): Promise<Stack> {
    await this.end()
    return Stack.start({ data: this.data, port: new URL(this.app).port, ...options })
  }

  get app() { return this.ready.app }
  get relay() { return this.ready.relay }
  get esplora() { return this.ready.esplora }

  private async control(path: string, body: unknown) {
    const response = await fetch(`${this.ready.esplora}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return await response.json() as { txid?: string }
  }

  mine(blocks = 1) { return this.control('/dev/mine', { blocks }) }

  /** Pays `sats` to `address` and mines the block that holds it. */
  async faucet(address: string, sats: number): Promise<string> {
    const { txid } = await this.control('/dev/faucet', { address, sats })
    if (txid === undefined) throw new Error('the faucet named no transaction')
    return txid
  }

  /** The answer of the chain server, undefined for 404. */
  async chain<T>(path: string): Promise<T | undefined> {
    const response = await fetch(`${this.ready.esplora}${path}`)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return await response.json() as T
  }

  utxos(address: string): Promise<Coin[]> {
    return this.chain<Coin[]>(`/address/${address}/utxo`).then(coins => coins ?? [])
  }

  /** The transaction once the server knows it. */
  async tx(txid: string): Promise<ChainTx> {
    await expect.poll(() => this.chain(`/tx/${txid}`), { message: `the chain server knows ${txid}` }).toBeDefined()
    return await this.chain<ChainTx>(`/tx/${txid}`) as ChainTx
  }

  private async end() {
    const gone = new Promise(resolve => this.child.once('exit', resolve))
    this.child.kill('SIGTERM')
    await gone
  }

  async stop() {
    await this.end()
    rmSync(this.data, { recursive: true, force: true })
  }
}
