/**
 * Bitcoin transactions as plain values: strict reading, writing, ids and sizes. Reading is total: any bytes give a
 * transaction or a `TxFault`; what was read is written back byte for byte.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0144.mediawiki
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex, toHex } from '../domain/bytes'
import type { Txid } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import { le } from './tagged'

export interface TxIn {
  readonly txid: Txid
  readonly vout: number
  /** scriptSig; empty for every taproot spend */
  readonly script: Uint8Array
  readonly sequence: number
  readonly witness: readonly Uint8Array[]
}

export interface TxOut {
  readonly sats: bigint
  /** scriptPubKey */
  readonly script: Uint8Array
}

export interface Tx {
  readonly version: number
  readonly inputs: readonly TxIn[]
  readonly outputs: readonly TxOut[]
  readonly locktime: number
}

export interface TxFault {
  readonly code: 'truncated' | 'trailing' | 'not-minimal' | 'no-inputs' | 'bad-flag' | 'amount' | 'too-large'
  /** byte position at which reading stopped */
  readonly offset: number
}

/** Weight limit of a block, so of any transaction in it (BIP141). */
const MAX_BYTES = 4_000_000
/** satoshis that will ever exist */
export const MAX_SATS = 2_100_000_000_000_000n

/** Thrown inside this file only: it ends a read and becomes the result. */
class Stop extends Error {
  constructor(readonly fault: TxFault) {
    super(fault.code)
  }
}

class Reader {
  offset = 0
  private readonly view: DataView
  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  stop(code: TxFault['code']): never {
    throw new Stop({ code, offset: this.offset })
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.offset) this.stop('truncated')
    this.offset += length
    return this.bytes.slice(this.offset - length, this.offset)
  }

  u8(): number {
    return this.take(1)[0] ?? 0
  }
  u32(): number {
    this.take(4)
    return this.view.getUint32(this.offset - 4, true)
  }
  u64(): bigint {
    this.take(8)
    return this.view.getBigUint64(this.offset - 8, true)
  }

  /** CompactSize in its shortest form; a count or length, never above the bytes that are left. */
  size(): number {
    const first = this.u8()
    if (first < 0xfd) return first
    const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8
    const value = this.take(width).reduceRight((sum, byte) => sum * 256 + byte, 0)
    if (value < (width === 2 ? 0xfd : width === 4 ? 0x1_0000 : 0x1_0000_0000)) this.stop('not-minimal')
    if (value > this.bytes.length) this.stop('truncated')
    return value
  }

  list<T>(item: () => T): T[] {
    const out: T[] = []
    for (let n = this.size(); n > 0; n--) out.push(item())
    return out
  }

  /** Looks at the next byte without moving. */
  peek(): number | undefined {
    return this.bytes[this.offset]
  }
}

/** Reads a transaction with or without witness. `maxBytes` bounds what a peer or server may send. */
export function parseTx(bytes: Uint8Array, maxBytes = MAX_BYTES): Result<Tx, TxFault> {
  if (bytes.length > maxBytes) return err({ code: 'too-large', offset: maxBytes })
  try {
    return ok(read(new Reader(bytes), bytes.length))
  } catch (error) {
    if (error instanceof Stop) return err(error.fault)
    throw error
  }
}

function read(r: Reader, length: number): Tx {
  const version = r.u32()
  const segwit = r.peek() === 0
  if (segwit) {
    r.u8()
    if (r.u8() !== 1) r.stop('bad-flag')
  }
  const bare = r.list(() => {
    const txid = toHex(r.take(32).reverse())
    const vout = r.u32()
    return { txid, vout, script: r.take(r.size()), sequence: r.u32() }
  })
  if (bare.length === 0) r.stop('no-inputs')
  const outputs = r.list(() => {
    const sats = r.u64()
    if (sats > MAX_SATS) r.stop('amount')
    return { sats, script: r.take(r.size()) }
  })
  const inputs = bare.map(input => ({ ...input, witness: segwit ? r.list(() => r.take(r.size())) : [] }))
  // a witness serialisation without any witness is not the canonical one
  if (segwit && inputs.every(input => input.witness.length === 0)) r.stop('bad-flag')
  const locktime = r.u32()
  if (r.offset !== length) r.stop('trailing')
  return { version, inputs, outputs, locktime }
}

/** Bitcoin's CompactSize of a length. */
export function compactSize(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value)
  return value <= 0xffff
    ? concatBytes(Uint8Array.of(0xfd), le(value, 2))
    : concatBytes(Uint8Array.of(0xfe), le(value, 4))
}

const withSize = (bytes: Uint8Array): Uint8Array => concatBytes(compactSize(bytes.length), bytes)

/** 36 bytes: txid in internal order and output number. */
export const serializeOutpoint = (input: { readonly txid: Txid; readonly vout: number }): Uint8Array =>
  concatBytes(fromHex(input.txid).reverse(), le(input.vout, 4))

/** 8-byte amount and sized script. */
export const serializeOutput = (output: TxOut): Uint8Array => concatBytes(le(output.sats, 8), withSize(output.script))

/** Concatenation of any number of parts (a call with 100 000 arguments would overflow the stack). */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Serialises; with witnesses (BIP144) when there are any, unless `stripped`. */
export function serializeTx(tx: Tx, stripped = false): Uint8Array {
  const witness = !stripped && tx.inputs.some(input => input.witness.length > 0)
  return concatBytes(
    le(tx.version, 4),
    witness ? Uint8Array.of(0, 1) : new Uint8Array(),
    compactSize(tx.inputs.length),
    join(tx.inputs.map(input => concatBytes(serializeOutpoint(input), withSize(input.script), le(input.sequence, 4)))),
    compactSize(tx.outputs.length),
    join(tx.outputs.map(serializeOutput)),
    join(
      witness
        ? tx.inputs.map(input => concatBytes(compactSize(input.witness.length), join(input.witness.map(withSize))))
        : [],
    ),
    le(tx.locktime, 4),
  )
}

/** Display-order txid: double SHA256 without witnesses. */
export function txidOf(tx: Tx): Txid {
  return toHex(sha256(sha256(serializeTx(tx, true))).reverse())
}

/** Weight units: three times the stripped size plus the full size (BIP141). */
export function weightOf(tx: Tx): number {
  return serializeTx(tx, true).length * 3 + serializeTx(tx).length
}

/** Virtual bytes, rounded up. */
export const vsizeOf = (tx: Tx): number => Math.ceil(weightOf(tx) / 4)

/** The transaction with one single-element witness per input: a finished key-path spend (BIP341). */
export function withKeyPathWitnesses(tx: Tx, signatures: readonly Uint8Array[]): Tx {
  return { ...tx, inputs: tx.inputs.map((input, i) => ({ ...input, witness: [signatures[i] ?? new Uint8Array(64)] })) }
}
