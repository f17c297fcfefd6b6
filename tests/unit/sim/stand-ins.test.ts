import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { crypto as quick } from '../../sim/quick-seal'
import { sha256 as quickSha256 } from '../../sim/quick-hash'
import { schnorr as quickSchnorr } from '../../sim/quick-schnorr'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

/** What stands for a library in the simulation gives what the library gives. */
describe('a stand-in', () => {
  it('for SHA256', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), message => {
        expect(quickSha256(message)).toEqual(sha256(message))
      }),
    )
    expect(quickSha256.create().update(Uint8Array.of(1)).digest()).toEqual(sha256(Uint8Array.of(1)))
  })

  it('for AES-GCM, which opens what the other sealed and nothing that was changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array({ maxLength: 100 }),
        async (raw, iv, additionalData, plain) => {
          const params = { name: 'AES-GCM', iv: new Uint8Array(iv), additionalData: new Uint8Array(additionalData) }
          const key = await crypto.subtle.importKey('raw', new Uint8Array(raw), 'AES-GCM', false, [
            'encrypt',
            'decrypt',
          ])
          const sealed = new Uint8Array(await crypto.subtle.encrypt(params, key, new Uint8Array(plain)))
          const own = await quick.subtle.importKey('raw', raw, 'AES-GCM')
          expect(new Uint8Array(await quick.subtle.encrypt(params, own, plain))).toEqual(sealed)
          expect(new Uint8Array(await quick.subtle.decrypt(params, own, sealed))).toEqual(new Uint8Array(plain))
          const changed = sealed.slice()
          changed[0]! ^= 1
          await expect(quick.subtle.decrypt(params, own, changed)).rejects.toThrow()
        },
      ),
    )
  })

  it('for BIP340 on secp256k1, which refuses what the library refuses', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), bytes(32), bytes(32), (secret, message, aux, other) => {
        const key = schnorr.getPublicKey(secret)
        const signature = schnorr.sign(message, secret, aux)
        expect(new Uint8Array(quickSchnorr.sign(message, secret, aux))).toEqual(signature)
        const wrong = [
          signature,
          new Uint8Array(64),
          new Uint8Array(64).fill(255),
          new Uint8Array([...signature.slice(0, 32), ...other]),
          new Uint8Array([...other, ...signature.slice(32)]),
        ]
        for (const [s, m, k] of [
          ...wrong.map(bad => [bad, message, key] as const),
          [signature, other, key] as const,
          [signature, message, other] as const,
        ]) {
          expect(quickSchnorr.verify(s, m, k)).toBe(schnorr.verify(s, m, k))
        }
      }),
      { numRuns: 30 },
    )
  })
})
