/** JSON of the Esplora API, field by field as electrs gives it. */
import { OPNames } from '@scure/btc-signer/script.js'
import { scriptAddress } from '../engines/address'
import { targetOf, type ChainBlock } from '../engines/block'
import { toHex } from '../engines/bytes'
import { scriptItems, scriptKind, type ScriptKind } from '../engines/script'
import { isCoinbase, type TxInput, type TxOutput } from '../engines/transaction'
import type { IndexedTx, Indexer, Spend } from './indexer'

/** electrs names these kinds and calls all others unknown. */
const NAMED: ReadonlySet<ScriptKind> = new Set<ScriptKind>([
  'empty',
  'op_return',
  'p2pk',
  'p2pkh',
  'p2sh',
  'v0_p2wpkh',
  'v0_p2wsh',
  'v1_p2tr',
])
/** Target of difficulty 1 on regtest's scale is the same as anywhere: 0x00000000ffff followed by zeros. */
const DIFFICULTY_ONE = 0xffffn << 208n

/** A script in words, in the spelling of rust-bitcoin. */
export function scriptAsm(script: Uint8Array): string {
  const items = scriptItems(script)
  if (items === undefined) return '<unexpected end>'
  return items
    .map(({ op, data }) => {
      if (data !== undefined) {
        const name = op < 0x4c ? `OP_PUSHBYTES_${op}` : `OP_PUSHDATA${1 << (op - 0x4c)}`
        return data.length === 0 ? name : `${name} ${toHex(data)}`
      }
      if (op === 0) return 'OP_0'
      if (op === 0x4f) return 'OP_PUSHNUM_NEG1'
      if (op >= 0x51 && op <= 0x60) return `OP_PUSHNUM_${op - 0x50}`
      if (op === 0xb1) return 'OP_CLTV'
      if (op === 0xb2) return 'OP_CSV'
      return `OP_${OPNames[op] ?? `RETURN_${op}`}`
    })
    .join(' ')
}

export function statusShape(block: ChainBlock | undefined): Record<string, unknown> {
  if (block === undefined) return { confirmed: false }
  return { confirmed: true, block_height: block.height, block_hash: block.hash, block_time: block.header.time }
}

function outputShape({ script, value }: TxOutput): Record<string, unknown> {
  const kind = scriptKind(script)
  const address = scriptAddress(script)
  return {
    scriptpubkey: toHex(script),
    scriptpubkey_asm: scriptAsm(script),
    scriptpubkey_type: NAMED.has(kind) ? kind : 'unknown',
    ...(address === undefined ? {} : { scriptpubkey_address: address }),
    value: Number(value),
  }
}

/** Scripts that a spend reveals: the redeem script of P2SH, the witness script of P2WSH or of a taproot leaf. */
function innerScripts({ scriptSig, witness }: TxInput, spent: TxOutput | undefined): Record<string, string> {
  if (spent === undefined) return {}
  const inner: Record<string, string> = {}
  const kind = scriptKind(spent.script)
  const redeem = kind === 'p2sh' ? scriptItems(scriptSig)?.at(-1)?.data : undefined
  if (redeem !== undefined) inner.inner_redeemscript_asm = scriptAsm(redeem)
  const wrapped = redeem === undefined ? kind : scriptKind(redeem)
  const stack =
    witness.length >= 2 && witness.at(-1)?.[0] === 0x50 && kind === 'v1_p2tr' ? witness.slice(0, -1) : witness
  const revealed =
    wrapped === 'v0_p2wsh' ? stack.at(-1) : kind === 'v1_p2tr' && stack.length >= 2 ? stack.at(-2) : undefined
  if (revealed !== undefined) inner.inner_witnessscript_asm = scriptAsm(revealed)
  return inner
}

export function txShape({ tx, spent, fee, block }: IndexedTx): Record<string, unknown> {
  const coinbase = isCoinbase(tx)
  return {
    txid: tx.txid,
    version: tx.version >>> 0,
    locktime: tx.lockTime,
    vin: tx.inputs.map((input, i) => {
      const prevout = coinbase ? undefined : spent[i]
      return {
        txid: input.txid,
        vout: input.vout,
        prevout: prevout === undefined ? null : outputShape(prevout),
        scriptsig: toHex(input.scriptSig),
        scriptsig_asm: scriptAsm(input.scriptSig),
        ...(input.witness.length === 0 ? {} : { witness: input.witness.map(toHex) }),
        is_coinbase: coinbase,
        sequence: input.sequence,
        ...innerScripts(input, prevout),
      }
    }),
    vout: tx.outputs.map(outputShape),
    size: tx.size,
    weight: tx.weight,
    fee: Number(fee),
    status: statusShape(block),
  }
}

export function blockShape(block: ChainBlock): Record<string, unknown> {
  const { header } = block
  return {
    id: block.hash,
    height: block.height,
    version: header.version >>> 0,
    timestamp: header.time,
    tx_count: block.txs.length,
    size: block.size,
    weight: block.weight,
    merkle_root: header.merkleRoot,
    previousblockhash: block.height === 0 ? null : header.previous,
    mediantime: block.medianTime,
    nonce: header.nonce,
    bits: header.bits,
    difficulty: Number(DIFFICULTY_ONE) / Number(targetOf(header.bits)),
  }
}

export function spendShape(spend: Spend | undefined, indexer: Indexer): Record<string, unknown> {
  if (spend === undefined) return { spent: false }
  return { spent: true, txid: spend.txid, vin: spend.vin, status: statusShape(indexer.tx(spend.txid)?.block) }
}

/** Waiting transactions as [lowest sat/vB of the group, virtual bytes], dearest first, in groups of at least 50 kvB. */
function feeHistogram(waiting: readonly IndexedTx[]): [number, number][] {
  const GROUP = 50_000
  const rated = waiting
    .map(({ tx, fee }) => ({ rate: Number(fee) / tx.vsize, vsize: tx.vsize }))
    .sort((a, b) => b.rate - a.rate)
  const groups: [number, number][] = []
  let vsize = 0
  let rate = 0
  for (const entry of rated) {
    if (vsize > GROUP && entry.rate !== rate) {
      groups.push([rate, vsize])
      vsize = 0
    }
    vsize += entry.vsize
    rate = entry.rate
  }
  if (vsize > 0) groups.push([rate, vsize])
  return groups
}

export function mempoolShape(waiting: readonly IndexedTx[]): Record<string, unknown> {
  return {
    count: waiting.length,
    vsize: waiting.reduce((sum, { tx }) => sum + tx.vsize, 0),
    total_fee: Number(waiting.reduce((sum, { fee }) => sum + fee, 0n)),
    fee_histogram: feeHistogram(waiting),
  }
}

export function recentShape({ tx, fee }: IndexedTx): Record<string, unknown> {
  return {
    txid: tx.txid,
    fee: Number(fee),
    vsize: tx.vsize,
    value: Number(tx.outputs.reduce((sum, { value }) => sum + value, 0n)),
  }
}
