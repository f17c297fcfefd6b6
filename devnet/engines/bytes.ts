/** Byte helpers of the local chain: Bitcoin's double hash and its two ways of writing one. */
import { createHash } from 'node:crypto'
import { hex } from '@scure/base'

/** Lower-case hex of bytes. */
export const toHex = (bytes: Uint8Array): string => hex.encode(bytes)

/** Bytes of a hex string; throws on anything else. */
export const fromHex = (text: string): Uint8Array => hex.decode(text)

/** One SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest())
}

/** SHA-256 twice: transaction ids, block ids, merkle nodes. */
export const sha256d = (data: Uint8Array): Uint8Array => sha256(sha256(data))

/** A hash as explorers show it: hex of the reversed bytes. */
export const displayHash = (hash: Uint8Array): string => toHex(hash.slice().reverse())

/** Inverse of {@link displayHash}. */
export const internalHash = (text: string): Uint8Array => fromHex(text).reverse()

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Number of bytes that Bitcoin's CompactSize takes for `n`. */
export const compactSizeLength = (n: number): number => (n < 0xfd ? 1 : n <= 0xffff ? 3 : n <= 0xffffffff ? 5 : 9)
