import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { encode } from 'cborg'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../services/core/wire/limits'
import { PROTOCOLS } from '../../../services/core/wire/messages'
import type { ProtocolName, SignedMessage } from '../../../services/core/wire/messages'
import {
  decodeAnnouncement, decodeFrame, decodeProposal, decodeSigned, decodeWalletRecord, encodeAnnouncement, encodeFrame, encodeProposal, encodeSigned, encodeStatement, encodeUnsigned, encodeWalletRecord,
} from '../../../services/core/wire/codec'
import { MAX, USUAL, filled, hexOf, keyOf, samples } from './samples'
import type { Size } from './samples'

/** [what it is, protocol, frame] of every message. */
function allFrames(size: Size): Array<[string, ProtocolName, Uint8Array]> {
  const s = samples(size)
  return [
    ...Object.entries(s.join).map(([k, m]): [string, ProtocolName, Uint8Array] => [`join/${k}`, 'join', encodeFrame('join', m)]),
    ...Object.entries(s.wallet).map(([k, m]): [string, ProtocolName, Uint8Array] => [`wallet/${k}`, 'wallet', encodeFrame('wallet', m)]),
    ['sign/hello', 'sign', encodeFrame('sign', s.hello)],
    ...Object.entries(s.signed).map(([k, m]): [string, ProtocolName, Uint8Array] => [`sign/${k}`, 'sign', encodeFrame('sign', m)]),
  ]
}

const vote = samples(USUAL).signed['vote-yes'] as SignedMessage

describe('every message', () => {
  for (const [label, size] of [['of usual size', USUAL], ['at its limits', MAX]] as const) {
    describe(label, () => {
      it.each(allFrames(size))('%s fits a frame and comes back the same', (_, protocol, frame) => {
        expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytes)
        const decoded = decodeFrame(protocol, frame)
        if (!decoded.ok) throw new Error(JSON.stringify(decoded.error))
        expect(encodeFrame(protocol, decoded.value)).toEqual(frame)
      })

      it('as TypeScript values too', () => {
        const s = samples(size)
        for (const m of Object.values(s.join)) expect(decodeFrame('join', encodeFrame('join', m))).toEqual({ ok: true, value: m })
        for (const m of Object.values(s.wallet)) expect(decodeFrame('wallet', encodeFrame('wallet', m))).toEqual({ ok: true, value: m })
        for (const m of Object.values(s.signed)) expect(decodeSigned(encodeSigned(m))).toEqual({ ok: true, value: m })
        for (const p of Object.values(s.proposals)) expect(decodeProposal(encodeProposal(p))).toEqual({ ok: true, value: p })
        expect(decodeWalletRecord(encodeWalletRecord(s.record))).toEqual({ ok: true, value: s.record })
        expect(decodeAnnouncement(encodeAnnouncement(s.announcement))).toEqual({ ok: true, value: s.announcement })
        for (const statement of Object.values(s.statements)) expect(encodeStatement(statement).length).toBeLessThan(LIMITS.frameBytes)
      })
    })
  }

  it('the largest sizes are those that docs/protocol.md states', () => {
    const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
    const sizes = Object.fromEntries(allFrames(MAX).map(([name, , frame]) => [name, frame.length]))
    for (const name of ['wallet/record', 'sign/fail', 'join/roster', 'sign/propose-spend', 'sign/nonces', 'sign/pubnonces', 'sign/final', 'sign/partials']) {
      const size = sizes[name] ?? 0
      expect(page, name).toContain(`| ${Math.floor(size / 1000)} ${String(size % 1000).padStart(3, '0')} |`)
    }
  })

  it('an announcement at its limits leaves room for signature, nonce, tag and padding', () => {
    expect(encodeAnnouncement(samples(MAX).announcement).length).toBeLessThanOrEqual(LIMITS.announcementBytes - 64 - 24 - 16 - 256)
  })

  it('the evidence against a wrong partial of 256 inputs fits one fail', () => {
    const { signed } = samples(MAX)
    const evidence = ['pubnonces', 'nonces', 'partials'].map(k => encodeSigned(signed[k] as SignedMessage))
    const fail: SignedMessage = { ...vote, body: { type: 'fail', code: 'bad-partial', culprit: 2, input: 255, evidence } }
    expect(decodeSigned(encodeSigned(fail)).ok).toBe(true)
  })

  it('the frame of a signed message is its stored form', () => {
    expect(encodeFrame('sign', vote)).toEqual(encodeSigned(vote))
  })

  it('what is signed is the message without its signature', () => {
    const rest = { sender: vote.sender, walletId: vote.walletId, session: vote.session, body: vote.body }
    expect(encodeUnsigned(vote)).toEqual(encodeUnsigned(rest))
    expect(encodeUnsigned({ ...rest, session: hexOf(32, 1) })).not.toEqual(encodeUnsigned(rest))
    expect(encodeUnsigned({ ...rest, attempt: { counter: 1, hub: 0 } })).not.toEqual(encodeUnsigned(rest))
  })
})

describe('decoding is total', () => {
  const entrances = (bytes: Uint8Array) => [
    ...(Object.keys(PROTOCOLS) as ProtocolName[]).map(p => decodeFrame(p, bytes)), decodeSigned(bytes), decodeProposal(bytes), decodeWalletRecord(bytes), decodeAnnouncement(bytes),
  ]

  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
      for (const r of entrances(bytes)) expect(r.ok ? 'value' : r.error.code).toBeTypeOf('string')
    }), { numRuns: 2000 })
  })

  it('random CBOR of any shape', () => {
    fc.assert(fc.property(fc.anything({ maxDepth: 4, withBigInt: false }), value => {
      let bytes: Uint8Array
      try { bytes = encode({ t: 'join', ...(typeof value === 'object' && value !== null ? value : { entry: value }) }) } catch { return }
      for (const r of entrances(bytes)) expect(r.ok).toBe(false)
    }), { numRuns: 500 })
  })

  it('a valid message with bytes changed, cut or added is refused or is another canonical message', () => {
    const frames = allFrames(USUAL)
    fc.assert(fc.property(fc.constantFrom(...frames), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom('flip', 'cut', 'grow', 'drop'), ([, protocol, frame], where, change, how) => {
      const at = where % frame.length
      const bytes = how === 'flip' ? frame.map((b, i) => i === at ? b ^ change : b)
        : how === 'cut' ? frame.slice(0, at)
          : how === 'grow' ? Uint8Array.from([...frame, change])
            : Uint8Array.from([...frame.slice(0, at), ...frame.slice(at + 1)])
      const r = decodeFrame(protocol, bytes)
      if (r.ok) expect(encodeFrame(protocol, r.value)).toEqual(bytes)
      if (how === 'cut' || how === 'grow') expect(r.ok).toBe(false)
    }), { numRuns: 4000 })
  })

  it('deep nesting, huge counts and oversize are refused at once', () => {
    expect(decodeFrame('join', filled(LIMITS.frameBytes, 0x81))).toEqual({ ok: false, error: { code: 'not-cbor', path: '' } })
    expect(decodeFrame('join', Uint8Array.of(0x9b, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toEqual({ ok: false, error: { code: 'not-cbor', path: '' } })
    expect(decodeFrame('join', filled(LIMITS.frameBytes + 1, 0))).toEqual({ ok: false, error: { code: 'too-large', path: '' } })
  })
})

describe('one value has one encoding', () => {
  const raw = (patch: Record<string, unknown>): Uint8Array => encode({ t: 'leave', draft: filled(32, 1), ...patch })
  const codeOf = (bytes: Uint8Array) => {
    const r = decodeFrame('join', bytes)
    return r.ok ? 'ok' : `${r.error.code} ${r.error.path}`.trim()
  }

  it('names what is wrong and where', () => {
    expect(codeOf(raw({}))).toBe('ok')
    expect(codeOf(raw({ extra: 1 }))).toBe('unknown-field extra')
    expect(codeOf(raw({ __proto__x: 1, t: 'leave' }))).toBe('unknown-field __proto__x')
    expect(codeOf(encode({ t: 'leave' }))).toBe('missing-field draft')
    expect(codeOf(encode({ draft: filled(32) }))).toBe('missing-field t')
    expect(codeOf(raw({ t: 'toString' }))).toBe('unknown-type t')
    expect(codeOf(raw({ t: 7 }))).toBe('wrong-type t')
    expect(codeOf(raw({ draft: filled(31) }))).toBe('out-of-range draft')
    expect(codeOf(raw({ draft: 'x' }))).toBe('wrong-type draft')
    expect(codeOf(raw({ draft: null }))).toBe('not-cbor')
    expect(codeOf(raw({ draft: -1 }))).toBe('not-cbor')
    expect(codeOf(raw({ draft: 1.5 }))).toBe('not-cbor')
  })

  it('refuses other encodings of the same value', () => {
    const good = raw({})
    expect(good[0]).toBe(0xa2)
    const [t, draft] = [good.slice(1, 9), good.slice(9)]
    expect(codeOf(Uint8Array.from([0xa2, ...draft, ...t]))).toBe('not-canonical')
    expect(codeOf(Uint8Array.from([0xbf, ...t, ...draft, 0xff]))).toBe('not-cbor')
    expect(codeOf(Uint8Array.from([0xb8, 2, ...t, ...draft]))).toBe('not-cbor')
    expect(codeOf(Uint8Array.from([0xa3, ...t, ...t, ...draft]))).toBe('not-cbor')
    expect(codeOf(Uint8Array.from([0xd8, 0x40, ...good]))).toBe('not-cbor')
  })

  it('refuses lists that are out of order', () => {
    const { record } = samples(USUAL).wallet
    if (record?.type !== 'record') throw new Error('sample')
    expect(() => encodeFrame('wallet', { ...record, saved: [keyOf(1), keyOf(0)] })).toThrow(/bad-order/)
    expect(() => encodeFrame('wallet', { ...record, saved: [keyOf(1), keyOf(1)] })).toThrow(/bad-order/)
  })
})

describe('bounds hold for what we send', () => {
  it.each([
    ['257 inputs', { type: 'partials', digest: hexOf(32), noncesHash: filled(32), partials: Array.from({ length: 257 }, () => filled(32)) }],
    ['no input', { type: 'final', digest: hexOf(32), signatures: [] }],
    ['a short nonce', { type: 'pubnonces', digest: hexOf(32), pubnonces: [filled(65)] }],
    ['upper-case hex', { type: 'begin', digest: 'AB'.repeat(32) }],
    ['a long reason', { type: 'cancel', reason: 'a'.repeat(LIMITS.noteBytes + 1) }],
    ['a reason that reorders text', { type: 'cancel', reason: 'pay \u202etxt.exe' }],
    ['a lone surrogate', { type: 'cancel', reason: 'a\ud800' }],
    ['too much evidence', { type: 'fail', code: 'x', evidence: [filled(LIMITS.evidenceBytes), filled(1)] }],
  ] as const)('%s', (_, body) => {
    expect(() => encodeSigned({ ...vote, body })).toThrow(RangeError)
  })

  it('money', () => {
    const { spend } = samples(USUAL).proposals
    const first = spend.inputs[0]
    if (first === undefined) throw new Error('sample')
    expect(() => encodeProposal({ ...spend, inputs: [{ ...first, amountSats: -1n }] })).toThrow(RangeError)
    expect(() => encodeProposal({ ...spend, inputs: [{ ...first, amountSats: 2_100_000_000_000_001n }] })).toThrow(RangeError)
  })
})
