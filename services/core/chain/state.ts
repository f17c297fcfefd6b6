/**
 * What a wallet has learned from its chain server, as one value that is replaced whole after each good sync and stored
 * between runs. Everything shown (coins, history, balance) is derived from it, so it can never disagree with itself.
 */
import { decode, encode } from 'cborg'
import { fromHex, isHex, toHex, type Hex } from '../domain/bytes'
import type { Branch, Txid } from '../domain/ids'
import type { ChainTx, Tip } from '../../ports/chain'

/** One output script of the wallet and the transactions that the server listed for it when it was last asked. */
export interface WatchedScript {
  readonly branch: Branch
  readonly index: number
  /** hex of the scriptPubKey */
  readonly script: Hex
  readonly txids: readonly Txid[]
}

export interface ChainState {
  /** tip under which the last sync was made; undefined before the first */
  readonly tip?: Tip
  /** blocks seen on the way, by rising height: block 1, which names a local chain, and the latest tips */
  readonly anchors: readonly Tip[]
  readonly scripts: readonly WatchedScript[]
  readonly txs: ReadonlyMap<Txid, ChainTx>
  /** syncs since every script was last asked */
  readonly quickSyncs: number
}

export const EMPTY_STATE: ChainState = { anchors: [], scripts: [], txs: new Map(), quickSyncs: 0 }

const FORMAT = 1

/** Bytes for storage. */
export function encodeChainState(state: ChainState): Uint8Array {
  const tip = (t: Tip): unknown => [t.height, fromHex(t.hash)]
  return encode([
    FORMAT,
    state.tip ? tip(state.tip) : null,
    state.anchors.map(tip),
    state.scripts.map(s => [s.branch, s.index, fromHex(s.script), s.txids.map(fromHex)]),
    [...state.txs.values()].map(tx => [
      fromHex(tx.txid),
      tx.vin.map(i => [
        fromHex(i.txid),
        i.vout,
        i.coinbase,
        i.sequence,
        i.prevoutScript === undefined ? null : fromHex(i.prevoutScript),
        i.prevoutSats === undefined ? null : Number(i.prevoutSats),
      ]),
      tx.vout.map(o => [fromHex(o.script), Number(o.sats)]),
      Number(tx.feeSats),
      tx.weight,
      tx.confirmed ? [tx.confirmed.height, fromHex(tx.confirmed.hash), tx.confirmed.time] : null,
    ]),
    state.quickSyncs,
  ])
}

/**
 * The stored state; undefined for anything that is not one (damaged, or of another version): the wallet then scans
 * anew.
 */
export function decodeChainState(bytes: Uint8Array): ChainState | undefined {
  try {
    return readState(decode(bytes))
  } catch {
    return undefined
  }
}

/** Ends the reading of a malformed state; caught above. */
const bad = (): never => {
  throw new TypeError('not a chain state')
}
const list = (value: unknown, length?: number): unknown[] =>
  Array.isArray(value) && (length === undefined || value.length === length) ? (value as unknown[]) : bad()
const int = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : bad()
const bytesHex = (value: unknown, length?: number): Hex => {
  const hex = value instanceof Uint8Array ? toHex(value) : undefined
  return isHex(hex, length) ? hex : bad()
}
const sats = (value: unknown): bigint => BigInt(int(value))
const flag = (value: unknown): boolean => (typeof value === 'boolean' ? value : bad())

function readState(value: unknown): ChainState {
  const [format, tip, anchors, scripts, txs, quickSyncs] = list(value, 6)
  if (format !== FORMAT) return bad()
  const read = list(txs).map(readTx)
  const known = new Map(read.map(tx => [tx.txid, tx]))
  return {
    ...(tip === null ? {} : { tip: readTip(tip) }),
    anchors: list(anchors).map(readTip),
    scripts: list(scripts).map(entry => {
      const [branch, index, script, txids] = list(entry, 4)
      if (branch !== 0 && branch !== 1) return bad()
      const ids = list(txids).map(id => bytesHex(id, 32))
      if (ids.some(id => !known.has(id))) return bad()
      return { branch, index: int(index), script: bytesHex(script), txids: ids }
    }),
    txs: known,
    quickSyncs: int(quickSyncs),
  }
}

function readTip(value: unknown): Tip {
  const [height, hash] = list(value, 2)
  return { height: int(height), hash: bytesHex(hash, 32) }
}

function readTx(value: unknown): ChainTx {
  const [txid, vin, vout, fee, weight, confirmed] = list(value, 6)
  return {
    txid: bytesHex(txid, 32),
    vin: list(vin).map(input => {
      const [id, n, coinbase, sequence, script, amount] = list(input, 6)
      return {
        txid: bytesHex(id, 32),
        vout: int(n),
        coinbase: flag(coinbase),
        sequence: int(sequence),
        ...(script === null ? {} : { prevoutScript: bytesHex(script) }),
        ...(amount === null ? {} : { prevoutSats: sats(amount) }),
      }
    }),
    vout: list(vout).map(output => {
      const [script, amount] = list(output, 2)
      return { script: bytesHex(script), sats: sats(amount) }
    }),
    feeSats: sats(fee),
    weight: int(weight),
    ...(confirmed === null ? {} : { confirmed: readBlock(confirmed) }),
  }
}

function readBlock(value: unknown): { height: number; hash: Hex; time: number } {
  const [height, hash, time] = list(value, 3)
  return { height: int(height), hash: bytesHex(hash, 32), time: int(time) }
}
