/** Blocks: header, merkle tree, and the shape in which an engine hands a block to the indexer. */
import { compactSizeLength, concatBytes, displayHash, internalHash, sha256d } from './bytes'
import type { ChainTx } from './transaction'

export interface BlockHeader {
  readonly version: number
  readonly previous: string
  readonly merkleRoot: string
  /** seconds since 1970 */
  readonly time: number
  /** compact target */
  readonly bits: number
  readonly nonce: number
}

export interface ChainBlock {
  readonly hash: string
  readonly height: number
  readonly header: BlockHeader
  /** 80 bytes */
  readonly headerBytes: Uint8Array
  /** Median of the last eleven block times up to this block, seconds (BIP113). */
  readonly medianTime: number
  readonly txs: readonly ChainTx[]
  /** bytes */
  readonly size: number
  /** weight units */
  readonly weight: number
}

export function encodeHeader(header: BlockHeader): Uint8Array {
  const bytes = new Uint8Array(80)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, header.version, true)
  bytes.set(internalHash(header.previous), 4)
  bytes.set(internalHash(header.merkleRoot), 36)
  view.setUint32(68, header.time, true)
  view.setUint32(72, header.bits, true)
  view.setUint32(76, header.nonce, true)
  return bytes
}

/** Reads 80 header bytes; throws a RangeError on another length. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  if (bytes.length !== 80) throw new RangeError('a block header has 80 bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, 80)
  return {
    version: view.getInt32(0, true),
    previous: displayHash(bytes.subarray(4, 36)),
    merkleRoot: displayHash(bytes.subarray(36, 68)),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  }
}

/** Target of a compact `bits` field (mantissa of three bytes, exponent of one). */
export function targetOf(bits: number): bigint {
  const exponent = bits >>> 24
  const mantissa = BigInt(bits & 0x7fffff)
  return exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3))
}

const pairHash = (left: string, right: string): string =>
  displayHash(sha256d(concatBytes(internalHash(left), internalHash(right))))

/** The next level of the merkle tree; an odd last node is paired with itself. */
function levelAbove(nodes: readonly string[]): string[] {
  const above: string[] = []
  for (let i = 0; i < nodes.length; i += 2) {
    const left = nodes[i] ?? ''
    above.push(pairHash(left, nodes[i + 1] ?? left))
  }
  return above
}

/** Merkle root over ids in display order. */
export function merkleRoot(ids: readonly string[]): string {
  let nodes = [...ids]
  while (nodes.length > 1) nodes = levelAbove(nodes)
  return nodes[0] ?? '00'.repeat(32)
}

/** Sibling hashes from the leaf at `position` up to the root, as Electrum and Esplora give them. */
export function merkleBranch(ids: readonly string[], position: number): string[] {
  const branch: string[] = []
  let nodes = [...ids]
  let at = position
  while (nodes.length > 1) {
    branch.push(nodes[at ^ 1] ?? nodes[at] ?? '')
    nodes = levelAbove(nodes)
    at >>= 1
  }
  return branch
}

/** Serialised size and weight of a block with these transactions. */
export function blockDimensions(txs: readonly ChainTx[]): { size: number; weight: number } {
  const frame = 80 + compactSizeLength(txs.length)
  return {
    size: txs.reduce((sum, tx) => sum + tx.size, frame),
    weight: txs.reduce((sum, tx) => sum + tx.weight, frame * 4),
  }
}
