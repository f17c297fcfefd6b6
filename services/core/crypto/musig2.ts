/**
 * MuSig2 (BIP327). Own arithmetic over @noble/curves, because a signing round of many inputs must not repeat the key
 * aggregation per message and must not re-aggregate all nonces per partial signature (docs/protocol.md, "A spend").
 * Names follow the BIP. Functions throw `InvalidContribution` when a participant's bytes are at fault and `MusigError`
 * otherwise; the callers above turn both into results.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0327.mediawiki
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { compareBytes, concatBytes, equalBytes } from '../domain/bytes'
import { tagged } from './tagged'

const Point = secp256k1.Point
const Fn = Point.Fn
type CurvePoint = typeof Point.BASE

/**
 * A participant sent bytes that are no key, nonce or scalar. `index` is undefined for an aggregate, which nobody in
 * particular made.
 */
export class InvalidContribution extends Error {
  override readonly name = 'InvalidContribution'
  constructor(
    readonly index: number | undefined,
    readonly what: 'pubkey' | 'pubnonce' | 'aggnonce' | 'aggothernonce' | 'psig',
  ) {
    super(`invalid ${what}${index === undefined ? '' : ` of participant ${index}`}`)
  }
}

/** A value of our own that the BIP rules out (tweak, secret nonce, key not among the participants). */
export class MusigError extends Error {
  override readonly name = 'MusigError'
}

/** One step of BIP327 ApplyTweak: 32-byte scalar, and whether it is added to the x-only key. */
export interface Tweak {
  readonly scalar: Uint8Array
  readonly xOnly: boolean
}

/**
 * KeyAgg Context: immutable, so it may be kept for the life of a wallet. `coefficients[i]` belongs to `publicKeys[i]`.
 */
export interface KeyAgg {
  /** 33-byte keys in the order of aggregation */
  readonly publicKeys: readonly Uint8Array[]
  readonly points: readonly CurvePoint[]
  readonly coefficients: readonly bigint[]
  readonly Q: CurvePoint
  readonly gacc: bigint
  readonly tacc: bigint
}

/** Values that all partial signatures of one message share (BIP327 GetSessionValues). */
export interface MusigSession {
  readonly agg: KeyAgg
  readonly b: bigint
  readonly R: CurvePoint
  readonly e: bigint
}

/** `secret` is 97 bytes and must be used once: `sign` wipes it. `public` is 66 bytes. */
export interface NoncePair {
  readonly secret: Uint8Array
  readonly public: Uint8Array
}

const hasEvenY = (point: CurvePoint): boolean => (point.toAffine().y & 1n) === 0n
const isInfinity = (point: CurvePoint): boolean => point.equals(Point.ZERO)
const xBytes = (point: CurvePoint): Uint8Array => point.toBytes(true).slice(1)
const scalarOfHash = (hash: Uint8Array): bigint => Fn.create(bytesToNumberBE(hash))

/** cpoint: a compressed point, or undefined */
function readPoint(bytes: Uint8Array): CurvePoint | undefined {
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3)) return undefined
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined
  }
}

/** cpoint_ext: 33 zero bytes stand for the point at infinity */
function readPointExt(bytes: Uint8Array): CurvePoint | undefined {
  return bytes.length === 33 && bytes.every(v => v === 0) ? Point.ZERO : readPoint(bytes)
}

const writePointExt = (point: CurvePoint): Uint8Array => (isInfinity(point) ? new Uint8Array(33) : point.toBytes(true))

function readScalar(bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== 32) return undefined
  const value = bytesToNumberBE(bytes)
  return value < Fn.ORDER ? value : undefined
}

/** 33-byte public key of a secret key. */
export function individualPubkey(secretKey: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(secretKey, true)
}

/** KeySort: lexicographic order of the 33-byte keys; a new array. */
export function keySort(publicKeys: readonly Uint8Array[]): Uint8Array[] {
  return [...publicKeys].sort(compareBytes)
}

/** KeyAgg. Throws `InvalidContribution(i, 'pubkey')`. */
export function keyAgg(publicKeys: readonly Uint8Array[]): KeyAgg {
  const first = publicKeys[0]
  if (first === undefined) throw new MusigError('no keys')
  const points = publicKeys.map((bytes, i) => {
    const point = readPoint(bytes)
    if (point === undefined) throw new InvalidContribution(i, 'pubkey')
    return point
  })
  const second = publicKeys.find(key => !equalBytes(key, first))
  const list = tagged('KeyAgg list', ...publicKeys)
  // KeyAggCoeff: every key that equals the second distinct one has coefficient 1
  const coefficients = publicKeys.map(key =>
    second !== undefined && equalBytes(key, second) ? 1n : scalarOfHash(tagged('KeyAgg coefficient', list, key)),
  )
  let Q: CurvePoint = Point.ZERO
  points.forEach((point, i) => {
    Q = Q.add(point.multiplyUnsafe(coefficients[i] ?? 0n))
  })
  if (isInfinity(Q)) throw new MusigError('aggregate key is infinity')
  return { publicKeys: publicKeys.map(key => key.slice()), points, coefficients, Q, gacc: 1n, tacc: 0n }
}

/** ApplyTweak, once per tweak in order. Key coefficients are kept: this costs one multiplication each. */
export function applyTweaks(agg: KeyAgg, tweaks: readonly Tweak[]): KeyAgg {
  let { Q, gacc, tacc } = agg
  for (const tweak of tweaks) {
    const t = readScalar(tweak.scalar)
    if (t === undefined) throw new MusigError('tweak must be less than n')
    const negate = tweak.xOnly && !hasEvenY(Q)
    Q = (negate ? Q.negate() : Q).add(Point.BASE.multiplyUnsafe(t))
    if (isInfinity(Q)) throw new MusigError('tweaked key is infinity')
    gacc = negate ? Fn.neg(gacc) : gacc
    tacc = Fn.add(t, negate ? Fn.neg(tacc) : tacc)
  }
  return { ...agg, Q, gacc, tacc }
}

/** GetXonlyPubkey: 32 bytes. */
export const xOnlyKey = (agg: KeyAgg): Uint8Array => xBytes(agg.Q)
/** GetPlainPubkey: 33 bytes. */
export const plainKey = (agg: KeyAgg): Uint8Array => agg.Q.toBytes(true)

export interface NonceInput {
  /** 32 fresh random bytes; never reused */
  readonly random: Uint8Array
  readonly publicKey: Uint8Array
  readonly secretKey?: Uint8Array
  /** 32 bytes x-only */
  readonly aggregateKey?: Uint8Array
  readonly message?: Uint8Array
  readonly extra?: Uint8Array
}

/** NonceGen with every optional input of the BIP. */
export function nonceGen(input: NonceInput): NoncePair {
  const { publicKey, secretKey, aggregateKey = new Uint8Array(), message, extra = new Uint8Array() } = input
  if (input.random.length !== 32) throw new MusigError('nonce randomness must be 32 bytes')
  const rand = input.random.slice()
  if (secretKey !== undefined) {
    const aux = tagged('MuSig/aux', input.random)
    for (let i = 0; i < 32; i++) rand[i] = (secretKey[i] ?? 0) ^ (aux[i] ?? 0)
  }
  const prefixed =
    message === undefined
      ? Uint8Array.of(0)
      : concatBytes(Uint8Array.of(1), numberToBytesBE(message.length, 8), message)
  const scalar = (i: number): bigint =>
    scalarOfHash(
      tagged(
        'MuSig/nonce',
        rand,
        Uint8Array.of(publicKey.length),
        publicKey,
        Uint8Array.of(aggregateKey.length),
        aggregateKey,
        prefixed,
        numberToBytesBE(extra.length, 4),
        extra,
        Uint8Array.of(i),
      ),
    )
  const pair = noncePair(scalar(0), scalar(1), publicKey)
  rand.fill(0)
  return pair
}

function noncePair(k1: bigint, k2: bigint, publicKey: Uint8Array): NoncePair {
  if (k1 === 0n || k2 === 0n) throw new MusigError('nonce is zero')
  return {
    secret: concatBytes(Fn.toBytes(k1), Fn.toBytes(k2), publicKey),
    public: concatBytes(Point.BASE.multiply(k1).toBytes(true), Point.BASE.multiply(k2).toBytes(true)),
  }
}

/** NonceAgg. Throws `InvalidContribution(i, 'pubnonce')`; one that passes is 66 bytes. */
export function nonceAgg(pubnonces: readonly Uint8Array[]): Uint8Array {
  const sums: [CurvePoint, CurvePoint] = [Point.ZERO, Point.ZERO]
  pubnonces.forEach((bytes, i) => {
    const first = readPoint(bytes.subarray(0, 33))
    const second = readPoint(bytes.subarray(33))
    if (bytes.length !== 66 || first === undefined || second === undefined) throw new InvalidContribution(i, 'pubnonce')
    sums[0] = sums[0].add(first)
    sums[1] = sums[1].add(second)
  })
  return concatBytes(writePointExt(sums[0]), writePointExt(sums[1]))
}

/**
 * GetSessionValues for one message under an already tweaked aggregation. Throws `InvalidContribution(undefined,
 * 'aggnonce')`.
 */
export function musigSession(agg: KeyAgg, aggnonce: Uint8Array, message: Uint8Array): MusigSession {
  const R1 = readPointExt(aggnonce.subarray(0, 33))
  const R2 = readPointExt(aggnonce.subarray(33))
  if (aggnonce.length !== 66 || R1 === undefined || R2 === undefined)
    throw new InvalidContribution(undefined, 'aggnonce')
  const key = xOnlyKey(agg)
  const b = scalarOfHash(tagged('MuSig/noncecoef', aggnonce, key, message))
  const sum = R1.add(R2.multiplyUnsafe(b))
  // a cheating aggregator may force infinity; the BIP continues with G so that the culprit shows in the partials
  const R = isInfinity(sum) ? Point.BASE : sum
  return { agg, b, R, e: scalarOfHash(tagged('BIP0340/challenge', xBytes(R), key, message)) }
}

/**
 * Sign. Wipes `secnonce` before it looks at anything else, so that no failure leaves it usable; checks its own result.
 * @returns the 32-byte partial signature
 */
export function partialSign(session: MusigSession, secnonce: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const nonce = secnonce.slice()
  secnonce.fill(0)
  const k1 = readScalar(nonce.subarray(0, 32)) ?? 0n
  const k2 = readScalar(nonce.subarray(32, 64)) ?? 0n
  const publicKey = nonce.slice(64)
  nonce.fill(0)
  if (k1 === 0n || k2 === 0n) throw new MusigError('secret nonce is out of range: used before?')
  const d = readScalar(secretKey) ?? 0n
  if (d === 0n) throw new MusigError('secret key is out of range')
  if (!equalBytes(individualPubkey(secretKey), publicKey)) throw new MusigError('secret nonce belongs to another key')
  const { agg, b, R, e } = session
  const index = agg.publicKeys.findIndex(key => equalBytes(key, publicKey))
  const a = agg.coefficients[index]
  if (a === undefined) throw new MusigError('signer is not among the keys')
  const sign = hasEvenY(agg.Q) ? agg.gacc : Fn.neg(agg.gacc)
  const even = hasEvenY(R)
  const r = Fn.add(even ? k1 : Fn.neg(k1), Fn.mul(b, even ? k2 : Fn.neg(k2)))
  const partial = Fn.toBytes(Fn.add(r, Fn.mul(Fn.mul(e, a), Fn.mul(sign, d))))
  const pubnonce = concatBytes(Point.BASE.multiply(k1).toBytes(true), Point.BASE.multiply(k2).toBytes(true))
  if (!partialVerify(session, index, partial, pubnonce)) throw new MusigError('own partial signature does not verify')
  return partial
}

/** PartialSigVerifyInternal for participant `index`. Throws `InvalidContribution(index, 'pubnonce')`. */
export function partialVerify(
  session: MusigSession,
  index: number,
  partial: Uint8Array,
  pubnonce: Uint8Array,
): boolean {
  const { agg, b, R, e } = session
  const s = readScalar(partial)
  const R1 = readPoint(pubnonce.subarray(0, 33))
  const R2 = readPoint(pubnonce.subarray(33))
  if (pubnonce.length !== 66 || R1 === undefined || R2 === undefined) throw new InvalidContribution(index, 'pubnonce')
  const P = agg.points[index]
  const a = agg.coefficients[index]
  if (P === undefined || a === undefined) throw new MusigError('no such participant')
  if (s === undefined) return false
  const sum = R1.add(R2.multiplyUnsafe(b))
  const sign = hasEvenY(agg.Q) ? agg.gacc : Fn.neg(agg.gacc)
  const right = (hasEvenY(R) ? sum : sum.negate()).add(P.multiplyUnsafe(Fn.mul(Fn.mul(e, a), sign)))
  return Point.BASE.multiplyUnsafe(s).equals(right)
}

/** PartialSigAgg: the 64-byte BIP340 signature. Throws `InvalidContribution(i, 'psig')`. */
export function partialSigAgg(session: MusigSession, partials: readonly Uint8Array[]): Uint8Array {
  const { agg, R, e } = session
  let sum = 0n
  partials.forEach((bytes, i) => {
    const s = readScalar(bytes)
    if (s === undefined) throw new InvalidContribution(i, 'psig')
    sum = Fn.add(sum, s)
  })
  const tweak = Fn.mul(e, hasEvenY(agg.Q) ? agg.tacc : Fn.neg(agg.tacc))
  return concatBytes(xBytes(R), Fn.toBytes(Fn.add(sum, tweak)))
}

/**
 * DeterministicSign, for the last signer that has seen all other nonces. The vault does not use it; the official
 * vectors do.
 */
export function deterministicSign(input: {
  readonly secretKey: Uint8Array
  readonly aggOtherNonce: Uint8Array
  readonly agg: KeyAgg
  readonly message: Uint8Array
  readonly random?: Uint8Array
}): { readonly pubnonce: Uint8Array; readonly partial: Uint8Array } {
  const { secretKey, aggOtherNonce, agg, message, random } = input
  const sk = secretKey.slice()
  if (random !== undefined)
    tagged('MuSig/aux', random).forEach((v, i) => {
      sk[i] = (sk[i] ?? 0) ^ v
    })
  const scalar = (i: number): bigint =>
    scalarOfHash(
      tagged(
        'MuSig/deterministic/nonce',
        sk,
        aggOtherNonce,
        xOnlyKey(agg),
        numberToBytesBE(message.length, 8),
        message,
        Uint8Array.of(i),
      ),
    )
  const pair = noncePair(scalar(0), scalar(1), individualPubkey(secretKey))
  sk.fill(0)
  let aggnonce: Uint8Array
  try {
    aggnonce = nonceAgg([pair.public, aggOtherNonce])
  } catch (error) {
    throw error instanceof InvalidContribution ? new InvalidContribution(undefined, 'aggothernonce') : error
  }
  return { pubnonce: pair.public, partial: partialSign(musigSession(agg, aggnonce, message), pair.secret, secretKey) }
}
