import { bytesToHex, hexToBytes as nobleHexToBytes } from '@noble/hashes/utils.js'
import type { Hex } from './hex'

export const toHex = (bytes: Uint8Array): Hex => bytesToHex(bytes)

/**
 * Bytes of lower- or upper-case hex; throws `RangeError`-like errors of the library on anything else: check with
 * `isHex` at the edge.
 */
export const fromHex = (hex: Hex): Uint8Array => nobleHexToBytes(hex)

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return diff === 0
}

/** Order of the unsigned byte strings, as `memcmp` gives it (BIP327 KeySort, RFC 8949 4.2.1). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0)
    if (d !== 0) return d
  }
  return a.length - b.length
}

export { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
export { isHex } from './hex'
export type { Hex } from './hex'
