import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { verifySignature } from '../../services/core/crypto/signature'
import {
  applyTweaks,
  individualPubkey,
  keyAgg,
  musigSession,
  nonceAgg,
  nonceGen,
  partialSigAgg,
  partialSign,
  partialVerify,
  xOnlyKey,
  type MusigSession,
} from '../../services/core/crypto/musig2'
import { toHex } from '../../services/core/domain/bytes'
import { createFakeEntropy } from '../fakes/entropy'
import { createMemoryLocks, createMemoryVaultStore, createTestVault } from '../fakes/vault'
import { signerContract } from '../contract/signer'
import { Point as SmallPoint } from './small-group'

const { Point } = secp256k1
const { Fn } = Point
const scalar = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`)

it('stands for the curve in this suite', () => {
  expect(Point).toBe(SmallPoint)
})

// the vault over this group keeps the contract that the vault over secp256k1 keeps
signerContract('over the group of the simulation', async () => {
  const store = createMemoryVaultStore()
  const locks = createMemoryLocks()
  let tabs = 0
  return {
    tab: () => createTestVault({ store, locks, seed: `tab ${tabs++}` }).vault,
    written: async () =>
      JSON.stringify(store.writes, (_key, item: unknown) => (item instanceof Uint8Array ? toHex(item) : item)),
    tamper: async id => {
      const record = (await store.profile(id))!
      const seed = record.seed.slice()
      seed[20]! ^= 1
      await store.putProfile({ ...record, seed })
    },
  }
})

describe('a group of prime order', () => {
  const scalars = fc.bigInt({ min: 1n, max: Fn.ORDER - 1n })

  it('with the laws that MuSig2 stands on, and points that read back', () => {
    fc.assert(
      fc.property(scalars, scalars, (a, b) => {
        const [A, B] = [Point.BASE.multiply(a), Point.BASE.multiply(b)]
        expect(A.add(B).equals(Point.BASE.multiplyUnsafe(Fn.add(a, b)))).toBe(true)
        expect(A.multiply(b).equals(B.multiply(a))).toBe(true)
        expect(A.add(A.negate()).equals(Point.ZERO)).toBe(true)
        expect(Point.fromBytes(A.toBytes(true)).equals(A)).toBe(true)
        // a point and its negative differ by the parity of y alone
        expect(A.negate().toAffine().x).toBe(A.toAffine().x)
        expect(A.negate().toAffine().y % 2n).not.toBe(A.toAffine().y % 2n)
      }),
    )
  })

  it('in which three partial signatures under one nonce give the secret key away', () => {
    const entropy = createFakeEntropy('reuse')
    const secrets = [entropy.bytes(32), entropy.bytes(32)]
    const agg = applyTweaks(keyAgg(secrets.map(individualPubkey)), [
      { scalar: entropy.bytes(32).fill(0, 0, 1), xOnly: true },
    ])
    const own = (): ReturnType<typeof nonceGen> =>
      nonceGen({ random: new Uint8Array(32).fill(7), publicKey: individualPubkey(secrets[0]!), secretKey: secrets[0]! })
    const signed = [1, 2, 3].map(n => {
      const other = nonceGen({
        random: entropy.bytes(32),
        publicKey: individualPubkey(secrets[1]!),
        secretKey: secrets[1]!,
      })
      const message = new Uint8Array(32).fill(n)
      const session = musigSession(agg, nonceAgg([own().public, other.public]), message)
      const partials = [
        partialSign(session, own().secret, secrets[0]!),
        partialSign(session, other.secret, secrets[1]!),
      ]
      expect(verifySignature(partialSigAgg(session, partials), message, xOnlyKey(agg))).toBe(true)
      expect(partialVerify(session, 0, partials[0]!, own().public)).toBe(true)
      expect(partialVerify(session, 1, partials[0]!, other.public)).toBe(false)
      return { session, partial: scalar(partials[0]!) }
    })
    expect(extract(signed, 0)).toBe(scalar(secrets[0]!))
  })
})

/** s = g (k1 + b k2) + e a g' d for each: three equations for k1, k2 and d. */
function extract(
  signed: ReadonlyArray<{ readonly session: MusigSession; readonly partial: bigint }>,
  index: number,
): bigint {
  const rows = signed.map(({ session: { R, b, e, agg }, partial }) => {
    const g = R.toAffine().y % 2n === 0n ? 1n : Fn.neg(1n)
    const sign = agg.Q.toAffine().y % 2n === 0n ? agg.gacc : Fn.neg(agg.gacc)
    return { b, x: Fn.mul(g, Fn.mul(Fn.mul(e, agg.coefficients[index]!), sign)), s: Fn.mul(g, partial) }
  })
  const minus = (i: number, j: number) => ({
    b: Fn.add(rows[i]!.b, Fn.neg(rows[j]!.b)),
    x: Fn.add(rows[i]!.x, Fn.neg(rows[j]!.x)),
    s: Fn.add(rows[i]!.s, Fn.neg(rows[j]!.s)),
  })
  const [p, q] = [minus(0, 1), minus(1, 2)]
  // without k2: (p.s q.b - q.s p.b) = (p.x q.b - q.x p.b) d
  const left = Fn.add(Fn.mul(p.s, q.b), Fn.neg(Fn.mul(q.s, p.b)))
  const right = Fn.add(Fn.mul(p.x, q.b), Fn.neg(Fn.mul(q.x, p.b)))
  return Fn.mul(left, inverse(right))
}

/** Fermat: the order is prime. */
function inverse(a: bigint): bigint {
  let [result, base] = [1n, a]
  for (let e = Fn.ORDER - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = Fn.mul(result, base)
    base = Fn.mul(base, base)
  }
  return result
}
