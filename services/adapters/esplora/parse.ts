/**
 * Total reading of Esplora's answers: anything gives our own types or undefined, never an exception. Sizes are bounded
 * by the request, numbers and hex here.
 */
import { isHex } from '../../core/domain/bytes'
import type { Txid } from '../../core/domain/ids'
import type { ChainTx } from '../../ports/chain'

/** satoshis that will ever exist */
const MAX_SATS = 2_100_000_000_000_000
/**
 * bytes of an output script that can be spent (consensus); longer ones do not concern a wallet but may stand beside its
 * own
 */
const MAX_SCRIPT = 4_000_000
const MAX_U32 = 0xffffffff
const MAX_HEIGHT = 100_000_000
/** inputs or outputs of one transaction: more do not fit into a block */
const MAX_ITEMS = 100_000
/** sat/vB: above it the server talks nonsense, and nobody should pay it by a click */
const MAX_RATE = 100_000

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isInt = (value: unknown, most: number, least = 0): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most

/** Text of a whole answer. */
export const parseText = (body: Uint8Array): string => new TextDecoder().decode(body).trim()

/** undefined when it is no JSON, as an HTML page of a proxy */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}

/** A block or transaction hash, 32 bytes. */
export function parseHash(body: Uint8Array): string | undefined {
  const text = parseText(body)
  return isHex(text, 32) ? text : undefined
}

export function parseHeight(body: Uint8Array): number | undefined {
  const text = parseText(body)
  return /^\d{1,9}$/.test(text) && isInt(Number(text), MAX_HEIGHT) ? Number(text) : undefined
}

/** A list, each entry of it good, or undefined. */
export function parseTxs(value: unknown, most: number): ChainTx[] | undefined {
  return parseList(value, most, parseTx)
}

function parseList<T>(value: unknown, most: number, parse: (entry: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined
  const list: T[] = []
  for (const entry of value as unknown[]) {
    const parsed = parse(entry)
    if (parsed === undefined) return undefined
    list.push(parsed)
  }
  return list
}

export function parseTx(value: unknown): ChainTx | undefined {
  if (!isFields(value)) return undefined
  const { txid, fee, weight } = value
  const vin = parseList(value.vin, MAX_ITEMS, parseInput)
  const vout = parseList(value.vout, MAX_ITEMS, parseOutput)
  const status = parseStatus(value.status)
  if (
    !isHex(txid, 32) ||
    !isInt(fee, MAX_SATS) ||
    !isInt(weight, 4_000_000, 1) ||
    !vin?.length ||
    !vout?.length ||
    !status
  )
    return undefined
  return { txid, vin, vout, feeSats: BigInt(fee), weight, ...(status.confirmed ? { confirmed: status.block } : {}) }
}

function parseInput(value: unknown): ChainTx['vin'][number] | undefined {
  if (!isFields(value)) return undefined
  const { txid, vout, sequence, is_coinbase: coinbase, prevout } = value
  if (!isHex(txid, 32) || !isInt(vout, MAX_U32) || !isInt(sequence, MAX_U32) || typeof coinbase !== 'boolean')
    return undefined
  if (prevout === null || prevout === undefined) return { txid, vout, coinbase, sequence }
  const spent = parseOutput(prevout)
  return spent && { txid, vout, coinbase, sequence, prevoutScript: spent.script, prevoutSats: spent.sats }
}

function parseOutput(value: unknown): { script: string; sats: bigint } | undefined {
  if (!isFields(value)) return undefined
  const { scriptpubkey: script, value: sats } = value
  return isHex(script) && script.length <= MAX_SCRIPT * 2 && isInt(sats, MAX_SATS)
    ? { script, sats: BigInt(sats) }
    : undefined
}

type Status =
  { readonly confirmed: false } | { readonly confirmed: true; readonly block: NonNullable<ChainTx['confirmed']> }

function parseStatus(value: unknown): Status | undefined {
  if (!isFields(value)) return undefined
  if (value.confirmed === false) return { confirmed: false }
  const { confirmed, block_height: height, block_hash: hash, block_time: time } = value
  return confirmed === true && isInt(height, MAX_HEIGHT) && isHex(hash, 32) && isInt(time, MAX_U32)
    ? { confirmed, block: { height, hash, time } }
    : undefined
}

export function parseOutspend(value: unknown): { spent: boolean; by?: Txid; confirmed: boolean } | undefined {
  if (!isFields(value)) return undefined
  if (value.spent === false) return { spent: false, confirmed: false }
  const status = parseStatus(value.status)
  return value.spent === true && isHex(value.txid, 32) && status
    ? { spent: true, by: value.txid, confirmed: status.confirmed }
    : undefined
}

/** Blocks to sat/vB, at least 1 each (the minimum relay fee of most nodes); may be empty. */
export function parseFees(value: unknown): Map<number, number> | undefined {
  if (!isFields(value)) return undefined
  const fees = new Map<number, number>()
  for (const [key, rate] of Object.entries(value)) {
    if (!/^\d{1,4}$/.test(key) || typeof rate !== 'number' || !(rate >= 0 && rate <= MAX_RATE)) return undefined
    fees.set(Number(key), Math.max(1, rate))
  }
  return fees
}

/**
 * Reason out of `sendrawtransaction RPC error: {"code":-26,"message":"..."}`, or the text itself; at most 200
 * characters.
 */
export function parseRefusal(body: Uint8Array): string {
  const text = parseText(body)
  const inner = /\{.*\}/s.exec(text)?.[0]
  const value = inner === undefined ? undefined : parseJson(new TextEncoder().encode(inner))
  const message = isFields(value) && typeof value.message === 'string' ? value.message : text
  return message.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}

/**
 * The node has it already, in the mempool or in a block: what a broadcast is for. A conflict ("txn-mempool-conflict")
 * is not that.
 */
export const isKnownAlready = (reason: string): boolean =>
  /txn-already-(in-mempool|known)|already in (the )?(mempool|block ?chain|utxo set)/i.test(reason)

/** The faucet's `{ txid }`. */
export const parseFaucet = (value: unknown): Txid | undefined =>
  isFields(value) && isHex(value.txid, 32) ? value.txid : undefined
