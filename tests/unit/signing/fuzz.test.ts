import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from 'cborg'
import { accountKey, Harness, practiceProposal, spendProposal, START, weather } from '../../fakes/session-harness'
import type { NamedProposal } from '../../../services/core/domain/proposal'
import { decodeSession, encodeSession } from '../../../services/core/signing/runtime/store'
import type { ChainFact, Fact, SigningEvent } from '../../../services/core/signing/protocol/events'
import { step } from '../../../services/core/signing/protocol/step'
import { sessionView } from '../../../services/core/signing/rules/progress'
import { newSession, type Session } from '../../../services/core/signing/protocol/state'
import { mayMove, TRANSITIONS } from '../../../services/core/signing/protocol/table'
import type { Wire } from '../../../services/core/wire/cbor'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { bounded, misshapen, mutated } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'

const N = 3
const kinds: readonly NamedProposal[] = [spendProposal(), practiceProposal()]

/**
 * What one member was told in real sessions, in order: good weather, bad weather, a member who signs wrongly, and what
 * a chain then says.
 */
function told(named: NamedProposal, self: number): Fact[][] {
  return [undefined, weather(7, 0.1, 0.3, 0.5), weather(8, 0.2, 0.2, 0.8), undefined].map((climate, i) => {
    const facts: Fact[] = []
    const h = new Harness(N, named, climate)
    const feed = h.feed.bind(h)
    h.feed = (m, fact) => {
      if (m === self) facts.push(fact)
      feed(m, fact)
    }
    if (i === 3) h.node((self + 1) % N).signsWrongly = true
    h.propose()
    for (let m = 1; m < N; m++) h.approveAll(m)
    h.advance(100_000)
    for (const kind of ['seen', 'missing', 'reorged'] as const) h.chain(self, { kind })
    h.chain(self, { kind: 'confirmed', height: 10, tip: 12 })
    h.reload(self)
    h.advance(100_000)
    return facts
  })
}

const bytesOf = (length: number) => fc.integer({ min: 0, max: 3 }).map(fill => new Uint8Array(length).fill(fill))
const lists = (length: number) => fc.array(bytesOf(length), { minLength: 1, maxLength: 3 })
const member = fc.integer({ min: 0, max: N - 1 })
/** what the wire lets through, in the wallet or not */
const anybody = fc.constantFrom(0, 1, 2, 3, 99)
const attempt = fc.record({ counter: fc.constantFrom(0, 1, 2, 3, 4, 31, 32), hub: anybody })
const code = fc.constantFrom(
  'expired',
  'late',
  'superseded',
  'locked',
  'stalled',
  'not-approved',
  'partial-invalid',
  'check:fee',
  'signed',
  'proposed',
  'unknown',
  'reloaded',
  '',
)

/**
 * A member of this session who says anything that the wire lets through, and the answers of a vault and a chain that do
 * the same.
 */
function events(named: NamedProposal, self: number): fc.Arbitrary<SigningEvent> {
  const digest = fc.constantFrom(named.digest, named.digest, named.digest, 'ee'.repeat(32))
  const body: fc.Arbitrary<SignBody> = fc.oneof(
    fc.constant<SignBody>({ type: 'propose', proposal: named.proposal }),
    fc.record({
      type: fc.constant('vote' as const),
      digest,
      choice: fc.constantFrom('yes' as const, 'no' as const, 'withdraw' as const),
    }),
    fc.record({ type: fc.constant('begin' as const), digest }),
    fc.record({ type: fc.constant('pubnonces' as const), digest, pubnonces: lists(66) }),
    fc.record({ type: fc.constant('nonces' as const), digest, aggregates: lists(66), hashes: lists(32) }),
    fc.record({ type: fc.constant('partials' as const), digest, noncesHash: bytesOf(32), partials: lists(32) }),
    fc.record({ type: fc.constant('final' as const), digest, signatures: lists(64) }),
    fc.record({
      type: fc.constant('fail' as const),
      code,
      culprit: fc.option(anybody, { nil: undefined }),
      input: fc.option(fc.constantFrom(0, 1, 255), { nil: undefined }),
      evidence: fc.array(bytesOf(20), { maxLength: 2 }),
    }),
    fc.record({ type: fc.constant('cancel' as const), reason: code }),
    fc.record({
      type: fc.constant('sync' as const),
      digest,
      state: code,
      attempt: fc.option(attempt, { nil: undefined }),
      have: fc.uniqueArray(anybody.map(accountKey)),
      locked: fc.boolean(),
      reply: fc.boolean(),
    }),
  )
  const said = (from: fc.Arbitrary<number>): fc.Arbitrary<SignedMessage> =>
    fc.record({
      sender: from.map(accountKey),
      walletId: fc.constantFrom(named.proposal.walletId, named.proposal.walletId, 'bb'.repeat(32)),
      session: fc.constantFrom(named.sessionId, named.sessionId, 'cc'.repeat(32)),
      attempt: fc.option(attempt, { nil: undefined, freq: 8 }),
      body,
      signature: bytesOf(64),
    })
  const own = said(fc.constant(self))
  const verdict = fc.constantFrom(
    { kind: 'ok' as const },
    { kind: 'not-yet-seen' as const, what: 'input' as const },
    { kind: 'wrong' as const, rule: 'overspend' as const },
  )
  const some = fc.option(attempt, { nil: undefined })
  const maybeRaw = fc.option(
    fc.constantFrom(
      ...(named.proposal.kind === 'spend' ? [named.proposal.tx] : []),
      new Uint8Array(),
      new Uint8Array(80),
    ),
    { nil: undefined },
  )
  const chain: fc.Arbitrary<ChainFact> = fc.oneof(
    fc.record({ kind: fc.constant('seen' as const), raw: maybeRaw }),
    fc.record({ kind: fc.constant('confirmed' as const), height: fc.nat(20), tip: fc.nat(20), raw: maybeRaw }),
    fc.constantFrom<ChainFact>({ kind: 'missing' }, { kind: 'reorged' }, { kind: 'conflict-gone' }, { kind: 'tip' }),
    fc.record({
      kind: fc.constant('conflict' as const),
      txid: fc.constant('dd'.repeat(32)),
      replacement: fc.boolean(),
    }),
  )
  const wild: fc.Arbitrary<Fact> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('message' as const), from: member, message: said(anybody) }),
    },
    fc.constantFrom<Fact>(
      { type: 'opened' },
      { type: 'resumed' },
      { type: 'tick' },
      { type: 'locked' },
      { type: 'unlocked' },
    ),
    fc.record({
      type: fc.constant('verdict' as const),
      purpose: fc.constantFrom('show' as const, 'approve' as const, 'nonces' as const, 'partials' as const),
      attempt: some,
      verdict,
    }),
    fc.record({
      type: fc.constant('user' as const),
      action: fc.constantFrom(
        'approve' as const,
        'decline' as const,
        'withdraw' as const,
        'cancel' as const,
        'retry' as const,
        'recheck' as const,
      ),
      reason: fc.option(code, { nil: undefined }),
    }),
    fc.record({ type: fc.constant('signed' as const), message: own, to: fc.uniqueArray(member) }),
    fc.record({
      type: fc.constantFrom('approved' as const, 'nonces-made' as const, 'partials-made' as const),
      message: own,
    }),
    fc.record({
      type: fc.constant('refused' as const),
      request: fc.constantFrom('sign' as const, 'approve' as const, 'nonces' as const, 'partials' as const),
      attempt: some,
      code,
    }),
    fc.record({ type: fc.constant('nonces-aggregated' as const), attempt, aggregates: lists(66) }),
    fc.record({ type: fc.constant('partials-aggregated' as const), attempt, signatures: lists(64) }),
    fc.record({
      type: fc.constant('aggregation-failed' as const),
      attempt,
      phase: fc.constantFrom('nonces' as const, 'partials' as const),
      member: fc.option(anybody, { nil: undefined }),
      input: fc.constantFrom(0, 1),
    }),
    fc.record({
      type: fc.constant('finalized' as const),
      signatures: lists(64),
      ...(named.proposal.kind === 'spend'
        ? { raw: fc.constant(named.proposal.tx), txid: fc.constant('ab'.repeat(32)) }
        : {}),
    }),
    fc.record({ type: fc.constant('finalize-failed' as const), from: member, input: fc.constantFrom(0, 1) }),
    fc.record({ type: fc.constant('evidence-checked' as const), attempt, proven: fc.boolean() }),
    fc.record({ type: fc.constant('peers' as const), connected: fc.uniqueArray(member.filter(m => m !== self)) }),
    fc.record({ type: fc.constant('chain' as const), fact: chain }),
    fc.record({
      type: fc.constant('broadcast-done' as const),
      ok: fc.boolean(),
      code: fc.option(code, { nil: undefined }),
    }),
  )
  const real = told(named, self).flat()
  // mostly something that belongs to a session, at a time that may also go back
  return fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...real) }, { weight: 2, arbitrary: wild }),
      fc.oneof(
        { weight: 40, arbitrary: fc.constantFrom(0, 1, 1_000, 20_000, 61_000, -5_000) },
        { weight: 1, arbitrary: fc.constant(86_400_001) },
      ),
    )
    .map(([fact, later]): SigningEvent => ({ ...fact, at: START + later }))
}

/**
 * A mistake of the machine shows as an exception where it changes something that it was given. Views on buffers cannot
 * be frozen: those are compared.
 */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(frozen)
  }
  return value
}

const picture = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'bigint' ? `${v}n` : v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v,
  )

/** One step may take two lawful moves: signed, then confirmed, for a practice text. */
const lawful = (from: Session['state'], to: Session['state']): boolean =>
  from === to || mayMove(from, to) || TRANSITIONS[from].some(between => mayMove(between, to) && between === 'signed')

function play(session: Session, event: SigningEvent): Session {
  const before = picture(session)
  const made = bounded(() => step(frozen(session), frozen(event)))
  expect(picture(session), 'a step changed its input').toBe(before)
  if (picture(step(session, event)) !== picture(made)) throw new Error('the same step gave another result')
  if (!lawful(session.state, made.session.state))
    throw new Error(`${session.state} -> ${made.session.state} is not in the table`)
  // what the table leaves open: only a text may expire when it is released
  if (session.state === 'released' && made.session.state === 'expired' && session.proposal.kind === 'spend')
    throw new Error('a released payment has expired')
  // what everybody else does with a session: keep it, and show it
  const stored = encodeSession(made.session)
  const back = decodeSession(stored)
  if (!back.ok || !Buffer.from(encodeSession(back.value)).equals(stored))
    throw new Error(`does not read back: ${picture(back)}`)
  sessionView(made.session, event.at)
  return made.session
}

const LENGTH = 40

describe.each(kinds.map(named => [named.proposal.kind, named] as const))(
  'any events in any order, %s',
  LONG_LIMIT,
  (_, named) => {
    it.each([0, 1])('member %i: no step throws, changes what it was given, or leaves the table', self => {
      const real = told(named, self)
      const begin = newSession(
        named,
        Array.from({ length: N }, (__, m) => accountKey(m)),
        accountKey(self),
      )
      const seen = new Set<string>()
      const start = fc.constantFrom(...real).chain(facts => fc.nat(facts.length).map(count => facts.slice(0, count)))
      fc.assert(
        fc.property(start, fc.array(events(named, self), { maxLength: LENGTH, size: 'max' }), (facts, list) => {
          // a real session up to some moment, then anything
          const session = facts.reduce((s, fact) => step(s, { ...fact, at: START }).session, begin)
          list.reduce((s, e) => {
            const next = play(s, e)
            seen.add(next.state)
            return next
          }, session)
        }),
        { numRuns: times(60, 2_000) },
      )
      // the property is worth nothing when the events lead nowhere
      expect([...seen]).toEqual(
        expect.arrayContaining([
          'proposed',
          'signing',
          'released',
          named.proposal.kind === 'spend' ? 'broadcast' : 'confirmed',
        ]),
      )
    })
  },
)

describe('a stored session', LONG_LIMIT, () => {
  const stored = kinds.flatMap(named => {
    const found = new Map<string, Uint8Array>()
    for (const self of [0, 1]) {
      told(named, self)
        .flat()
        .reduce(
          (s, fact) => {
            const next = step(s, { ...fact, at: START }).session
            found.set(`${self} ${next.state}`, encodeSession(next))
            return next
          },
          newSession(
            named,
            Array.from({ length: N }, (_, m) => accountKey(m)),
            accountKey(self),
          ),
        )
    }
    return [...found.values()]
  })

  /** Reading is total; what is read is written back to the byte, can be shown, and bears its first events. */
  function holds(bytes: Uint8Array): void {
    const read = bounded(() => decodeSession(bytes))
    if (!read.ok) return
    const again = bounded(() => decodeSession(encodeSession(read.value)))
    if (!again.ok || picture(again.value) !== picture(read.value)) throw new Error('reads back differently')
    sessionView(read.value, START)
    const { session } = step(read.value, { type: 'resumed', at: START })
    step(session, { type: 'peers', connected: [], at: START })
  }

  it('of any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), holds), { numRuns: times(500, 10_000) })
  })

  it('with bytes changed', () => {
    fc.assert(fc.property(mutated(stored), holds), { numRuns: times(1_000, 40_000) })
  })

  it('with parts missing or of another kind', () => {
    fc.assert(fc.property(misshapen(stored.map(bytes => decode(bytes) as Wire)), holds), {
      numRuns: times(1_000, 40_000),
    })
  })
})
