/**
 * Stands for `@noble/curves/secp256k1.js` in the simulation: the integers modulo secp256k1's order under addition. It
 * is a group of prime order with a generator, so that every equation of BIP327 and BIP340 holds and reuse of a nonce
 * gives the secret key away as on the curve, and a multiplication costs a microsecond. It protects nothing: a public
 * key says its secret. Everything above the library (MuSig2, vault, wallet, session) is the app's own code.
 *
 * An element v is written as a point is: x is the smaller of v and -v, and y says by its parity which one it is.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '../../services/core/domain/bytes'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** 32 bytes, as all numbers here have, or fewer. */
function bytesToNumberBE(bytes: Uint8Array): bigint {
  if (bytes.length !== 32) return bytes.reduce((n, byte) => (n << 8n) | BigInt(byte), 0n)
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  return (
    (view.getBigUint64(0) << 192n) |
    (view.getBigUint64(8) << 128n) |
    (view.getBigUint64(16) << 64n) |
    view.getBigUint64(24)
  )
}

function put32(out: Uint8Array, at: number, n: bigint): Uint8Array {
  const view = new DataView(out.buffer, at, 32)
  for (let i = 24, rest = n; i >= 0; i -= 8, rest >>= 64n) view.setBigUint64(i, rest & 0xffff_ffff_ffff_ffffn)
  return out
}

const mod = (a: bigint): bigint => {
  const r = a % ORDER
  return r < 0n ? r + ORDER : r
}

const Fn = {
  ORDER,
  create: mod,
  add: (a: bigint, b: bigint): bigint => mod(a + b),
  mul: (a: bigint, b: bigint): bigint => mod(a * b),
  neg: (a: bigint): bigint => mod(-a),
  isValid: (a: bigint): boolean => a >= 0n && a < ORDER,
  isValidNot0: (a: bigint): boolean => a > 0n && a < ORDER,
  fromBytes: (bytes: Uint8Array, _skip?: boolean): bigint => bytesToNumberBE(bytes),
  toBytes: (a: bigint): Uint8Array => put32(new Uint8Array(32), 0, a),
}

export class Point {
  static readonly Fn = Fn
  static readonly BASE = new Point(1n)
  static readonly ZERO = new Point(0n)

  constructor(private readonly v: bigint) {}

  /** 33 bytes. @throws Error when they are no element, as half of all are */
  static fromBytes(bytes: Uint8Array): Point {
    const x = bytesToNumberBE(bytes.subarray(1))
    if (bytes.length !== 33 || x === 0n || 2n * x >= ORDER) throw new Error('bad point')
    return new Point(bytes[0] === 2 ? x : ORDER - x)
  }

  #isEven(): boolean {
    return 2n * this.v < ORDER
  }
  toAffine(): { x: bigint; y: bigint } {
    return this.#isEven() ? { x: this.v, y: 0n } : { x: ORDER - this.v, y: 1n }
  }

  toBytes(_compressed = true): Uint8Array {
    if (this.v === 0n) throw new Error('bad point: ZERO')
    const { x, y } = this.toAffine()
    const out = new Uint8Array(33)
    out[0] = y === 0n ? 2 : 3
    return put32(out, 1, x)
  }

  equals(other: Point): boolean {
    return this.v === other.v
  }
  add(other: Point): Point {
    return new Point(mod(this.v + other.v))
  }
  negate(): Point {
    return new Point(mod(-this.v))
  }
  multiply(k: bigint): Point {
    return new Point(mod(this.v * k))
  }
  multiplyUnsafe(k: bigint): Point {
    return new Point(mod(this.v * k))
  }
}

const tags = new Map<string, Uint8Array>()

function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let prefix = tags.get(tag)
  if (prefix === undefined) {
    const hash = sha256(utf8ToBytes(tag))
    prefix = concatBytes(hash, hash)
    tags.set(tag, prefix)
  }
  return sha256(concatBytes(prefix, ...parts))
}

const xOnly = (point: Point): Uint8Array => point.toBytes().slice(1)
const challenge = (r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint =>
  mod(bytesToNumberBE(taggedHash('BIP0340/challenge', r, key, message)))

export const secp256k1 = {
  Point,
  utils: { isValidSecretKey: (key: Uint8Array): boolean => Fn.isValidNot0(bytesToNumberBE(key)) },
  getPublicKey: (secretKey: Uint8Array, _compressed = true): Uint8Array =>
    Point.BASE.multiply(bytesToNumberBE(secretKey)).toBytes(),
}

/** BIP340 over this group. */
export const schnorr = {
  utils: { taggedHash },
  sign(message: Uint8Array, secretKey: Uint8Array, aux: Uint8Array): Uint8Array {
    const P = Point.BASE.multiply(bytesToNumberBE(secretKey))
    const d = P.toAffine().y === 0n ? bytesToNumberBE(secretKey) : Fn.neg(bytesToNumberBE(secretKey))
    const k0 = mod(bytesToNumberBE(taggedHash('BIP0340/nonce', secretKey, aux, message)))
    const R = Point.BASE.multiply(k0)
    const k = R.toAffine().y === 0n ? k0 : Fn.neg(k0)
    return concatBytes(xOnly(R), Fn.toBytes(mod(k + challenge(xOnly(R), xOnly(P), message) * d)))
  },
  verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
    try {
      const P = Point.fromBytes(concatBytes(Uint8Array.of(2), key))
      const r = signature.subarray(0, 32)
      const s = bytesToNumberBE(signature.subarray(32))
      if (s >= ORDER) return false
      const R = Point.BASE.multiply(s).add(P.multiply(challenge(r, key, message)).negate())
      const { x, y } = R.toAffine()
      return x !== 0n && y === 0n && x === bytesToNumberBE(r)
    } catch {
      return false
    }
  },
}
