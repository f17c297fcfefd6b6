/**
 * BIP328: an aggregate MuSig2 key as an extended public key with a fixed chain code, so that BIP32 children of it
 * exist. A child is reached by tweaks that all signers must apply; `childPublic` returns them.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0328.mediawiki
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex } from '../domain/bytes'
import { HARDENED, readExtendedKey, u32, type ExtendedKey } from './extended-key'
import { tagged } from './tagged'
import type { Tweak } from './musig2'

const Point = secp256k1.Point

/** SHA256("MuSig2MuSig2MuSig2"), the chain code of every synthetic key (BIP328). */
export const MUSIG_CHAIN_CODE = fromHex('868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965')

/** BIP328 synthetic key of an aggregate key (33 bytes): depth, parent and child number are zero. */
export const syntheticKey = (aggregate: Uint8Array, version: number): ExtendedKey => ({
  version,
  depth: 0,
  parent: 0,
  childNumber: 0,
  chainCode: MUSIG_CHAIN_CODE,
  publicKey: aggregate,
})

/** An extended public key whose key is a point; undefined for every other text. The caller compares `version`. */
export function decodeExtendedKey(text: string): ExtendedKey | undefined {
  const key = readExtendedKey(text)
  return key !== undefined && isPoint(key.publicKey) ? key : undefined
}

/** 33 bytes of a point. */
function isPoint(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes)
    return true
  } catch {
    return false
  }
}

/**
 * Whether 32 bytes are the x-coordinate of a point: a taproot output with any other key can never be spent (BIP341).
 */
export const isXCoordinate = (key: Uint8Array): boolean =>
  key.length === 32 && isPoint(concatBytes(Uint8Array.of(2), key))

/**
 * BIP32 CKDpub. Undefined for a hardened index or (with probability below 2^-127) one without a child.
 * `tweak` is what BIP327 signers add, as a plain tweak, to reach the child.
 */
export function childPublic(
  parent: Pick<ExtendedKey, 'chainCode' | 'publicKey'>,
  index: number,
): { readonly chainCode: Uint8Array; readonly publicKey: Uint8Array; readonly tweak: Tweak } | undefined {
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

/**
 * BIP341 output key (32 bytes) of an internal key under its tweak; undefined when the internal key is no x-coordinate
 * or the tweak is out of range.
 */
export function tapOutputKey(internalKey: Uint8Array, merkleRoot?: Uint8Array): Uint8Array | undefined {
  const t = bytesToNumberBE(tapTweak(internalKey, merkleRoot).scalar)
  if (t >= Point.Fn.ORDER || internalKey.length !== 32) return undefined
  try {
    const point = Point.fromBytes(concatBytes(Uint8Array.of(2), internalKey)).add(Point.BASE.multiplyUnsafe(t))
    return point.toBytes(true).slice(1)
  } catch {
    return undefined
  }
}
