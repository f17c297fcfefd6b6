import { describe, expect, it } from 'vitest'
import type { SessionState } from '../../../services/core/domain/signing-state'
import type { MemberView, ReviewView } from '../../../services/core/domain/views'
import type { SessionCard } from '../../../services/core/signing/rules/cards'
import type { SessionView } from '../../../services/core/signing/rules/progress'
import { isLive, TRANSITIONS } from '../../../services/core/signing/protocol/table'
import { sessionProgress } from '../../../services/core/signing/rules/progress-list'
import { historyRows, openRows, sessionRow } from '../../../services/core/signing/rules/session-row'
import { failedAttempt, sessionScreen, type Beside } from '../../../services/core/signing/rules/session-screen'
import { nameOf } from '../../../services/core/signing/rules/who'

const STATES = Object.keys(TRANSITIONS) as SessionState[]
const [ME, ANN, BEN] = ['02aa', '03bb', '03cc']
const person = (accountKey: string, name: string, self = false): MemberView => ({
  accountKey,
  name,
  peerId: `peer-${name}`,
  self,
  confirmed: true,
  saved: true,
})
const wallet = { members: [person(ME, 'Cy', true), person(ANN, 'Ann'), person(BEN, 'Ben')] }
const SELF = { kind: 'self' } as const
const who = (name: string) => ({ kind: 'member', name }) as const

const review: ReviewView = {
  recipients: [{ address: 'bcrt1qaaaa', sats: 60_000n }],
  change: [],
  inputs: [],
  totalSats: 60_154n,
  feeSats: 154n,
  feeRate: 1,
  feePercent: 0.25,
  vsize: 154,
  txid: 'aa',
  note: 'rent',
}

type Member = SessionView['members'][number]
const member = (accountKey: string, m: Partial<Member> = {}): Member => ({
  member: 0,
  accountKey,
  self: accountKey === ME,
  nonces: false,
  signed: false,
  connected: true,
  locked: false,
  ...m,
})
/** Ann has proposed; the others have not answered. */
const asked = [member(ME), member(ANN, { vote: 'yes' }), member(BEN)]
const approved = asked.map(m => ({ ...m, vote: 'yes' as const }))

function card(state: SessionState, view: Partial<SessionView> = {}, more: Partial<SessionCard> = {}): SessionCard {
  return {
    id: 's',
    walletId: 'w',
    review,
    spendCode: [],
    proposerName: 'Ann',
    expiresAt: 2_000_000,
    overlapsWith: [],
    canReplace: false,
    canPayAgain: false,
    ...more,
    view: {
      id: 's',
      walletId: 'w',
      state,
      live: isLive(state),
      members: asked,
      verdict: { kind: 'ok' },
      approving: false,
      canApprove: false,
      canDecline: false,
      canWithdraw: false,
      canCancel: false,
      canRetry: false,
      mayStillGoOut: false,
      stopped: false,
      ...view,
    } as SessionView,
  }
}
const screen = (c: SessionCard, beside: Partial<Beside> = {}) =>
  sessionScreen(c, wallet, { others: [], lingers: false, ...beside })
const status = (c: SessionCard, beside: Partial<Beside> = {}) => screen(c, beside).status
const codes = (c: SessionCard, beside: Partial<Beside> = {}) => screen(c, beside).notices.map(n => n.message.code)

describe('the status of a session', () => {
  it.each([
    ['proposed', 'neutral', 'wait'],
    ['signing', 'neutral', 'sign'],
    ['released', 'warning', 'warn'],
    ['signed', 'neutral', 'sent'],
    ['broadcast', 'neutral', 'sent'],
    ['confirmed', 'success', 'done'],
    ['declined', 'neutral', 'ended'],
    ['withdrawn', 'neutral', 'ended'],
    ['cancelled', 'neutral', 'ended'],
    ['expired', 'neutral', 'ended'],
    ['failed', 'error', 'failed'],
    ['replaced', 'neutral', 'ended'],
    ['conflicted', 'error', 'failed'],
  ] as const)('%s: tone %s, drawing %s, and the name and sentence of the state first', (state, tone, icon) => {
    const seen = status(card(state), { lingers: true })
    expect(seen).toMatchObject({ tone, icon, title: { code: 'state', state } })
    expect(seen.sentences[0]).toEqual({ code: 'state', state, by: { kind: 'unknown' } })
    expect(seen.see).toBeUndefined()
  })

  it('is tested for every state that there is', () => {
    expect(STATES).toHaveLength(13)
  })

  it('asks me, and names who asks', () => {
    const seen = status(card('proposed', { canApprove: true }))
    expect(seen).toMatchObject({ tone: 'primary', icon: 'answer', title: { code: 'asks-you', proposer: 'Ann' } })
    expect(seen.sentences.map(s => s.code)).toEqual(['state', 'waiting-for-you'])
  })

  it('waits for those who have not said yes, myself not named', () => {
    const seen = status(card('proposed'))
    expect(seen.sentences[1]).toEqual({ code: 'waiting-for', who: [who('Ben')] })
  })

  it('waits for nobody when only I am missing and may not approve', () => {
    const members = [member(ME), member(ANN, { vote: 'yes' }), member(BEN, { vote: 'yes' })]
    expect(status(card('proposed', { members })).sentences.map(s => s.code)).toEqual(['state'])
  })

  it('is signing from the last yes on', () => {
    const seen = status(card('proposed', { members: approved }))
    expect(seen).toMatchObject({ icon: 'sign', title: { code: 'state', state: 'signing' } })
    expect(seen.sentences).toEqual([{ code: 'state', state: 'signing', by: { kind: 'unknown' } }])
  })

  it.each(['proposed', 'signing'] as const)('all have approved and some are away (%s): who is missed', state => {
    const members = approved.map(m => ({ ...m, connected: m.self }))
    const seen = status(card(state, { members }))
    expect(seen).toMatchObject({ tone: 'neutral', icon: 'wait', title: { code: 'away' } })
    expect(seen.sentences).toEqual([{ code: 'away', who: [who('Ann'), who('Ben')] }])
  })

  it('my signature is out: signing at first, a warning once it lingers, has stopped or is too late', () => {
    const state = (c: SessionCard, beside: Partial<Beside> = {}) => status(c, beside).title
    expect(state(card('released'))).toEqual({ code: 'state', state: 'signing' })
    expect(state(card('released'), { lingers: true })).toEqual({ code: 'state', state: 'released' })
    expect(state(card('released', { stopped: true }))).toEqual({ code: 'state', state: 'released' })
    expect(state(card('released', {}, { canPayAgain: true }))).toEqual({ code: 'state', state: 'released' })
    // who is away is not missed: the signatures may be complete elsewhere
    const members = approved.map(m => ({ ...m, connected: m.self }))
    expect(state(card('released', { members }))).toEqual({ code: 'state', state: 'signing' })
  })

  it('not complete in time: to pay anew with the same coins', () => {
    expect(status(card('released', {}, { canPayAgain: true })).sentences).toEqual([{ code: 'not-in-time' }])
  })

  it.each(['signed', 'broadcast'] as const)('%s, and another is to take its place: the way to it', state => {
    expect(status(card(state, {}, { replacedBy: 'new' }))).toMatchObject({
      title: { code: 'being-replaced' },
      sentences: [{ code: 'being-replaced' }],
      see: 'new',
    })
  })

  it('nothing of that once it is decided', () => {
    expect(status(card('confirmed', {}, { replacedBy: 'new' }))).toMatchObject({
      title: { code: 'state', state: 'confirmed' },
    })
    expect(status(card('confirmed', {}, { replacedBy: 'new' })).see).toBeUndefined()
  })

  it('names who ended it', () => {
    for (const [by, named] of [
      [ME, SELF],
      [ANN, who('Ann')],
      ['gone', { kind: 'unknown' }],
    ] as const)
      expect(status(card('declined', { endReason: { code: 'no', by } })).sentences).toEqual([
        { code: 'state', state: 'declined', by: named },
      ])
  })

  it('says why it failed before all else', () => {
    const reason = { code: 'input-spent', by: ANN }
    expect(status(card('failed', { endReason: reason })).sentences).toEqual([
      { code: 'failed', reason, by: who('Ann') },
      { code: 'state', state: 'failed', by: who('Ann') },
    ])
    expect(status(card('failed')).sentences.map(s => s.code)).toEqual(['state'])
  })
})

describe('the notices of a session', () => {
  it('none where all is well, in any state', () => {
    for (const state of STATES) expect(codes(card(state))).toEqual([])
  })

  it.each([
    [{ kind: 'wrong', rule: 'overspend' }, { tone: 'error', icon: 'forbid', alert: true }, undefined],
    [{ kind: 'not-yet-seen', what: 'input' }, { tone: 'warning', icon: 'look', alert: true }, 'recheck'],
  ] as const)('a verdict (%s) as long as it matters', (verdict, look, offer) => {
    for (const state of STATES) {
      const matters = ['proposed', 'signing', 'released'].includes(state)
      const [notice] = screen(card(state, { verdict })).notices
      if (matters) expect(notice).toMatchObject({ ...look, message: { code: 'verdict', verdict } })
      else expect(notice).toBeUndefined()
      expect(notice?.offer).toBe(matters ? offer : undefined)
    }
  })

  it('an attempt that failed, until one has succeeded or none can follow', () => {
    const failure = { code: 'late', by: ANN, culprit: BEN, proven: false }
    for (const state of STATES)
      expect(codes(card(state, { failure })), state).toEqual(
        ['proposed', 'signing', 'released'].includes(state) ? ['attempt-failed'] : [],
      )
    expect(codes(card('released', { failure }, { canPayAgain: true }))).toEqual([])
  })

  it('who is locked, myself not named, while it goes on', () => {
    const members = asked.map(m => ({ ...m, locked: true }))
    expect(screen(card('signing', { members })).notices).toEqual([
      { tone: 'neutral', icon: 'lock', message: { code: 'locked', who: [who('Ann'), who('Ben')] }, see: [] },
    ])
    expect(codes(card('declined', { members }))).toEqual([])
    expect(codes(card('signing', { members: asked.map(m => ({ ...m, locked: m.self })) }))).toEqual([])
  })

  describe('of other sessions for the same coins', () => {
    const open = { ...card('proposed'), id: 'open' }
    const second = { ...card('signing'), id: 'second' }
    const out = { ...card('released', { mayStillGoOut: true }), id: 'out' }
    const overlapsWith = ['open', 'out', 'second', 'not known here']
    const seen = (c: SessionCard) =>
      screen(c, { others: [open, second, out] }).notices.map(n => [n.message.code, ...n.see])

    it('an open one: who may still go out, then those from which a yes takes mine', () => {
      expect(seen(card('proposed', {}, { overlapsWith }))).toEqual([
        ['earlier-out', 'out'],
        ['rivals', 'open', 'second'],
      ])
      expect(seen(card('signing', {}, { overlapsWith: ['second'] }))).toEqual([['rivals', 'second']])
    })

    it('one that may still go out itself: each of them', () => {
      expect(seen(card('released', { mayStillGoOut: true }, { overlapsWith }))).toEqual([
        ['paid-again', 'open'],
        ['paid-again', 'second'],
        ['paid-again', 'out'],
      ])
    })

    it.each(['signed', 'broadcast', 'confirmed', 'cancelled', 'conflicted'] as const)('nothing when %s', state => {
      expect(seen(card(state, { mayStillGoOut: isLive(state) }, { overlapsWith }))).toEqual([])
    })
  })

  it.each(['faster', 'back', 'other', undefined] as const)('what it is to an earlier payment (%s)', kind => {
    const replaces = { txid: 'bb', ...(kind === undefined ? {} : { kind, session: 'old', sentSats: 5n }) }
    const see = kind === undefined ? [] : ['old']
    for (const state of STATES) {
      const done = state === 'confirmed'
      const notices = screen(card(state, {}, { replaces })).notices
      if (!isLive(state) && !done) expect(notices, state).toEqual([])
      else
        expect(notices, state).toEqual([
          {
            tone: done ? 'neutral' : 'warning',
            icon: 'replace',
            message: { code: 'replaces', kind: kind ?? 'unknown', sentSats: kind === undefined ? 0n : 5n, done },
            see,
          },
        ])
    }
  })

  it('stand in a fixed order', () => {
    const other = { ...card('proposed'), id: 'other' }
    const everything = card(
      'proposed',
      {
        verdict: { kind: 'not-yet-seen', what: 'chain' },
        failure: { code: 'late', by: ANN, proven: false },
        members: asked.map(m => ({ ...m, locked: true })),
      },
      { overlapsWith: ['other'], replaces: { txid: 'bb' } },
    )
    expect(codes(everything, { others: [other] })).toEqual([
      'verdict',
      'attempt-failed',
      'locked',
      'rivals',
      'replaces',
    ])
  })
})

describe('a failed attempt', () => {
  const told = (failure: Parameters<typeof failedAttempt>[0], stopped = false) =>
    failedAttempt(failure, stopped, nameOf(wallet.members), ME)

  it.each([
    ['pubnonce-invalid', 'nonces'],
    ['pubnonces-count', 'nonces'],
    ['partial-invalid', 'signatures'],
    ['partials-other-nonces', 'signatures'],
    ['late', undefined],
    ['signature-invalid', undefined],
  ])('%s is of step %s', (code, step) => {
    expect(told({ code, by: ANN, proven: false }).step).toBe(step)
  })

  it('names the culprit, else who says it', () => {
    expect(told({ code: 'late', by: ANN, culprit: BEN, proven: false }).who).toEqual(who('Ben'))
    expect(told({ code: 'locked', by: ANN, proven: false }).who).toEqual(who('Ann'))
  })

  it('is proven, or the word of somebody, or what I saw myself', () => {
    const proven = told({ code: 'partial-invalid', by: ANN, culprit: BEN, input: 1, proven: true }, true)
    expect(proven).toMatchObject({ proven: true, input: 1, again: false })
    expect(proven.reportedBy).toBeUndefined()
    const word = told({ code: 'partial-invalid', by: ANN, culprit: BEN, proven: false })
    expect(word).toMatchObject({ proven: false, reportedBy: who('Ann'), again: true })
    expect(told({ code: 'late', by: ME, culprit: BEN, proven: false }).reportedBy).toBeUndefined()
    expect(told({ code: 'late', by: ANN, proven: true })).toMatchObject({ proven: false })
  })
})

describe('what a session offers', () => {
  const offers = (c: SessionCard) => screen(c).answer?.offers.map(o => ('way' in o ? o.way : o.action))

  it('nothing that is not allowed', () => {
    for (const state of STATES) expect(offers(card(state)) ?? []).toEqual([])
  })

  it('each thing that is allowed, in a fixed order', () => {
    const all = { canApprove: true, canDecline: true, canRetry: true, canWithdraw: true, canCancel: true }
    expect(offers(card('proposed', all, { canReplace: true, canPayAgain: true }))).toEqual([
      'approve',
      'decline',
      'retry',
      'withdraw',
      'speed-up',
      'take-back',
      'pay-again',
      'cancel',
    ])
    expect(screen(card('proposed', all)).answer?.offers.map(o => o.weight)).toEqual([
      'main',
      'answer',
      'main',
      'other',
      'other',
    ])
  })

  it('what is being taken back can be sped up and not taken back', () => {
    expect(offers(card('broadcast', {}, { canReplace: true, replaces: { txid: 'bb', kind: 'back' } }))).toEqual([
      'speed-up',
    ])
  })

  it.each(STATES)('%s: spend code, time limit and connections where they mean something', state => {
    const seen = screen(card(state))
    expect(seen.answer !== undefined).toBe(isLive(state) || state === 'confirmed')
    expect(seen.answer?.expires ?? false).toBe(state === 'proposed')
    expect(seen.connections).toBe(isLive(state))
  })
})

describe('what a session is about', () => {
  it('a payment, with the earlier one whose place it takes', () => {
    expect(screen(card('proposed')).subject).toEqual({ kind: 'payment', review })
    const replaces = { txid: 'bb', feeSats: 3n }
    expect(screen(card('proposed', {}, { replaces })).subject).toEqual({
      kind: 'payment',
      review: { ...review, replaces },
    })
  })

  it('a practice, or a payment that is not read yet', () => {
    expect(screen(card('proposed', {}, { review: null, practiceText: 'hello' })).subject).toEqual({
      kind: 'practice',
      text: 'hello',
    })
    expect(screen(card('proposed', {}, { review: null })).subject).toEqual({ kind: 'unread' })
  })
})

describe('the progress of a session', () => {
  const steps = (state: SessionState, view: Partial<SessionView> = {}) =>
    sessionProgress(card(state, view).view, wallet.members)
  const done = (state: SessionState, view: Partial<SessionView> = {}) =>
    steps(state, view)
      .filter(s => s.done)
      .map(s => s.step)
  const current = (state: SessionState, view: Partial<SessionView> = {}) =>
    steps(state, view).find(s => s.current)?.step

  it.each([
    ['proposed', ['asked'], 'approved'],
    ['signing', ['asked'], 'approved'],
    ['signed', ['asked', 'approved', 'nonces', 'signatures'], 'sent'],
    ['broadcast', ['asked', 'approved', 'nonces', 'signatures', 'sent'], 'confirmed'],
    ['confirmed', ['asked', 'approved', 'nonces', 'signatures', 'sent', 'confirmed'], undefined],
    ['declined', ['asked'], undefined],
    ['conflicted', ['asked'], undefined],
  ] as const)('%s', (state, over, now) => {
    expect(done(state)).toEqual(over)
    expect(current(state)).toBe(now)
  })

  it('names who has done what, and who is against it', () => {
    const members = [
      member(ME, { vote: 'yes', signed: true }),
      member(ANN, { vote: 'yes', nonces: true }),
      member(BEN, { vote: 'withdraw' }),
    ]
    const [, yes, nonces, signed] = steps('signing', { members })
    expect(yes?.by.map(b => b.who)).toEqual([SELF, who('Ann')])
    expect(yes).toMatchObject({ done: false, of: 3, against: [{ accountKey: BEN, who: who('Ben'), vote: 'withdraw' }] })
    expect(nonces?.by.map(b => b.accountKey)).toEqual([ME, ANN])
    expect(signed?.by.map(b => b.accountKey)).toEqual([ME])
  })

  it('counts blocks once there is one', () => {
    expect(steps('confirmed', { confirmations: 2 }).at(-1)).toMatchObject({ step: 'confirmed', confirmations: 2 })
    expect(steps('broadcast', { confirmations: 0 }).at(-1)?.confirmations).toBeUndefined()
  })
})

describe('sessions in lists', () => {
  it.each([
    ['proposed', 'neutral', 'wait'],
    ['signing', 'primary', 'sign'],
    ['released', 'warning', 'warn'],
    ['signed', 'neutral', 'sent'],
    ['broadcast', 'neutral', 'sent'],
    ['confirmed', 'success', 'done'],
    ['declined', 'neutral', 'ended'],
    ['withdrawn', 'neutral', 'ended'],
    ['cancelled', 'neutral', 'ended'],
    ['expired', 'neutral', 'ended'],
    ['failed', 'error', 'failed'],
    ['replaced', 'neutral', 'ended'],
    ['conflicted', 'error', 'failed'],
  ] as const)('%s wears a badge of tone %s with drawing %s', (state, tone, icon) => {
    expect(sessionRow(card(state)).badge).toEqual({ tone, icon, title: state })
  })

  it('says that it waits for me, or may be replaced', () => {
    expect(sessionRow(card('proposed', { canApprove: true })).badge).toEqual({
      tone: 'primary',
      icon: 'answer',
      title: 'waits-for-you',
    })
    expect(sessionRow(card('broadcast', {}, { replacedBy: 'new' })).badge.title).toBe('being-replaced')
    expect(sessionRow(card('confirmed', {}, { replacedBy: 'new' })).badge.title).toBe('confirmed')
  })

  it('is known by its amount, by what was to be paid, or by its text', () => {
    expect(sessionRow(card('proposed')).subject).toEqual({ kind: 'payment', sats: 60_000n })
    const back = card('proposed', {}, { replaces: { txid: 'bb', kind: 'back', sentSats: 7n } })
    expect(sessionRow(back).subject).toEqual({ kind: 'take-back', sats: 7n })
    const practice = card('proposed', {}, { review: null, practiceText: 'hello' })
    expect(sessionRow(practice).subject).toEqual({ kind: 'practice', text: 'hello' })
    expect(sessionRow(card('proposed', {}, { review: null })).subject).toEqual({ kind: 'unread' })
  })

  it('says that nothing was sent only where nothing of it is out', () => {
    expect(STATES.filter(state => sessionRow(card(state)).nothingSent)).toEqual([
      'declined',
      'withdrawn',
      'cancelled',
      'expired',
      'failed',
    ])
  })

  it('open ones: those that wait for me first, then those that run out last', () => {
    const cards = [
      card('proposed', {}, { id: 'early', expiresAt: 1 }),
      card('confirmed', {}, { id: 'over' }),
      card('signing', {}, { id: 'late', expiresAt: 3 }),
      card('proposed', { canApprove: true }, { id: 'mine', expiresAt: 2 }),
    ]
    expect(openRows(cards).map(r => r.id)).toEqual(['mine', 'late', 'early'])
  })

  it('history: what waits for a block on top, then payments and ended proposals by time', () => {
    const item = (txid: string, deltaSats: bigint, time?: number) => ({ txid, deltaSats, ...(time ? { time } : {}) })
    const history = [item('waits', -1n), item('in', 5n, 1_990_000), item('back', -2n, 1_000)] as unknown as Parameters<
      typeof historyRows
    >[0]
    const rows = historyRows(history, [
      card('broadcast', { txid: 'waits' }),
      card('confirmed', { txid: 'back' }, { replaces: { txid: 'x', kind: 'back' }, review: { ...review, note: '' } }),
      card('declined', {}, { id: 'ended', expiresAt: 1_900_000 }),
      card('proposed', {}, { id: 'open' }),
    ])
    expect(
      rows.map(r => (r.kind === 'payment' ? [r.item.txid, r.what, r.note] : [r.row.id, r.row.badge.title])),
    ).toEqual([
      ['waits', 'paid', 'rent'],
      ['in', 'received', ''],
      ['ended', 'declined'],
      ['back', 'taken-back', ''],
    ])
  })
})
