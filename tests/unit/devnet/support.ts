import { schnorr } from '@noble/curves/secp256k1.js'
import { hex } from '@scure/base'
import { p2tr, Transaction } from '@scure/btc-signer'
import { vi } from 'vitest'
import { startDevnet, type Devnet, type DevnetOptions } from '../../../devnet/server'

// Hundreds of signatures are judged in one test: on a busy machine that is slow, not wrong.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

export const REGTEST = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef }

export interface Key {
  readonly secret: Uint8Array
  readonly pub: Uint8Array
  readonly script: Uint8Array
  readonly address: string
}

/** A key that a number names, so that runs are alike. */
export function keyOf(n: number): Key {
  const secret = hex.decode(n.toString(16).padStart(64, '0'))
  const pub = schnorr.getPublicKey(secret)
  const { script, address } = p2tr(pub, undefined, REGTEST)
  if (address === undefined) throw new Error('no address')
  return { secret, pub, script, address }
}

export interface CoinOf {
  readonly txid: string
  readonly vout: number
  readonly value: number
}

export interface SpendSpec {
  readonly key: Key
  readonly coins: readonly CoinOf[]
  readonly outputs: readonly { readonly script: Uint8Array; readonly sats: number }[]
  readonly sequence?: number
  readonly lockTime?: number
  readonly version?: number
  /** Amounts that the signature commits to, when they are to be lies. */
  readonly signedAmounts?: readonly number[]
}

/** A signed P2TR key-path spend, serialised. */
export function spend({
  key,
  coins,
  outputs,
  sequence = 0xfffffffd,
  lockTime = 0,
  version = 2,
  signedAmounts,
}: SpendSpec): Uint8Array {
  const tx = new Transaction({ allowUnknownOutputs: true, allowUnknownVersion: true, lockTime, version })
  coins.forEach(({ txid, vout, value }, i) => {
    const amount = BigInt(signedAmounts?.[i] ?? value)
    tx.addInput({ txid, index: vout, sequence, tapInternalKey: key.pub, witnessUtxo: { script: key.script, amount } })
  })
  for (const { script, sats } of outputs) tx.addOutput({ script, amount: BigInt(sats) })
  tx.sign(key.secret, undefined, new Uint8Array(32))
  tx.finalize()
  return tx.extract()
}

export interface Got {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

export interface TestNet extends Devnet {
  get(path: string): Promise<Got>
  /** Parsed body of a call that must succeed. */
  json<T>(path: string): Promise<T>
  send(raw: Uint8Array | string): Promise<Got>
  dev(call: string, body?: unknown): Promise<Got>
  /** Pays and mines; gives the new coin. */
  fund(key: Key, sats: number, mine?: boolean): Promise<CoinOf>
}

/** A chain in memory on a free port, with a small client. */
export async function testNet(options: DevnetOptions = {}): Promise<TestNet> {
  const net = await startDevnet({ port: 0, ...options })
  const call = async (path: string, init?: RequestInit): Promise<Got> => {
    const response = await fetch(net.url + path, init)
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  const json = async <T>(path: string): Promise<T> => {
    const got = await call(path)
    if (got.status !== 200) throw new Error(`${path}: ${got.status} ${got.text}`)
    return JSON.parse(got.text) as T
  }
  const dev = (name: string, body: unknown = {}): Promise<Got> =>
    call(`/dev/${name}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
  return {
    ...net,
    get: path => call(path),
    json,
    send: raw => call('/tx', { method: 'POST', body: typeof raw === 'string' ? raw : hex.encode(raw) }),
    dev,
    fund: async (key, sats, mine = true) => {
      const got = await dev('faucet', { address: key.address, sats, mine })
      if (got.status !== 200) throw new Error(got.text)
      const { txid } = JSON.parse(got.text) as { txid: string }
      const { vout } = await json<{ vout: { scriptpubkey: string }[] }>(`/tx/${txid}`)
      return { txid, vout: vout.findIndex(({ scriptpubkey }) => scriptpubkey === hex.encode(key.script)), value: sats }
    },
  }
}

/** The refusal that a broadcast got, in the node's words. */
export function rejection({ status, text }: Got): { status: number; code: number; message: string } {
  const head = 'sendrawtransaction RPC error: '
  if (!text.startsWith(head)) throw new Error(`no rejection: ${status} ${text}`)
  return { status, ...(JSON.parse(text.slice(head.length)) as { code: number; message: string }) }
}
