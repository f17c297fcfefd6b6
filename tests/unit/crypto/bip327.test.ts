import { describe, expect, it } from 'vitest'
import {
  applyTweaks,
  deterministicSign,
  individualPubkey,
  keyAgg,
  keySort,
  musigSession,
  nonceAgg,
  nonceGen,
  partialSigAgg,
  partialSign,
  partialVerify,
  xOnlyKey,
} from '../../../services/core/crypto/musig2'
import { verifySignature } from '../../../services/core/crypto/signature'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import {
  bytesAt,
  expectVectorError,
  tweaksAt,
  type DetSignFile,
  type KeyAggFile,
  type KeySortFile,
  type NonceAggFile,
  type NonceGenFile,
  type SigAggFile,
  type SignVerifyFile,
  type TweakFile,
} from '../../support/bip327'
import { noVectors, readVectors } from '../../support/vectors'

const lower = (hex: string): string => hex.toLowerCase()

describe.skipIf(noVectors('bip327/key_agg_vectors.json'))('BIP327 vectors through the core', () => {
  it('key sort', () => {
    const { pubkeys, sorted_pubkeys } = readVectors<KeySortFile>('bip327/key_sort_vectors.json')
    expect(keySort(pubkeys.map(fromHex)).map(toHex)).toEqual(sorted_pubkeys.map(lower))
  })

  it('key aggregation', () => {
    const file = readVectors<KeyAggFile>('bip327/key_agg_vectors.json')
    for (const test of file.valid_test_cases)
      expect(toHex(xOnlyKey(keyAgg(bytesAt(file.pubkeys, test.key_indices))))).toBe(lower(test.expected))
    for (const test of file.error_test_cases) {
      expectVectorError(test.error, () =>
        applyTweaks(keyAgg(bytesAt(file.pubkeys, test.key_indices)), tweaksAt(file.tweaks, test)),
      )
    }
    expect(file.valid_test_cases.length + file.error_test_cases.length).toBe(9)
  })

  it('nonce generation', () => {
    const { test_cases } = readVectors<NonceGenFile>('bip327/nonce_gen_vectors.json')
    const bytes = (hex: string | null): Uint8Array | undefined => (hex === null ? undefined : fromHex(hex))
    for (const test of test_cases) {
      const pair = nonceGen({
        random: fromHex(test.rand_),
        publicKey: fromHex(test.pk),
        secretKey: bytes(test.sk),
        aggregateKey: bytes(test.aggpk),
        message: bytes(test.msg),
        extra: bytes(test.extra_in),
      })
      expect(toHex(pair.secret)).toBe(lower(test.expected_secnonce))
      expect(toHex(pair.public)).toBe(lower(test.expected_pubnonce))
    }
    expect(test_cases).toHaveLength(4)
  })

  it('nonce aggregation', () => {
    const file = readVectors<NonceAggFile>('bip327/nonce_agg_vectors.json')
    for (const test of file.valid_test_cases)
      expect(toHex(nonceAgg(bytesAt(file.pnonces, test.pnonce_indices)))).toBe(lower(test.expected))
    for (const test of file.error_test_cases)
      expectVectorError(test.error, () => nonceAgg(bytesAt(file.pnonces, test.pnonce_indices)))
  })

  it('signing and partial verification', () => {
    const file = readVectors<SignVerifyFile>('bip327/sign_verify_vectors.json')
    const sk = fromHex(file.sk)
    expect(toHex(individualPubkey(sk))).toBe(lower(file.pubkeys[0]!))
    for (const test of file.valid_test_cases) {
      const pubnonces = bytesAt(file.pnonces, test.nonce_indices)
      const aggnonce = nonceAgg(pubnonces)
      expect(toHex(aggnonce)).toBe(lower(file.aggnonces[test.aggnonce_index]!))
      const session = musigSession(
        keyAgg(bytesAt(file.pubkeys, test.key_indices)),
        aggnonce,
        fromHex(file.msgs[test.msg_index]!),
      )
      const secnonce = fromHex(file.secnonces[0]!)
      const partial = partialSign(session, secnonce, sk)
      expect(toHex(partial)).toBe(lower(test.expected))
      expect(
        secnonce.every(byte => byte === 0),
        'the secret nonce is wiped',
      ).toBe(true)
      expect(partialVerify(session, test.signer_index, partial, pubnonces[test.signer_index]!)).toBe(true)
    }
    for (const test of file.sign_error_test_cases) {
      expectVectorError(test.error, () => {
        const session = musigSession(
          keyAgg(bytesAt(file.pubkeys, test.key_indices)),
          fromHex(file.aggnonces[test.aggnonce_index]!),
          fromHex(file.msgs[test.msg_index]!),
        )
        return partialSign(session, fromHex(file.secnonces[test.secnonce_index]!), sk)
      })
    }
    const verify = (test: SignVerifyFile['verify_fail_test_cases'][number]): boolean => {
      const pubnonces = bytesAt(file.pnonces, test.nonce_indices)
      const session = musigSession(
        keyAgg(bytesAt(file.pubkeys, test.key_indices)),
        nonceAgg(pubnonces),
        fromHex(file.msgs[test.msg_index]!),
      )
      return partialVerify(session, test.signer_index, fromHex(test.sig), pubnonces[test.signer_index]!)
    }
    for (const test of file.verify_fail_test_cases) expect(verify(test), test.comment).toBe(false)
    for (const test of file.verify_error_test_cases) expectVectorError(test.error, () => verify(test))
  })

  it('tweaks', () => {
    const file = readVectors<TweakFile>('bip327/tweak_vectors.json')
    const sk = fromHex(file.sk)
    for (const test of file.valid_test_cases) {
      const pubnonces = bytesAt(file.pnonces, test.nonce_indices)
      const agg = applyTweaks(keyAgg(bytesAt(file.pubkeys, test.key_indices)), tweaksAt(file.tweaks, test))
      const session = musigSession(agg, fromHex(file.aggnonce), fromHex(file.msg))
      const partial = partialSign(session, fromHex(file.secnonce), sk)
      expect(toHex(partial), test.comment).toBe(lower(test.expected))
      expect(partialVerify(session, test.signer_index, partial, pubnonces[test.signer_index]!)).toBe(true)
    }
    for (const test of file.error_test_cases)
      expectVectorError(test.error, () =>
        applyTweaks(keyAgg(bytesAt(file.pubkeys, test.key_indices)), tweaksAt(file.tweaks, test)),
      )
  })

  it('signature aggregation', () => {
    const file = readVectors<SigAggFile>('bip327/sig_agg_vectors.json')
    const sessionOf = (test: SigAggFile['error_test_cases'][number] | SigAggFile['valid_test_cases'][number]) =>
      musigSession(
        applyTweaks(keyAgg(bytesAt(file.pubkeys, test.key_indices)), tweaksAt(file.tweaks, test)),
        fromHex(test.aggnonce),
        fromHex(file.msg),
      )
    for (const test of file.valid_test_cases) {
      expect(toHex(nonceAgg(bytesAt(file.pnonces, test.nonce_indices)))).toBe(lower(test.aggnonce))
      const session = sessionOf(test)
      const signature = partialSigAgg(session, bytesAt(file.psigs, test.psig_indices))
      expect(toHex(signature)).toBe(lower(test.expected))
      expect(verifySignature(signature, fromHex(file.msg), xOnlyKey(session.agg))).toBe(true)
    }
    for (const test of file.error_test_cases)
      expectVectorError(test.error, () => partialSigAgg(sessionOf(test), bytesAt(file.psigs, test.psig_indices)))
  })

  it('deterministic signing', () => {
    const file = readVectors<DetSignFile>('bip327/det_sign_vectors.json')
    const run = (test: DetSignFile['error_test_cases'][number] | DetSignFile['valid_test_cases'][number]) =>
      deterministicSign({
        secretKey: fromHex(file.sk),
        aggOtherNonce: fromHex(test.aggothernonce),
        agg: applyTweaks(
          keyAgg(bytesAt(file.pubkeys, test.key_indices)),
          test.tweaks.map((tweak, i) => ({ scalar: fromHex(tweak), xOnly: test.is_xonly[i]! })),
        ),
        message: fromHex(file.msgs[test.msg_index]!),
        ...(test.rand !== null && { random: fromHex(test.rand) }),
      })
    for (const test of file.valid_test_cases) {
      const { pubnonce, partial } = run(test)
      expect([toHex(pubnonce), toHex(partial)]).toEqual(test.expected.map(lower))
    }
    for (const test of file.error_test_cases) expectVectorError(test.error, () => run(test))
  })
})
