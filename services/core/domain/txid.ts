/**
 * The id of a serialised transaction, for those who only carry transactions and never look inside. It stands in the
 * domain because adapters check by it what a server gives them.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0144.mediawiki
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, toHex } from './bytes'
import type { Txid } from './ids'

/** Weight limit of a block in bytes of witness (BIP141): no transaction is longer. */
export const MAX_RAW_TX_BYTES = 4_000_000

/** Walks over a serialisation; `at` turns to `undefined` for good when a step leaves the bytes. */
class Walk {
  at: number | undefined = 0
  constructor(private readonly bytes: Uint8Array) {}

  skip(length: number): void {
    this.at = this.at === undefined || length > this.bytes.length - this.at ? undefined : this.at + length
  }

  /** CompactSize; values above the length of the whole are as bad as no value. */
  size(): number {
    if (this.at === undefined) return 0
    const first = this.bytes[this.at]
    const width = first === 0xff ? 8 : first === 0xfe ? 4 : first === 0xfd ? 2 : 0
    const start = this.at + 1
    this.skip(1 + width)
    if (this.at === undefined || first === undefined) return 0
    const value =
      width === 0 ? first : this.bytes.subarray(start, start + width).reduceRight((sum, byte) => sum * 256 + byte, 0)
    if (value > this.bytes.length) this.at = undefined
    return value
  }

  sized(): void {
    this.skip(this.size())
  }

  times(count: number, step: () => void): void {
    for (let i = 0; i < count && this.at !== undefined; i++) step()
  }
}

/**
 * Txid (display order) of a raw transaction with or without witness; undefined when the bytes are not exactly one
 * transaction with at least one input. Says nothing about validity.
 */
export function rawTxid(raw: Uint8Array): Txid | undefined {
  if (raw.length > MAX_RAW_TX_BYTES) return undefined
  const segwit = raw[4] === 0 && raw[5] === 1
  const walk = new Walk(raw)
  const start = segwit ? 6 : 4
  walk.skip(start)
  const inputs = walk.size()
  if (inputs === 0) return undefined
  walk.times(inputs, () => {
    walk.skip(36)
    walk.sized()
    walk.skip(4)
  })
  walk.times(walk.size(), () => {
    walk.skip(8)
    walk.sized()
  })
  const end = walk.at
  if (segwit) walk.times(inputs, () => walk.times(walk.size(), () => walk.sized()))
  const lock = walk.at
  walk.skip(4)
  if (end === undefined || lock === undefined || walk.at !== raw.length) return undefined
  const stripped = concatBytes(raw.subarray(0, 4), raw.subarray(start, end), raw.subarray(lock))
  return toHex(sha256(sha256(stripped)).reverse())
}
