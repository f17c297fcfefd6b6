import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JoinMessage } from '../../../services/core/wire/messages'
import { decodeFrame, encodeFrame } from '../../../services/core/wire/codec'
import { createDraft, draftClaims, joinDraft, step } from '../../../services/core/roster/draft'
import type {
  CreatorDraft,
  DraftEffect,
  DraftEvent,
  DraftState,
  JoinerDraft,
} from '../../../services/core/roster/draft-state'
import { decodeDraft, encodeDraft } from '../../../services/core/roster/draft-store'
import { LIMITS } from '../../../services/core/wire/limits'
import { preverify } from '../../../services/core/roster/join'
import type { WalletRecord } from '../../../services/core/domain/wallet'
import { DRAFT, flip, GROUP, inviteOf, NOW, person, verify, type Person } from './people'

const [anna, bob, cem, dora] = [person('Anna'), person('Bob'), person('Cem'), person('Dora')]

/** One side with its driver: carries out effects as the door does, and reloads from storage before every event. */
class Side {
  records: WalletRecord[] = []
  log: string[] = []
  constructor(
    readonly who: Person,
    public state: DraftState,
    readonly deliver: (from: Person, to: string, message: JoinMessage) => void,
  ) {}

  do(event: DraftEvent): void {
    const stored = decodeDraft(encodeDraft(this.state))
    if (!stored.ok) throw new Error(JSON.stringify(stored.error))
    expect(stored.value).toEqual(this.state)
    const next = step(stored.value, event, verify)
    const stores = next.effects.filter(e => e.type === 'store').length
    expect(stores).toBe(next.state === stored.value ? 0 : 1)
    this.state = next.state
    for (const effect of next.effects) this.carryOut(effect)
  }

  carryOut(effect: DraftEffect): void {
    this.log.push(effect.type === 'send' ? `send ${effect.message.type}` : effect.type)
    if (effect.type === 'send') this.deliver(this.who, effect.to, effect.message)
    if (effect.type === 'sign') this.do({ type: 'signed', signature: this.who.sign(effect.statement) })
    if (effect.type === 'wallet') this.records.push(effect.record)
  }
}

/** A network of sides: messages go through the codec and wait until `run`. */
function table(n: number, joiners: readonly Person[], change = {}) {
  const invite = inviteOf(anna, n, change)
  const sides = new Map<string, Side>()
  const queue: Array<() => void> = []
  const offline = new Set<string>()
  const deliver = (from: Person, to: string, message: JoinMessage): void => {
    queue.push(() => {
      if (offline.has(to) || offline.has(from.peerId)) return
      const decoded = decodeFrame('join', encodeFrame('join', message))
      if (!decoded.ok) throw new Error(JSON.stringify(decoded.error))
      sides.get(to)?.do({ type: 'message', from: from.peerId, message: decoded.value, now: NOW })
    })
  }
  const creator = new Side(anna, createDraft(invite, anna.entry), deliver)
  sides.set(anna.peerId, creator)
  for (const p of joiners) sides.set(p.peerId, new Side(p, joinDraft(invite, p.entry), deliver))
  const side = (p: Person): Side => {
    const s = sides.get(p.peerId)
    if (s === undefined) throw new Error('nobody')
    return s
  }
  const run = (): void => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next()
  }
  return {
    invite,
    creator,
    side,
    run,
    offline,
    deliver,
    creatorState: () => creator.state as CreatorDraft,
    joinerState: (p: Person) => side(p).state as JoinerDraft,
    connect(p: Person) {
      side(p).do({ type: 'connected', peerId: anna.peerId })
      creator.do({ type: 'connected', peerId: p.peerId })
      run()
    },
    close() {
      creator.do({ type: 'close', groupSecret: GROUP, now: NOW })
      run()
    },
  }
}

describe('making a wallet', () => {
  it('three people end with the same wallet', () => {
    const t = table(3, [bob, cem])
    t.connect(bob)
    expect(t.joinerState(bob)).toMatchObject({ phase: 'asking', heard: true, seats: ['Anna'] })
    t.connect(cem)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.run()
    expect(t.joinerState(bob)).toMatchObject({ phase: 'admitted', seats: ['Anna', 'Bob'] })
    expect(t.joinerState(cem)).toMatchObject({ phase: 'asking', seats: ['Anna', 'Bob'] })
    t.close()
    expect(t.creatorState().phase).toBe('open')
    t.creator.do({ type: 'admit', accountKey: cem.accountKey })
    t.close()
    expect(t.creatorState().phase).toBe('done')
    const records = [t.creator, t.side(bob), t.side(cem)].map(s => s.records)
    expect(records.map(r => r.length)).toEqual([1, 1, 1])
    const shared = records.map(r => ({ ...r[0], self: '' }))
    expect(shared[1]).toEqual(shared[0])
    expect(shared[2]).toEqual(shared[0])
    expect(records.map(r => r[0]?.self)).toEqual([anna, bob, cem].map(p => p.accountKey))
  })

  it('stores the record before the state, and both before anything is sent', () => {
    const t = table(2, [bob])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.close()
    const from = t.side(bob).log.indexOf('wallet')
    expect(t.side(bob).log.slice(from)).toEqual(['wallet', 'store', 'send rosterOk'])
    expect(t.creator.log.filter(l => !l.includes('seats')).slice(-5)).toEqual([
      'sign',
      'wallet',
      'store',
      'send roster',
      'store',
    ])
  })

  it('every message may come twice', () => {
    const t = table(2, [bob])
    for (let i = 0; i < 3; i++) t.connect(bob)
    expect(t.creatorState().joiners).toHaveLength(1)
    for (let i = 0; i < 2; i++) t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.close()
    t.close()
    const before = t.creator.state
    t.connect(bob)
    t.connect(bob)
    expect(t.creator.state).toEqual(before)
    expect(t.side(bob).records).toHaveLength(1)
    expect(t.joinerState(bob).contradicted).toBe(false)
  })

  it('a member that was away at the close gets the roster when he is back', () => {
    const t = table(3, [bob, cem])
    t.connect(bob)
    t.connect(cem)
    for (const p of [bob, cem]) t.creator.do({ type: 'admit', accountKey: p.accountKey })
    t.run()
    t.offline.add(cem.peerId)
    t.close()
    expect(t.creatorState()).toMatchObject({ phase: 'closed', acknowledged: [bob.accountKey] })
    t.offline.clear()
    t.connect(cem)
    expect(t.creatorState().phase).toBe('done')
  })

  it('a reload between the close and its signature goes on', () => {
    const t = table(2, [bob])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    const closing = step(t.creator.state, { type: 'close', groupSecret: GROUP, now: NOW }, verify)
    expect(closing.effects.map(e => e.type)).toEqual(['store', 'sign'])
    t.creator.state = closing.state
    t.creator.do({ type: 'resume' })
    t.run()
    expect(t.creatorState().phase).toBe('done')
  })

  it('works with proofs verified beforehand', async () => {
    const t = table(2, [bob])
    const message: JoinMessage = { type: 'join', draftId: DRAFT, secret: t.invite.secret, entry: bob.entry }
    const claims = draftClaims(t.creator.state, bob.peerId, message)
    expect(claims).toHaveLength(1)
    const next = step(
      t.creator.state,
      { type: 'message', from: bob.peerId, message, now: NOW },
      await preverify(claims, verify),
    )
    expect((next.state as CreatorDraft).joiners).toHaveLength(1)
    expect(draftClaims(t.creator.state, bob.peerId, { ...message, secret: flip(t.invite.secret) })).toEqual([])
  })
})

describe('who does not get a seat', () => {
  const ask = (
    t: ReturnType<typeof table>,
    who: Person,
    change: Partial<Extract<JoinMessage, { type: 'join' }>> = {},
    from = who.peerId,
    now = NOW,
  ) => {
    const before = t.creator.state
    const next = step(
      before,
      {
        type: 'message',
        from,
        message: { type: 'join', draftId: DRAFT, secret: t.invite.secret, entry: who.entry, ...change },
        now,
      },
      verify,
    )
    const sent = next.effects.find(e => e.type === 'send')
    return { answer: sent?.message.type === 'seats' ? sent.message : undefined, changed: next.state !== before }
  }

  it('gets a reason and no name', () => {
    const t = table(2, [bob])
    const refusals = [
      ['unknown', ask(t, bob, { secret: flip(t.invite.secret) })],
      ['unknown', ask(t, bob, { draftId: flip(DRAFT) })],
      ['bad-proof', ask(t, bob, { entry: { ...bob.entry, proof: flip(bob.entry.proof) } })],
      ['bad-proof', ask(t, bob, { entry: { ...bob.entry, name: 'Anna' } })],
      ['bad-proof', ask(t, bob, {}, cem.peerId)],
      ['expired', ask(t, bob, {}, bob.peerId, t.invite.expiresAt)],
      ['duplicate', ask(t, anna, { entry: anna.entryWith({ peerId: bob.peerId }) }, bob.peerId)],
    ] as const
    for (const [state, r] of refusals) expect(r).toMatchObject({ changed: false, answer: { state, seats: [] } })
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    expect(ask(t, cem)).toMatchObject({ changed: false, answer: { state: 'full', seats: [] } })
    t.close()
    expect(ask(t, cem)).toMatchObject({ changed: false, answer: { state: 'closed', seats: [] } })
    expect(ask(t, bob, { secret: flip(t.invite.secret) })).toMatchObject({
      changed: false,
      answer: { state: 'unknown' },
    })
  })

  it('not more than 32 wait for a seat', () => {
    const t = table(100, [])
    const guests = Array.from({ length: LIMITS.draftJoiners + 1 }, (_, i) => person(`Guest ${i}`))
    const last = guests.at(-1)!
    for (const guest of guests.slice(0, -1))
      t.creator.do({
        type: 'message',
        from: guest.peerId,
        message: { type: 'join', draftId: DRAFT, secret: t.invite.secret, entry: guest.entry },
        now: NOW,
      })
    expect(t.creatorState().joiners).toHaveLength(32)
    expect(ask(t, last)).toMatchObject({ changed: false, answer: { state: 'full', seats: [] } })
    // a place is free when one of them has his seat
    t.creator.do({ type: 'admit', accountKey: guests[0]!.accountKey })
    expect(ask(t, last)).toMatchObject({ changed: true, answer: { state: 'waiting' } })
  })

  it('who was removed is told, and stays out', () => {
    const t = table(3, [bob, cem])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.creator.do({ type: 'remove', accountKey: bob.accountKey })
    t.run()
    expect(t.joinerState(bob)).toMatchObject({ phase: 'ended', end: 'removed' })
    expect(ask(t, bob)).toMatchObject({ changed: false, answer: { state: 'removed' } })
    expect(t.creatorState().joiners).toEqual([])
  })

  it('an admitted peer with another entry must be admitted again', () => {
    const t = table(2, [bob])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.run()
    expect(ask(t, bob, { entry: bob.entryWith({ name: 'Robert' }) })).toMatchObject({
      changed: true,
      answer: { state: 'waiting', seats: ['Anna'] },
    })
  })

  it('no more are admitted than there are seats', () => {
    const t = table(2, [bob, cem])
    t.connect(bob)
    t.connect(cem)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.creator.do({ type: 'admit', accountKey: cem.accountKey })
    expect(t.creatorState().joiners.map(j => j.admitted)).toEqual([true, false])
    t.close()
    expect(t.joinerState(cem)).toMatchObject({ phase: 'ended', end: 'closed' })
    expect(t.creatorState().phase).toBe('done')
  })

  it('who had a seat keeps it after the invite expired', () => {
    const t = table(2, [bob])
    t.connect(bob)
    expect(ask(t, bob, {}, bob.peerId, t.invite.expiresAt + 1).answer).toMatchObject({ state: 'waiting' })
  })

  it('who leaves before the close gives the seat back; after it the others are told', () => {
    const t = table(2, [bob, cem])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.run()
    t.side(bob).do({ type: 'leave' })
    t.run()
    expect(t.creatorState().joiners).toEqual([])
    t.connect(cem)
    t.creator.do({ type: 'admit', accountKey: cem.accountKey })
    t.offline.add(cem.peerId)
    t.close()
    t.offline.clear()
    t.creator.do({ type: 'message', from: cem.peerId, message: { type: 'leave', draftId: DRAFT }, now: NOW })
    expect(t.creatorState()).toMatchObject({ phase: 'closed', left: [cem.accountKey] })
  })
})

describe('a joiner', () => {
  /** the roster that the creator would send Bob, by way of a table that closes while Bob's browser is away */
  function rosterFor() {
    const t = table(2, [bob])
    t.connect(bob)
    t.creator.do({ type: 'admit', accountKey: bob.accountKey })
    t.run()
    t.offline.add(bob.peerId)
    t.close()
    const sent = step(t.creator.state, { type: 'connected', peerId: bob.peerId }, verify).effects[0]
    if (sent?.type !== 'send' || sent.message.type !== 'roster') throw new Error('no roster')
    return { t, message: sent.message }
  }

  it('takes a roster from the creator only', () => {
    const { t, message } = rosterFor()
    const before = t.side(bob).state
    expect(step(before, { type: 'message', from: dora.peerId, message, now: NOW }, verify)).toEqual({
      state: before,
      effects: [],
    })
  })

  it('refuses a roster that breaks a rule, says goodbye and says it again', () => {
    const { t, message } = rosterFor()
    const bad = {
      ...message,
      roster: message.roster.map(e => (e.accountKey === bob.accountKey ? bob.entryWith({ name: 'Rob' }) : e)),
    }
    t.side(bob).do({ type: 'message', from: anna.peerId, message: bad, now: NOW })
    expect(t.joinerState(bob)).toMatchObject({ phase: 'ended', end: 'refused', fault: { code: 'own-entry' } })
    expect(t.side(bob).records).toEqual([])
    expect(step(t.side(bob).state, { type: 'connected', peerId: anna.peerId }, verify).effects).toMatchObject([
      { type: 'send', message: { type: 'leave' } },
    ])
    expect(step(t.side(bob).state, { type: 'message', from: anna.peerId, message, now: NOW }, verify).effects).toEqual(
      [],
    )
  })

  it('refuses a second, different roster and keeps it in mind', () => {
    const { t, message } = rosterFor()
    t.offline.clear()
    t.connect(bob)
    expect(t.joinerState(bob)).toMatchObject({ phase: 'done', contradicted: false })
    const other = { ...message, roster: [dora.entry, bob.entry].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1)) }
    const id = t.joinerState(bob).walletId
    t.side(bob).do({ type: 'message', from: anna.peerId, message: other, now: NOW })
    expect(t.joinerState(bob)).toMatchObject({ phase: 'done', contradicted: true, walletId: id })
    expect(t.side(bob).records).toHaveLength(1)
  })

  it('that nobody answered ends when the invite expires; one that was heard waits', () => {
    const t = table(2, [bob])
    t.side(bob).do({ type: 'tick', now: t.invite.expiresAt - 1 })
    expect(t.joinerState(bob)).toMatchObject({ phase: 'asking', heard: false })
    const silent = step(t.side(bob).state, { type: 'tick', now: t.invite.expiresAt }, verify).state
    expect(silent).toMatchObject({ phase: 'ended', end: 'expired' })
    t.connect(bob)
    t.side(bob).do({ type: 'tick', now: t.invite.expiresAt })
    expect(t.joinerState(bob)).toMatchObject({ phase: 'asking', heard: true })
  })
})

describe('whatever happens', () => {
  const people = [bob, cem, dora, person('Eli')]
  const entries = people.flatMap(p => [p.entry, p.entryWith({ name: 'Other' })])
  const state = createDraft(inviteOf(anna, 3), anna.entry)
  const { secret } = state.invite
  const anyEntry = fc.constantFrom(...entries)
  const anyPeer = fc.constantFrom(...people.map(p => p.peerId))
  /** the way to a finished wallet; anything may happen between its steps */
  const script: DraftEvent[] = [
    ...[bob, cem].flatMap((p): DraftEvent[] => [
      { type: 'message', from: p.peerId, message: { type: 'join', draftId: DRAFT, secret, entry: p.entry }, now: NOW },
      { type: 'admit', accountKey: p.accountKey },
    ]),
    { type: 'close', groupSecret: GROUP, now: NOW },
    { type: 'signed', signature: '0f'.repeat(64) },
    ...[bob, cem].map((p): DraftEvent => ({
      type: 'message',
      from: p.peerId,
      message: { type: 'rosterOk', draftId: DRAFT, walletId: 'ok' },
      now: NOW,
    })),
  ]
  const reached = new Set<string>()
  const anyEvent: fc.Arbitrary<DraftEvent> = fc.oneof(
    fc
      .tuple(anyEntry, fc.option(anyPeer), fc.constantFrom(secret, flip(secret)), fc.constantFrom(NOW, NOW + 90_000))
      .map(([entry, from, s, now]): DraftEvent => ({
        type: 'message',
        from: from ?? entry.peerId,
        message: { type: 'join', draftId: DRAFT, secret: s, entry },
        now,
      })),
    fc
      .tuple(fc.constantFrom('admit' as const, 'remove' as const), anyEntry)
      .map(([type, entry]): DraftEvent => ({ type, accountKey: entry.accountKey })),
    anyPeer.map((from): DraftEvent => ({
      type: 'message',
      from,
      message: { type: 'leave', draftId: DRAFT },
      now: NOW,
    })),
    fc.tuple(anyPeer, fc.boolean()).map(([from, right]): DraftEvent => ({
      type: 'message',
      from,
      message: { type: 'rosterOk', draftId: DRAFT, walletId: right ? 'ok' : GROUP },
      now: NOW,
    })),
    anyPeer.map((peerId): DraftEvent => ({ type: 'connected', peerId })),
    fc.constantFrom<DraftEvent>(
      { type: 'close', groupSecret: GROUP, now: NOW },
      { type: 'signed', signature: '0f'.repeat(64) },
      { type: 'resume' },
      { type: 'tick', now: NOW },
    ),
  )

  it('the creator keeps the invariants and every state comes back from storage', () => {
    const story = fc
      .array(fc.array(anyEvent, { maxLength: 2 }), { minLength: script.length, maxLength: script.length })
      .map(noise => script.flatMap((event, k) => [...(noise[k] ?? []), event]))
    fc.assert(
      fc.property(story, events => {
        let now = state
        for (const raw of events) {
          const event =
            raw.type === 'message' && raw.message.type === 'rosterOk' && raw.message.walletId === 'ok'
              ? { ...raw, message: { ...raw.message, walletId: now.made?.walletId ?? GROUP } }
              : raw
          const next = step(now, event, () => true)
          const after = next.state as CreatorDraft
          const seated = after.joiners.filter(j => j.admitted)
          expect(seated.length).toBeLessThan(3)
          expect(new Set(after.joiners.map(j => j.entry.peerId)).size).toBe(after.joiners.length)
          expect(new Set(after.joiners.map(j => j.entry.accountKey)).size).toBe(after.joiners.length)
          expect(after.joiners.filter(j => after.removed.includes(j.entry.peerId))).toEqual([])
          if (after.phase !== 'open') expect(after.made?.roster).toHaveLength(3)
          if (now.made !== undefined) expect({ ...after.made, relayList: 0 }).toEqual({ ...now.made, relayList: 0 })
          for (const effect of next.effects) {
            if (effect.type === 'send') {
              expect(effect.to).not.toBe(anna.peerId)
              encodeFrame('join', effect.message)
              // the group secret goes to members only
              if (effect.message.type === 'roster')
                expect(effect.message.roster.map(e => e.peerId)).toContain(effect.to)
            }
          }
          expect(decodeDraft(encodeDraft(after))).toEqual({ ok: true, value: after })
          reached.add(after.phase)
          now = after
        }
      }),
      { numRuns: 150, seed: 7 },
    )
    expect([...reached].sort()).toEqual(['closed', 'done', 'open', 'sealing'])
  })
})
