import { describe, expect, it } from 'vitest'
import { NonceBook, type NonceHandle } from '../../../services/adapters/keyworker/nonce-book'
import { signWithHandle } from '../../../services/adapters/keyworker/signing'
import {
  applyTweaks,
  individualPubkey,
  keyAgg,
  nonceAgg,
  xOnlyKey,
  type NonceInput,
} from '../../../services/core/crypto/musig2'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { FakeClock } from '../../fakes/clock'
import { bytesAt, tweaksAt, type NonceGenFile, type SignVerifyFile, type TweakFile } from '../../support/bip327'
import { noVectors, readVectors } from '../../support/vectors'

const handle: NonceHandle = { session: 'aa'.repeat(32), digest: 'bb'.repeat(32), attempt: { counter: 1, hub: 0 } }
const lower = (hex: string): string => hex.toLowerCase()
const book = (clock = new FakeClock()): NonceBook => new NonceBook(clock, 60_000)

describe.skipIf(noVectors('bip327/sign_verify_vectors.json'))('BIP327 vectors through the nonce handles', () => {
  it('nonce generation: same public halves, and the secret ones behind the handle are those of the file', () => {
    for (const test of readVectors<NonceGenFile>('bip327/nonce_gen_vectors.json').test_cases) {
      const nonces = book()
      const bytes = (hex: string | null): Uint8Array | undefined => (hex === null ? undefined : fromHex(hex))
      const [pubnonce] = nonces.make(handle, [
        {
          random: fromHex(test.rand_),
          publicKey: fromHex(test.pk),
          secretKey: bytes(test.sk),
          aggregateKey: bytes(test.aggpk),
          message: bytes(test.msg),
          extra: bytes(test.extra_in),
        },
      ])
      expect(toHex(pubnonce!)).toBe(lower(test.expected_pubnonce))
      expect(nonces.take(handle)!.map(toHex)).toEqual([lower(test.expected_secnonce)])
    }
  })

  it('signing: expected partials; every error case signs nothing and leaves the handle consumed', () => {
    const file = readVectors<SignVerifyFile>('bip327/sign_verify_vectors.json')
    const sk = fromHex(file.sk)
    for (const test of file.valid_test_cases) {
      const nonces = book()
      nonces.keep(handle, [fromHex(file.secnonces[0]!)])
      const input = {
        message: fromHex(file.msgs[test.msg_index]!),
        agg: keyAgg(bytesAt(file.pubkeys, test.key_indices)),
        aggnonce: fromHex(file.aggnonces[test.aggnonce_index]!),
      }
      const signed = signWithHandle(nonces, handle, [input], sk)
      expect(signed.ok && signed.value.map(toHex)).toEqual([lower(test.expected)])
      expect(signWithHandle(nonces, handle, [input], sk)).toMatchObject({ ok: false, error: { code: 'no-nonce' } })
    }
    for (const test of file.sign_error_test_cases) {
      // a bad key is found when the wallet is opened, before any handle exists
      if (test.error.contrib === 'pubkey') {
        expect(() => keyAgg(bytesAt(file.pubkeys, test.key_indices)), test.comment).toThrow(
          'invalid pubkey of participant 2',
        )
        continue
      }
      const nonces = book()
      nonces.keep(handle, [fromHex(file.secnonces[test.secnonce_index]!)])
      const input = {
        message: fromHex(file.msgs[test.msg_index]!),
        agg: keyAgg(bytesAt(file.pubkeys, test.key_indices)),
        aggnonce: fromHex(file.aggnonces[test.aggnonce_index]!),
      }
      expect(signWithHandle(nonces, handle, [input], sk), test.comment).toMatchObject({
        ok: false,
        error: { code: 'bad-nonces' },
      })
      expect(nonces.has(handle)).toBe(false)
    }
  })

  it('tweaks', () => {
    const file = readVectors<TweakFile>('bip327/tweak_vectors.json')
    for (const test of file.valid_test_cases) {
      const nonces = book()
      nonces.keep(handle, [fromHex(file.secnonce)])
      const agg = applyTweaks(keyAgg(bytesAt(file.pubkeys, test.key_indices)), tweaksAt(file.tweaks, test))
      const signed = signWithHandle(
        nonces,
        handle,
        [{ message: fromHex(file.msg), agg, aggnonce: fromHex(file.aggnonce) }],
        fromHex(file.sk),
      )
      expect(signed.ok && signed.value.map(toHex), test.comment).toEqual([lower(test.expected)])
    }
  })
})

describe('nonce handles', () => {
  const secretKey = new Uint8Array(32).fill(7)
  const publicKey = individualPubkey(secretKey)
  const agg = keyAgg([publicKey, individualPubkey(new Uint8Array(32).fill(9))])
  const message = new Uint8Array(32).fill(1)
  const input: NonceInput = {
    random: new Uint8Array(32).fill(3),
    publicKey,
    secretKey,
    aggregateKey: xOnlyKey(agg),
    message,
  }
  const sign = (nonces: NonceBook, name: NonceHandle, pubnonce: Uint8Array) =>
    signWithHandle(nonces, name, [{ message, agg, aggnonce: nonceAgg([pubnonce, pubnonce]) }], secretKey)

  it('are used once, and their bytes are zero afterwards', () => {
    const nonces = book()
    const secrets = [new Uint8Array(97).fill(1)]
    nonces.keep(handle, secrets)
    expect(sign(nonces, handle, nonces.make({ ...handle, session: 'cc'.repeat(32) }, [input])[0]!)).toMatchObject({
      ok: false,
      error: { code: 'bad-nonces' },
    })
    expect(secrets[0]!.every(byte => byte === 0)).toBe(true)
    expect(nonces.take(handle)).toBeUndefined()
    // those that nothing was asked of as well
    const two = [new Uint8Array(97).fill(1), new Uint8Array(97).fill(2)]
    nonces.keep(handle, two)
    expect(sign(nonces, handle, nonces.make({ ...handle, session: 'cc'.repeat(32) }, [input])[0]!)).toMatchObject({
      ok: false,
      error: { code: 'bad-nonces' },
    })
    expect(two.flatMap(secret => [...secret]).every(byte => byte === 0)).toBe(true)
  })

  it('copied, they are the same handle: one signature in all, for whatever is asked first', () => {
    const nonces = book()
    const [pubnonce] = nonces.make(handle, [input])
    const copies = [
      handle,
      { ...handle },
      structuredClone(handle),
      { session: handle.session, digest: handle.digest, attempt: { ...handle.attempt } },
    ]
    const answers = [
      sign(nonces, copies[1]!, pubnonce!),
      sign(nonces, copies[2]!, pubnonce!),
      signWithHandle(
        nonces,
        copies[0]!,
        [{ message: new Uint8Array(32).fill(2), agg, aggnonce: nonceAgg([pubnonce!, pubnonce!]) }],
        secretKey,
      ),
      signWithHandle(nonces, copies[3]!, [{ message, agg, aggnonce: nonceAgg([pubnonce!]) }], secretKey),
    ]
    expect(answers.map(answer => answer.ok)).toEqual([true, false, false, false])
    expect(answers.slice(1)).toMatchObject(Array.from({ length: 3 }, () => ({ error: { code: 'no-nonce' } })))
  })

  it('do not answer to another digest, attempt, hub or session, and stay untouched by the question', () => {
    const nonces = book()
    const [pubnonce] = nonces.make(handle, [input])
    for (const other of [
      { digest: 'cc'.repeat(32) },
      { session: 'cc'.repeat(32) },
      { attempt: { counter: 2, hub: 0 } },
      { attempt: { counter: 1, hub: 1 } },
    ]) {
      expect(sign(nonces, { ...handle, ...other }, pubnonce!)).toMatchObject({ ok: false, error: { code: 'no-nonce' } })
      expect(nonces.has(handle)).toBe(true)
    }
    expect(sign(nonces, handle, pubnonce!).ok).toBe(true)
  })

  it('end after their life, by timer and by clock, and wipe', async () => {
    const clock = new FakeClock()
    const nonces = book(clock)
    const secrets = [new Uint8Array(97).fill(1)]
    nonces.keep(handle, secrets)
    await clock.advance(59_999)
    expect(nonces.has(handle)).toBe(true)
    await clock.advance(1)
    expect(nonces.has(handle)).toBe(false)
    expect(secrets[0]!.every(byte => byte === 0)).toBe(true)
    expect(clock.pending).toBe(0)
    // a throttled timer: the clock alone
    let now = 0
    const throttled = new NonceBook({ now: () => now, after: () => () => {} }, 60_000)
    throttled.keep(handle, [new Uint8Array(97).fill(1)])
    now = 60_000
    expect(throttled.take(handle)).toBeUndefined()
  })

  it('are replaced by a newer attempt, and erased by session or all', () => {
    const nonces = book()
    const older = [new Uint8Array(97).fill(1)]
    nonces.keep(handle, older)
    const newer = { ...handle, attempt: { counter: 2, hub: 0 } }
    nonces.keep(newer, [new Uint8Array(97).fill(2)])
    expect(older[0]!.every(byte => byte === 0)).toBe(true)
    expect([nonces.has(handle), nonces.has(newer)]).toEqual([false, true])
    const other = { ...handle, session: 'dd'.repeat(32) }
    nonces.keep(other, [new Uint8Array(97).fill(3)])
    nonces.erase(handle.session)
    expect([nonces.has(newer), nonces.has(other)]).toEqual([false, true])
    nonces.erase()
    expect(nonces.has(other)).toBe(false)
  })
})
