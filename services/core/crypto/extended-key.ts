/**
 * Extended public keys as BIP32 writes them. Form only, without the curve: `decodeExtendedKey` (bip328.ts) also looks
 * whether the key is a point.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { createBase58check } from '@scure/base'
import { concatBytes } from '../domain/bytes'

const base58check = createBase58check(sha256)

/** First hardened BIP32 index: no child below can be derived from a public key at or above it. */
export const HARDENED = 0x8000_0000

/** An extended public key as BIP32 serialises it. */
export interface ExtendedKey {
  readonly version: number
  readonly depth: number
  /** fingerprint of the parent, 4 bytes big-endian */
  readonly parent: number
  readonly childNumber: number
  /** 32 bytes */
  readonly chainCode: Uint8Array
  /** 33 bytes */
  readonly publicKey: Uint8Array
}

export const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

/** BIP32 text ("xpub...", "tpub..."). */
export function encodeExtendedKey(key: ExtendedKey): string {
  return base58check.encode(
    concatBytes(
      u32(key.version),
      Uint8Array.of(key.depth),
      u32(key.parent),
      u32(key.childNumber),
      key.chainCode,
      key.publicKey,
    ),
  )
}

/**
 * Undefined unless it is base58check of something in the form of an extended *public* key. The caller compares
 * `version`.
 */
export function readExtendedKey(text: string): ExtendedKey | undefined {
  let bytes: Uint8Array
  try {
    bytes = base58check.decode(text)
  } catch {
    return undefined
  }
  if (bytes.length !== 78 || (bytes[45] !== 2 && bytes[45] !== 3)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const key: ExtendedKey = {
    version: view.getUint32(0),
    depth: view.getUint8(4),
    parent: view.getUint32(5),
    childNumber: view.getUint32(9),
    chainCode: bytes.slice(13, 45),
    publicKey: bytes.slice(45),
  }
  // BIP32 test vector 5: a master key has neither parent nor number
  return key.depth === 0 && (key.parent !== 0 || key.childNumber !== 0) ? undefined : key
}
