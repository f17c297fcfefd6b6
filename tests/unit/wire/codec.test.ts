import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { decode, encode } from 'cborg'
import { describe, expect, it } from 'vitest'
import type { Wire } from '../../../services/core/wire/cbor'
import { LIMITS } from '../../../services/core/wire/limits'
import { PROTOCOLS } from '../../../services/core/wire/messages'
import type { ProtocolName, SignedMessage } from '../../../services/core/wire/messages'
import {
  decodeAnnouncement,
  decodeFrame,
  decodeProposal,
  decodeSigned,
  decodeWalletRecord,
  encodeAnnouncement,
  encodeFrame,
  encodeProposal,
  encodeSigned,
  encodeStatement,
  encodeUnsigned,
  encodeWalletRecord,
} from '../../../services/core/wire/codec'
import { bounded, misshapen, mutated } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'
import { MAX, USUAL, filled, hexOf, keyOf, samples } from './samples'
import type { Size } from './samples'

/** [what it is, protocol, frame] of every message. */
function allFrames(size: Size): Array<[string, ProtocolName, Uint8Array]> {
  const s = samples(size)
  return [
    ...Object.entries(s.join).map(([k, m]): [string, ProtocolName, Uint8Array] => [
      `join/${k}`,
      'join',
      encodeFrame('join', m),
    ]),
    ...Object.entries(s.wallet).map(([k, m]): [string, ProtocolName, Uint8Array] => [
      `wallet/${k}`,
      'wallet',
      encodeFrame('wallet', m),
    ]),
    ['sign/hello', 'sign', encodeFrame('sign', s.hello)],
    ...Object.entries(s.signed).map(([k, m]): [string, ProtocolName, Uint8Array] => [
      `sign/${k}`,
      'sign',
      encodeFrame('sign', m),
    ]),
  ]
}

const vote = samples(USUAL).signed['vote-yes'] as SignedMessage

describe('every message', () => {
  for (const [label, size] of [
    ['of usual size', USUAL],
    ['at its limits', MAX],
  ] as const) {
    describe(label, () => {
      it.each(allFrames(size))('%s fits a frame and comes back the same', (_, protocol, frame) => {
        expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytes)
        const decoded = decodeFrame(protocol, frame)
        if (!decoded.ok) throw new Error(JSON.stringify(decoded.error))
        expect(encodeFrame(protocol, decoded.value)).toEqual(frame)
      })

      it('as TypeScript values too', () => {
        const s = samples(size)
        for (const m of Object.values(s.join))
          expect(decodeFrame('join', encodeFrame('join', m))).toEqual({ ok: true, value: m })
        for (const m of Object.values(s.wallet))
          expect(decodeFrame('wallet', encodeFrame('wallet', m))).toEqual({ ok: true, value: m })
        for (const m of Object.values(s.signed)) expect(decodeSigned(encodeSigned(m))).toEqual({ ok: true, value: m })
        for (const p of Object.values(s.proposals))
          expect(decodeProposal(encodeProposal(p))).toEqual({ ok: true, value: p })
        expect(decodeWalletRecord(encodeWalletRecord(s.record))).toEqual({ ok: true, value: s.record })
        expect(decodeAnnouncement(encodeAnnouncement(s.announcement))).toEqual({ ok: true, value: s.announcement })
        for (const statement of Object.values(s.statements))
          expect(encodeStatement(statement).length).toBeLessThan(LIMITS.frameBytes)
      })
    })
  }

  it('the largest sizes are those that docs/protocol.md states', () => {
    const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
    const sizes = Object.fromEntries(allFrames(MAX).map(([name, , frame]) => [name, frame.length]))
    for (const name of [
      'wallet/record',
      'sign/fail',
      'join/roster',
      'sign/propose-spend',
      'sign/nonces',
      'sign/pubnonces',
      'sign/final',
      'sign/partials',
    ]) {
      const size = sizes[name] ?? 0
      expect(page, name).toContain(`| ${Math.floor(size / 1000)} ${String(size % 1000).padStart(3, '0')} |`)
    }
  })

  it('an announcement at its limits leaves room for signature, nonce, tag and padding', () => {
    expect(encodeAnnouncement(samples(MAX).announcement).length).toBeLessThanOrEqual(
      LIMITS.announcementBytes - 64 - 24 - 16 - 256,
    )
  })

  it('the evidence against a wrong partial of 256 inputs fits one fail', () => {
    const { signed } = samples(MAX)
    const evidence = ['pubnonces', 'nonces', 'partials'].map(k => encodeSigned(signed[k] as SignedMessage))
    const fail: SignedMessage = {
      ...vote,
      body: { type: 'fail', code: 'bad-partial', culprit: 2, input: 255, evidence },
    }
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

describe('decoding is total', LONG_LIMIT, () => {
  const entrances = (bytes: Uint8Array) =>
    bounded(() => [
      ...(Object.keys(PROTOCOLS) as ProtocolName[]).map(p => decodeFrame(p, bytes)),
      decodeSigned(bytes),
      decodeProposal(bytes),
      decodeWalletRecord(bytes),
      decodeAnnouncement(bytes),
    ])
  const { proposals, record, announcement } = samples(USUAL)
  const frames = allFrames(USUAL)
  const valid = [
    ...frames.map(([, , frame]) => frame),
    ...Object.values(proposals).map(encodeProposal),
    encodeWalletRecord(record),
    encodeAnnouncement(announcement),
  ]
  const reasons = new Set([
    'too-large',
    'not-cbor',
    'not-canonical',
    'wrong-type',
    'unknown-type',
    'unknown-field',
    'missing-field',
    'out-of-range',
    'bad-text',
    'bad-order',
  ])

  /** What decodes is the one encoding of its value; what does not has a reason. */
  function holds(bytes: Uint8Array): void {
    for (const protocol of Object.keys(PROTOCOLS) as ProtocolName[]) {
      const r = bounded(() => decodeFrame(protocol, bytes))
      if (r.ok ? !Buffer.from(encodeFrame(protocol, r.value)).equals(bytes) : !reasons.has(r.error.code))
        throw new Error(JSON.stringify(r))
    }
    for (const r of [
      bounded(() => decodeSigned(bytes)),
      bounded(() => decodeProposal(bytes)),
      bounded(() => decodeWalletRecord(bytes)),
      bounded(() => decodeAnnouncement(bytes)),
    ]) {
      if (!r.ok && !reasons.has(r.error.code)) throw new Error(JSON.stringify(r))
    }
  }

  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), holds), { numRuns: times(2_000, 200_000) })
  })

  it('random CBOR of any shape', () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 4, withBigInt: false }), value => {
        let bytes: Uint8Array
        try {
          bytes = encode({ t: 'join', ...(typeof value === 'object' && value !== null ? value : { entry: value }) })
        } catch {
          return
        }
        for (const r of entrances(bytes)) expect(r.ok).toBe(false)
      }),
      { numRuns: times(500, 50_000) },
    )
  })

  it('a valid message with bytes changed, cut or added is refused or is another canonical message', () => {
    fc.assert(fc.property(mutated(valid), holds), { numRuns: times(4_000, 250_000) })
  })

  it('a valid message cut short, or with something behind it, is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        ([, protocol, frame], where, more) => {
          expect(decodeFrame(protocol, frame.slice(0, where % frame.length)).ok).toBe(false)
          expect(decodeFrame(protocol, Uint8Array.from([...frame, ...more])).ok).toBe(false)
        },
      ),
      { numRuns: times(500, 20_000) },
    )
  })

  it('a message in sound CBOR with parts missing, doubled, or of another kind is refused or is another message', () => {
    fc.assert(fc.property(misshapen(valid.map(bytes => decode(bytes) as Wire)), holds), {
      numRuns: times(3_000, 150_000),
    })
  })

  it('one at its limits, changed, takes no longer than it may', () => {
    fc.assert(fc.property(mutated(allFrames(MAX).map(([, , frame]) => frame)), holds), { numRuns: times(100, 5_000) })
  })

  it('deep nesting, huge counts and oversize are refused at once', () => {
    expect(decodeFrame('join', filled(LIMITS.frameBytes, 0x81))).toEqual({
      ok: false,
      error: { code: 'not-cbor', path: '' },
    })
    expect(decodeFrame('join', Uint8Array.of(0x9b, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toEqual({
      ok: false,
      error: { code: 'not-cbor', path: '' },
    })
    expect(decodeFrame('join', filled(LIMITS.frameBytes + 1, 0))).toEqual({
      ok: false,
      error: { code: 'too-large', path: '' },
    })
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
    [
      '257 inputs',
      {
        type: 'partials',
        digest: hexOf(32),
        noncesHash: filled(32),
        partials: Array.from({ length: 257 }, () => filled(32)),
      },
    ],
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
    expect(() => encodeProposal({ ...spend, inputs: [{ ...first, amountSats: 2_100_000_000_000_001n }] })).toThrow(
      RangeError,
    )
  })
})
