/**
 * BIP328: an aggregate MuSig2 key as an extended public key with a fixed chain code, so that BIP32 children of it exist. A
 * child is reached by tweaks that all signers must apply; `childPublic` returns them.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0328.mediawiki
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { createBase58check } from '@scure/base'
import { concatBytes, fromHex } from '../domain/bytes'
import { tagged } from './tagged'
import type { Tweak } from './musig2'

const Point = secp256k1.Point
const base58check = createBase58check(sha256)

/** SHA256("MuSig2MuSig2MuSig2"), the chain code of every synthetic key (BIP328). */
export const MUSIG_CHAIN_CODE = fromHex('868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965')
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

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

/** BIP328 synthetic key of an aggregate key (33 bytes): depth, parent and child number are zero. */
export const syntheticKey = (aggregate: Uint8Array, version: number): ExtendedKey =>
  ({ version, depth: 0, parent: 0, childNumber: 0, chainCode: MUSIG_CHAIN_CODE, publicKey: aggregate })

/** BIP32 text ("xpub...", "tpub..."). */
export function encodeExtendedKey(key: ExtendedKey): string {
  return base58check.encode(concatBytes(u32(key.version), Uint8Array.of(key.depth), u32(key.parent), u32(key.childNumber), key.chainCode, key.publicKey))
}

/** Undefined unless it is base58check of an extended *public* key with a valid point. The caller compares `version`. */
export function decodeExtendedKey(text: string): ExtendedKey | undefined {
  let bytes: Uint8Array
  try {
    bytes = base58check.decode(text)
    Point.fromBytes(bytes.slice(45))
  }
  catch {
    return undefined
  }
  if (bytes.length !== 78) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const key: ExtendedKey = {
    version: view.getUint32(0), depth: view.getUint8(4), parent: view.getUint32(5), childNumber: view.getUint32(9),
    chainCode: bytes.slice(13, 45), publicKey: bytes.slice(45),
  }
  // BIP32 test vector 5: a master key has neither parent nor number
  return key.depth === 0 && (key.parent !== 0 || key.childNumber !== 0) ? undefined : key
}

/**
 * BIP32 CKDpub. Undefined for a hardened index or (with probability below 2^-127) one without a child.
 * `tweak` is what BIP327 signers add, as a plain tweak, to reach the child.
 */
export function childPublic(parent: Pick<ExtendedKey, 'chainCode' | 'publicKey'>, index: number): { readonly chainCode: Uint8Array; readonly publicKey: Uint8Array; readonly tweak: Tweak } | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= HARDENED) return undefined
  const I = hmac(sha512, parent.chainCode, concatBytes(parent.publicKey, u32(index)))
  const scalar = I.slice(0, 32)
  const t = bytesToNumberBE(scalar)
  if (t >= Point.Fn.ORDER) return undefined
  const point = Point.fromBytes(parent.publicKey).add(Point.BASE.multiplyUnsafe(t))
  if (point.equals(Point.ZERO)) return undefined
  return { chainCode: I.slice(32), publicKey: point.toBytes(true), tweak: { scalar, xOnly: false } }
}

/** BIP341 TapTweak of an x-only internal key, with the merkle root of the script tree when there is one. */
export function tapTweak(internalKey: Uint8Array, merkleRoot?: Uint8Array): Tweak {
  return { scalar: tagged('TapTweak', internalKey, merkleRoot ?? new Uint8Array()), xOnly: true }
}

/** BIP341 output key (32 bytes) of an internal key under its tweak; undefined when the internal key is no x-coordinate or the tweak is out of range. */
export function tapOutputKey(internalKey: Uint8Array, merkleRoot?: Uint8Array): Uint8Array | undefined {
  const t = bytesToNumberBE(tapTweak(internalKey, merkleRoot).scalar)
  if (t >= Point.Fn.ORDER || internalKey.length !== 32) return undefined
  try {
    const point = Point.fromBytes(concatBytes(Uint8Array.of(2), internalKey)).add(Point.BASE.multiplyUnsafe(t))
    return point.toBytes(true).slice(1)
  }
  catch {
    return undefined
  }
}

/** scriptPubKey of a taproot output: OP_1 and the 32-byte key. */
export const p2trScript = (outputKey: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(0x51, 0x20), outputKey)
