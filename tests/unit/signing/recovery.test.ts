import { describe, expect, it } from 'vitest'
import {
  accountKey,
  Harness,
  practiceProposal,
  ready,
  spendProposal,
  START,
  weather,
} from '../../fakes/session-harness'
import type { SessionState } from '../../../services/core/domain/signing-state'
import { sessionView } from '../../../services/core/signing/rules/progress'
import { allYes, isBody } from '../../../services/core/signing/protocol/state'
import { TRANSITIONS } from '../../../services/core/signing/protocol/table'

const DONE: ReadonlyArray<SessionState | undefined> = ['signed', 'broadcast', 'confirmed']
const done = (h: Harness): boolean => h.states().every(s => DONE.includes(s))

const stepsOf = (): number => {
  const h = ready()
  let k = 0
  while (h.next()) k++
  return k
}

describe('reload', () => {
  it.each([0, 1, 2])(
    'of member %i after every single step: the session completes and no approval is asked again',
    who => {
      const total = stepsOf()
      // the wire and the clock are the same for all k: only the moment of the reload differs
      for (let k = 0; k <= total; k++) {
        const h = ready()
        for (let i = 0; i < k; i++) h.next()
        const voted = h.sent('vote', 2).length > 0
        h.reload(who)
        h.settle()
        if (!voted) h.approveAll(2)
        h.advance(120_000)
        expect(done(h), `step ${k}: ${h.states().join()}`).toBe(true)
        expect(h.session(who).votes[who === 0 ? 1 : who]?.body.choice).toBe('yes')
      }
    },
  )

  it('of everybody at once, at every step', () => {
    const total = stepsOf()
    for (let k = 0; k <= total; k += 2) {
      const h = ready()
      for (let i = 0; i < k; i++) h.next()
      for (const m of [0, 1, 2]) h.close(m)
      for (const m of [2, 0, 1]) h.open(m)
      h.settle()
      if (sessionView(h.session(2), h.now).canApprove) h.approveAll(2)
      h.advance(120_000)
      expect(done(h), `step ${k}: ${h.states().join()}`).toBe(true)
    }
  })

  it.each([0, 1, 2])(
    'page hide of member %i after every single step: another attempt with other nonces, without a person',
    who => {
      const total = stepsOf()
      let again = 0
      for (let k = 0; k <= total; k++) {
        const h = ready()
        for (let i = 0; i < k; i++) h.next()
        h.hide(who)
        h.settle()
        h.advance(60_000)
        expect(done(h), `step ${k}: ${h.states().join()}`).toBe(true)
        if (h.sent('begin').length > 2) again++
      }
      expect(again).toBeGreaterThan(0)
    },
  )

  it('a member who was away gets the proposal, the votes and the end', () => {
    const h = new Harness()
    h.setOnline(2, false)
    h.propose()
    h.approveAll(1)
    expect(h.state(2)).toBeUndefined()
    h.setOnline(2, true)
    h.settle()
    expect(h.state(2)).toBe('proposed')
    expect(sessionView(h.session(2), h.now).members.map(m => m.vote)).toEqual(['yes', 'yes', undefined])
    h.setOnline(2, false)
    h.user(0, 'cancel')
    h.settle()
    expect(h.state(2)).toBe('proposed')
    h.setOnline(2, true)
    h.settle()
    expect(h.state(2)).toBe('cancelled')
  })

  it('a proposal that was sent to one member only reaches the others through him, before any vote', () => {
    const h = new Harness()
    h.tamper = (message, from, to) => (from === 0 && to === 2 ? undefined : message)
    h.propose()
    expect(h.sent('vote')).toEqual([])
    expect(h.state(2)).toBe('proposed')
  })

  // only the sender sees that his own stream ended, with what was under way on it: the other side still sends on its
  // own
  it.each([
    ['a vote', 2, 0, 'vote', () => ready()],
    ['a begin', 0, 2, 'begin', () => ready()],
    ['a pubnonces', 2, 0, 'pubnonces', () => ready()],
    ['a nonces', 0, 2, 'nonces', () => ready()],
    ['a partials', 2, 0, 'partials', () => ready()],
    ['a final', 0, 2, 'final', () => ready()],
  ] as const)(
    '%s that was lost with the stream of its sender alone is said again as soon as he has a new one',
    (_name, sender, receiver, type, make) => {
      const h = make()
      let lost = false
      h.tamper = (message, from, to) => {
        if (lost || from !== sender || to !== receiver || message.body.type !== type) return message
        lost = true
        return undefined
      }
      h.settle()
      expect(lost).toBe(true)
      h.feed(sender, { type: 'peers', connected: h.peersOf(sender).filter(m => m !== receiver) })
      h.feed(sender, { type: 'peers', connected: h.peersOf(sender) })
      // an attempt that a hub breaks off is followed by the next one, backed off
      h.advance(5_000)
      expect(done(h), h.states().join()).toBe(true)
    },
  )

  it('a member who missed `final` gets it from any other', () => {
    const h = ready()
    while (h.state(2) !== 'released') h.next()
    while (!h.session(0).released || h.session(0).live?.hub?.step !== 'finalizing') h.next()
    h.setOnline(2, false)
    h.settle()
    expect(DONE).toContain(h.state(1))
    h.close(0)
    h.setOnline(2, true)
    h.settle()
    expect(h.state(2)).toBe('signed')
  })
})

describe('the hub', () => {
  it('is replaced by the lowest connected member after 30 s, when it does nothing', () => {
    const h = new Harness()
    h.propose()
    // the proposer never begins: its `begin` is swallowed
    h.tamper = (message, from) => (from === 0 && message.body.type === 'begin' ? undefined : message)
    h.approveAll(1, 2)
    h.advance(29_000)
    expect(h.sent('begin')).toEqual([])
    h.advance(60_000)
    expect(h.sent('begin').every(b => b.sender === accountKey(1))).toBe(true)
    expect(done(h)).toBe(true)
  })

  it('is replaced when one co-signer cannot reach it, and the signature goes through the one who reaches both', () => {
    const h = new Harness()
    h.propose()
    h.cut.add('0-2')
    h.tellPeers()
    h.approveAll(1)
    // its proposal reaches 2 through 1: votes and proposals are passed on as they were signed
    h.settle()
    h.advance(120_000)
    h.approveAll(2)
    h.advance(240_000)
    expect(h.sent('begin').length).toBeGreaterThan(0)
    expect(h.sent('begin').every(b => b.sender === accountKey(1))).toBe(true)
    expect(done(h)).toBe(true)
  })

  it('a tie of attempts goes to the lower index, and all end in one', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (message, from) =>
      from === 0 && message.body.type === 'begin' && message.attempt?.counter === 1 ? undefined : message
    h.approveAll(1, 2)
    h.user(2, 'retry')
    h.user(1, 'retry')
    h.settle()
    h.advance(60_000)
    expect(done(h)).toBe(true)
    expect(h.offences).toEqual([])
  })

  it('gives up a silent member after 20 s and tries five more times, then asks a person', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (message, from) => (from === 2 && message.body.type === 'pubnonces' ? undefined : message)
    h.approveAll(1, 2)
    h.advance(600_000)
    expect(h.session(0).seen).toBe(6)
    expect(sessionView(h.session(0), h.now)).toMatchObject({ state: 'signing', canRetry: true })
    h.tamper = m => m
    h.user(0, 'retry')
    h.settle()
    expect(done(h)).toBe(true)
  })

  it('never begins a 33rd attempt', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (message, from) => (from === 2 && message.body.type === 'pubnonces' ? undefined : message)
    h.approveAll(1, 2)
    for (let i = 0; i < 40; i++) {
      h.advance(100_000)
      h.user(0, 'retry')
    }
    h.advance(100_000)
    expect(h.session(0).seen).toBe(32)
    expect(sessionView(h.session(0), h.now).canRetry).toBe(false)
  })

  it('a counter that jumps ahead is not believed before sync shows it', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.inject(2, 1, h.forge(2, { type: 'begin', digest: h.named.digest }, { counter: 9, hub: 2 }))
    h.settle()
    expect(h.session(1).live).toBeUndefined()
    expect(h.session(1).last).toBeUndefined()
  })
})

describe('spoiled attempts', () => {
  it('a wrong partial names its member, with signed evidence for all, and the next attempt can succeed', () => {
    const h = new Harness()
    h.propose()
    h.node(2).signsWrongly = true
    h.approveAll(1, 2)
    expect(h.session(0).lastFailure).toMatchObject({ code: 'partial-invalid', culprit: 2, input: 0, proven: true })
    expect(h.session(1).lastFailure).toMatchObject({ code: 'partial-invalid', culprit: 2, proven: true })
    const fail = h.sent('fail', 0)[0]
    expect(fail?.body.type === 'fail' && fail.body.evidence.length).toBe(3)
    expect(h.offences.map(o => o.member)).toEqual([2])
    expect(h.states()).toEqual(['released', 'released', 'released'])
    h.node(2).signsWrongly = false
    h.advance(30_000)
    expect(done(h)).toBe(true)
  })

  it('a hub that leaves out my nonce gets no partial from me', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (message, from, to) =>
      from === 0 && to === 1 && message.body.type === 'nonces'
        ? {
            ...message,
            body: {
              ...message.body,
              hashes: message.body.hashes.map((hash, i) => (i === 1 ? new Uint8Array(32) : hash)),
            },
          }
        : message
    h.approveAll(1, 2)
    expect(h.sent('partials', 1)).toEqual([])
    expect(h.state(1)).toBe('signing')
    expect(h.sent('fail', 1).some(f => f.body.type === 'fail' && f.body.code === 'nonces-without-mine')).toBe(true)
  })

  it('a final with a wrong signature is an offence and changes nothing', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.inject(
      2,
      1,
      h.forge(2, { type: 'final', digest: h.named.digest, signatures: [new Uint8Array(64), new Uint8Array(64)] }),
    )
    h.settle()
    expect(h.state(1)).toBe('proposed')
    expect(h.offences).toEqual([{ by: 1, member: 2, code: 'final-invalid' }])
  })

  it('messages that fit no state are offences; old and repeated ones are not', () => {
    const h = ready()
    h.settle()
    const d = h.named.digest
    for (const w of [...h.wire]) h.inject(w.from, w.to, w.message)
    h.settle()
    expect(h.offences).toEqual([])
    const fresh = new Harness()
    fresh.propose()
    fresh.inject(2, 1, fresh.forge(2, { type: 'vote', digest: '00'.repeat(32), choice: 'yes' }))
    fresh.inject(2, 1, fresh.forge(2, { type: 'begin', digest: d }, { counter: 1, hub: 0 }))
    fresh.inject(2, 1, fresh.forge(2, { type: 'begin', digest: d }))
    fresh.settle()
    expect(fresh.offences.map(o => o.code)).toEqual(['digest', 'begin-malformed', 'attempt-malformed'])
  })

  it('a check that turns wrong before the nonces stops the attempts until a person asks', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.node(1).verdict = { kind: 'wrong', rule: 'input-spent', input: 0 }
    h.approveAll(2)
    h.advance(300_000)
    expect(h.session(0).seen).toBe(1)
    expect(h.session(0).lastFailure).toMatchObject({ code: 'check:input-spent', by: 1 })
    expect(h.sent('pubnonces', 1)).toEqual([])
  })
})

describe('lock', () => {
  it('burns no attempt: the others are told, and the session goes on after unlock', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.feed(1, { type: 'locked' })
    h.node(1).locked = false
    h.settle()
    h.node(1).locked = true
    expect(sessionView(h.session(0), h.now).members[1]?.locked).toBe(true)
    h.approveAll(2)
    h.advance(50_000)
    expect(h.sent('begin')).toEqual([])
    h.node(1).locked = false
    h.feed(1, { type: 'unlocked' })
    h.settle()
    expect(done(h)).toBe(true)
  })
})

describe('bad weather', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'lost, doubled and reordered messages: it completes (seed %i)',
    seed => {
      const h = new Harness(3, spendProposal(), weather(seed, 0.15, 0.2, 0.3))
      h.propose()
      for (let round = 0; round < 40 && !done(h); round++) {
        for (const m of [1, 2])
          if (h.node(m).session && sessionView(h.session(m), h.now).canApprove) h.user(m, 'approve')
        h.advance(61_000)
        if (round % 5 === 4) {
          // connections come and go, as they do
          h.setOnline(1 + (round % 2), false)
          h.setOnline(1 + (round % 2), true)
          if (h.nodes[0]?.session && sessionView(h.session(0), h.now).canRetry) h.user(0, 'retry')
        }
      }
      expect(
        h.states().every(s => DONE.includes(s)),
        h.states().join(),
      ).toBe(true)
      expect(h.offences).toEqual([])
    },
  )

  it.each([21, 22, 23, 24, 25, 26])('a decline reaches everybody (seed %i)', seed => {
    const h = new Harness(3, spendProposal(), weather(seed, 0.2, 0.2, 0.3))
    h.propose()
    for (let i = 0; i < 20 && !h.node(2).session; i++) h.advance(61_000)
    h.user(2, 'decline')
    for (let i = 0; i < 20 && h.states().some(s => s !== 'declined'); i++) h.advance(61_000)
    // who never heard of it has nothing to end
    expect([h.state(0), h.state(2)]).toEqual(['declined', 'declined'])
    expect(['declined', undefined]).toContain(h.state(1))
  })

  it('sync comes to rest: no ping-pong on a quiet network', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.setOnline(1, false)
    h.setOnline(1, true)
    h.settle()
    const before = h.wire.length
    h.advance(59_000)
    expect(h.wire.length).toBe(before)
    h.advance(60_000)
    // one minute: each asks each, each answers
    expect(h.wire.length - before).toBeLessThanOrEqual(12 * 2)
  })
})

describe('a computer that knows less than the world', () => {
  /**
   * Signed by all; then this member is back where he had heard every yes and nothing of the signatures, alone, and
   * calls the payment off.
   */
  function calledOff(who: 0 | 1): Harness {
    const h = ready()
    while (!allYes(h.session(who))) h.next()
    const before = h.node(who).stored
    h.settle()
    expect(done(h)).toBe(true)
    h.close(who)
    h.node(who).stored = before
    h.open(who)
    h.setOnline(who, false)
    h.settle()
    h.user(who, who === 0 ? 'cancel' : 'withdraw')
    h.settle()
    expect(h.state(who)).toBe(who === 0 ? 'cancelled' : 'withdrawn')
    h.node(who).log.length = 0
    return h
  }
  const holds = (h: Harness, m: number) =>
    h
      .node(m)
      .log.filter(e => e.type === 'holds')
      .map(e => e.held)

  it.each([0, 1] as const)(
    'member %i has called off what was signed: who has the signatures shows them to him when they meet',
    who => {
      const h = calledOff(who)
      h.setOnline(who, true)
      h.settle()
      expect(h.state(who)).toBe('signed')
      expect(h.session(who).end).toBeUndefined()
      expect(holds(h, who), 'its coins are held again').toEqual([true])
      expect(h.offences).toEqual([])
      h.advance(60_000)
      expect(done(h)).toBe(true)
    },
  )

  /** the signed word by which this member ended it */
  const wordOf = (h: Harness, who: 0 | 1) => (who === 0 ? h.session(0).cancel! : h.session(1).votes[1]!)
  /** one who has the signatures */
  const KEEPER = 2
  function meetWithoutAWord(h: Harness, who: 0 | 1): void {
    h.tamper = m => (isBody(m, 'sync') ? undefined : m)
    h.setOnline(who, true)
    h.settle()
    expect(h.state(who)).toBe(who === 0 ? 'cancelled' : 'withdrawn')
  }

  it.each(
    (['signed', 'broadcast', 'confirmed'] as const).flatMap(state =>
      ([0, 1] as const).map(who => [state, who] as const),
    ),
  )('... and at once when it is %s and member %i says so', (state, who) => {
    const h = calledOff(who)
    if (state === 'broadcast') h.chain(KEEPER, { kind: 'seen' })
    if (state === 'confirmed') h.chain(KEEPER, { kind: 'confirmed', height: 5, tip: 5 })
    expect(h.state(KEEPER)).toBe(state)
    meetWithoutAWord(h, who)
    h.inject(who, KEEPER, wordOf(h, who))
    h.settle()
    expect(h.state(who)).toBe('signed')
  })

  it.each([0, 1] as const)(
    '... but not when another brings his word, which would make one member flood another',
    who => {
      const h = calledOff(who)
      meetWithoutAWord(h, who)
      for (let i = 0; i < 3; i++) h.inject(1 - who, KEEPER, wordOf(h, who))
      h.settle()
      expect(h.sent('final', KEEPER)).toHaveLength(0)
    },
  )

  it('... nor when another payment has taken its place: the end that he gave it is right', () => {
    const h = calledOff(0)
    for (const m of [1, 2]) h.chain(m, { kind: 'conflict', txid: 'cc'.repeat(32), replacement: true })
    h.setOnline(0, true)
    h.settle()
    h.inject(0, KEEPER, wordOf(h, 0))
    h.inject(
      0,
      KEEPER,
      h.forge(0, { type: 'sync', digest: h.named.digest, state: 'cancelled', have: [], locked: false, reply: true }),
    )
    h.settle()
    expect(h.states()).toEqual(['cancelled', 'replaced', 'replaced'])
  })

  it('what ended by the clock comes back as well, though there is no word to answer', () => {
    const h = new Harness(3, spendProposal({ expiresAt: START / 1000 + 600 }))
    h.propose()
    h.approveAll(1)
    const before = h.node(1).stored
    h.approveAll(2)
    expect(done(h)).toBe(true)
    h.close(1)
    h.node(1).stored = before
    for (const pair of ['0-1', '1-2']) h.cut.add(pair)
    h.open(1)
    h.advance(700_000)
    expect(h.state(1)).toBe('expired')
    h.cut.clear()
    h.tellPeers()
    h.settle()
    expect(h.state(1)).toBe('signed')
  })

  it('who has lost everything is told the signatures, and not the end that they undo', () => {
    const h = calledOff(1)
    h.setOnline(1, true)
    h.settle()
    expect(h.session(0).votes[1]?.body.choice).toBe('withdraw')
    h.close(1)
    h.node(1).stored = undefined
    h.node(1).states.length = 0
    h.open(1)
    h.advance(60_000)
    expect(h.node(1).states).not.toContain('withdrawn')
    expect(done(h)).toBe(true)
  })

  it('nothing but signatures is heard by what was called off, and a practice text not even those', () => {
    for (const named of [spendProposal(), practiceProposal()]) {
      const h = new Harness(3, named)
      h.propose()
      h.user(1, 'decline')
      h.settle()
      const before = h.session(1)
      h.inject(0, 1, h.forge(0, { type: 'begin', digest: named.digest }, { counter: 1, hub: 0 }))
      h.inject(2, 1, h.forge(2, { type: 'vote', digest: named.digest, choice: 'yes' }))
      if (named.proposal.kind === 'practice')
        h.inject(2, 1, h.forge(2, { type: 'final', digest: named.digest, signatures: h.signatures() }))
      h.settle()
      expect(h.session(1)).toMatchObject({
        state: 'declined',
        last: before.last,
        votes: before.votes,
        signed: undefined,
      })
      expect(h.offences).toEqual([])
    }
  })

  it('the chain shows them to him as well; what does not verify changes nothing, from a server or from a member', () => {
    const h = calledOff(1)
    const wrong = h.signatures().map(() => new Uint8Array(64).fill(1))
    h.chain(1, { kind: 'confirmed', height: 5, tip: 5 })
    h.chain(1, { kind: 'confirmed', height: 5, tip: 5, raw: h.rawWith(wrong) })
    h.settle()
    expect(h.state(1)).toBe('withdrawn')
    expect(h.offences).toEqual([])
    h.feed(1, {
      type: 'message',
      from: 2,
      message: h.forge(2, { type: 'final', digest: h.named.digest, signatures: wrong }),
    })
    h.settle()
    expect(h.state(1)).toBe('withdrawn')
    expect(h.offences).toEqual([{ by: 1, member: 2, code: 'final-invalid' }])
    h.chain(1, { kind: 'confirmed', height: 5, tip: 5, raw: h.rawWith(h.signatures()) })
    h.settle()
    expect(h.state(1)).toBe('signed')
    h.chain(1, { kind: 'confirmed', height: 5, tip: 5 })
    expect(h.state(1)).toBe('confirmed')
    expect(holds(h, 1)).toEqual([true, false])
  })
})

describe('the table', () => {
  it('leaves the ends before released for signatures that verify, and for nothing else', () => {
    for (const state of ['declined', 'withdrawn', 'cancelled', 'expired', 'failed'] as const)
      expect(TRANSITIONS[state]).toEqual(['signed'])
  })
  it('reaches them only from proposed and signing', () => {
    for (const end of ['declined', 'withdrawn', 'cancelled', 'failed'] as const) {
      expect(
        Object.entries(TRANSITIONS)
          .filter(([, to]) => to.includes(end))
          .map(([from]) => from),
      ).toEqual(['proposed', 'signing'])
    }
  })
  it('starts at a fixed time', () => expect(new Harness().now).toBe(START))
})
