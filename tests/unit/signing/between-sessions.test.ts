import { describe, expect, it } from 'vitest'
import { accountKey, Harness, practiceProposal, spendProposal } from '../../fakes/session-harness'
import { decodeSession, encodeSession } from '../../../services/core/signing/runtime/store'
import {
  admit,
  beforeYes,
  changeInUse,
  equivocates,
  forgettable,
  holdsOf,
  inputsOf,
  overlaps,
  replaceable,
  replacedTxids,
  txidOfProposal,
} from '../../../services/core/signing/rules/between-sessions'
import { LIMITS } from '../../../services/core/wire/limits'
import { newSession, type Session } from '../../../services/core/signing/protocol/state'

const ME = 1
/** My session after `play`, for a proposal of its own. */
function sessionOf(named: ReturnType<typeof spendProposal>, play: (h: Harness) => void = () => {}): Session {
  const h = new Harness(3, named)
  h.propose()
  play(h)
  return h.session(ME)
}
const approved = (h: Harness): void => h.approveAll(ME)
const released = (h: Harness): void => {
  h.approveAll(ME)
  h.user(2, 'approve')
  while (h.state(ME) !== 'released') h.next()
}
const salt = (n: number): string => n.toString(16).padStart(2, '0').repeat(32)

describe('what is kept of a proposer who takes back what he proposes', () => {
  const cancelled = (h: Harness): void => {
    h.user(0, 'cancel')
    h.settle()
  }
  const ended = (n: number, play = cancelled): Session => ({
    ...sessionOf(spendProposal({ salt: salt(n % 250) }), play),
    id: `${n}`,
  })

  it('the last ones; what is live, or has something of mine out, stays', () => {
    const one = ended(0)
    expect(one.state).toBe('cancelled')
    const many = Array.from({ length: LIMITS.endedKept + 3 }, (_, i): Session => ({
      ...one,
      id: `${i}`,
      proposal: { ...one.proposal, expiresAt: one.proposal.expiresAt + i },
    }))
    expect(forgettable(many, accountKey(0))).toEqual(['2', '1', '0'])
    expect(forgettable(many, accountKey(2))).toEqual([])
    const live = ended(1, () => {})
    const out = ended(2, released)
    expect(
      forgettable(
        [...many, live, out].map(s => ({
          ...s,
          proposal: { ...s.proposal, expiresAt: s === live || s === out ? 1 : s.proposal.expiresAt },
        })),
        accountKey(0),
      ),
    ).toEqual(['2', '1', '0'])
  })
})

describe('holds', () => {
  it('a proposal holds nothing; my yes does, until it is withdrawn', () => {
    const named = spendProposal()
    expect(holdsOf([sessionOf(named)])).toEqual([])
    expect(holdsOf([sessionOf(named, approved)])).toEqual(
      [0, 1].map(vout => ({ outpoint: `${'11'.repeat(32)}:${vout}`, session: named.sessionId })),
    )
    expect(
      holdsOf([
        sessionOf(named, h => {
          approved(h)
          h.user(ME, 'withdraw')
          h.settle()
        }),
      ]),
    ).toEqual([])
  })
  it('what may still go out holds its coins; what is confirmed does not', () => {
    expect(holdsOf([sessionOf(spendProposal(), released)])).toHaveLength(2)
    expect(
      holdsOf([
        sessionOf(spendProposal(), h => {
          released(h)
          h.chain(ME, { kind: 'confirmed', height: 1, tip: 1 })
        }),
      ]),
    ).toEqual([])
  })
  it('a practice holds nothing', () => {
    const h = new Harness(3, practiceProposal())
    h.propose()
    h.approveAll(ME)
    expect(holdsOf([h.session(ME)])).toEqual([])
  })
})

describe('overlaps', () => {
  const a = spendProposal({ salt: salt(1) })
  const b = spendProposal({ salt: salt(2), inputs: 1 })
  const c = spendProposal({ salt: salt(3), from: '22'.repeat(32) })

  it('are live sessions that share a coin', () => {
    const sessions = [
      sessionOf(a),
      sessionOf(b),
      sessionOf(c),
      sessionOf(spendProposal({ salt: salt(4) }), h => {
        h.user(0, 'cancel')
        h.settle()
      }),
    ]
    expect(overlaps(sessions, a.proposal, a.sessionId).map(s => s.id)).toEqual([b.sessionId])
    expect(inputsOf(c.proposal)).toEqual([`${'22'.repeat(32)}:0`, `${'22'.repeat(32)}:1`])
  })
  it('two live proposals of one proposer for the same coin are equivocation; of two proposers, or one after its cancel, not', () => {
    const mine = [0, 1, 2].map(accountKey)
    const other = newSession(spendProposal({ salt: salt(6), proposer: 2 }), mine, accountKey(ME))
    expect(equivocates([sessionOf(a), sessionOf(b)], a.proposal, a.sessionId)).toBe(true)
    expect(equivocates([sessionOf(a), other, sessionOf(c)], a.proposal, a.sessionId)).toBe(false)
    expect(
      equivocates(
        [
          sessionOf(a),
          sessionOf(b, h => {
            h.user(0, 'cancel')
            h.settle()
          }),
        ],
        a.proposal,
        a.sessionId,
      ),
    ).toBe(false)
  })
  it('a yes first withdraws my yes from another that is not released', () => {
    const mine = sessionOf(b, approved)
    expect(beforeYes([mine], sessionOf(a))).toEqual({ ok: true, value: [mine] })
    expect(beforeYes([sessionOf(b)], sessionOf(a))).toEqual({ ok: true, value: [] })
  })
  it('a payment whose signatures are known forbids another yes to its coins, unless that one replaces it', () => {
    const sent = sessionOf(b, h => {
      approved(h)
      h.approveAll(2)
    })
    expect(beforeYes([sent], sessionOf(a))).toEqual({
      ok: false,
      error: { code: 'may-still-go-out', session: b.sessionId },
    })
    expect(beforeYes([sent], sessionOf(spendProposal({ salt: salt(5), replaces: sent.signed?.txid })))).toMatchObject({
      ok: true,
      value: [],
    })
  })
  it('a yes to what replaces my own payment takes nothing back from that, even while I do not know yet that it is signed', () => {
    // a new computer that has heard the votes, and not yet the signatures: the payment is out
    const heard = sessionOf(b, approved)
    expect(
      beforeYes([heard], sessionOf(spendProposal({ salt: salt(5), replaces: txidOfProposal(heard.proposal)! }))),
    ).toEqual({ ok: true, value: [] })
  })
  it("a payment that has my part but not everybody's does not: both spend one coin, so both can never be mined", () => {
    const out = sessionOf(b, released)
    expect(out.state).toBe('released')
    expect(beforeYes([out], sessionOf(a))).toEqual({ ok: true, value: [] })
    expect(holdsOf([out]).length, 'its coins stay held against everything else').toBeGreaterThan(0)
  })
})

describe('one payment in the place of another', () => {
  const sent = (h: Harness): void => {
    approved(h)
    h.approveAll(2)
  }
  const withChange = (s: Session, index: number): Session => ({
    ...s,
    proposal: { ...s.proposal, ownOutputs: [{ vout: 0, branch: 1, index }] } as Session['proposal'],
  })
  /** three rounds for the same two coins: each spends them, with another amount */
  const first = sessionOf(spendProposal({ salt: salt(1) }), sent)
  const firstId = txidOfProposal(first.proposal)!
  const second = sessionOf(spendProposal({ salt: salt(2), sats: 9_000n, replaces: firstId }), sent)
  const secondId = txidOfProposal(second.proposal)!
  const third = spendProposal({ salt: salt(3), sats: 8_000n, proposer: 2, replaces: secondId })
  const child = spendProposal({ salt: salt(4), from: firstId, inputs: 1 })

  it('takes the place of what that one has replaced too: all of them let it through', () => {
    expect([...replacedTxids([first, second], third.proposal)]).toEqual([secondId, firstId])
    expect(beforeYes([first, second], newSession(third, [0, 1, 2].map(accountKey), accountKey(ME)))).toEqual({
      ok: true,
      value: [],
    })
    // one that names the first alone would go beside the second
    expect(
      beforeYes([first, second], sessionOf(spendProposal({ salt: salt(5), sats: 7_000n, replaces: firstId }))),
    ).toEqual({ ok: false, error: { code: 'may-still-go-out', session: second.id } })
    expect([...replacedTxids([second], spendProposal({ replaces: secondId }).proposal)], 'known only by name').toEqual([
      secondId,
      firstId,
    ])
    expect(replacedTxids([first, second], first.proposal).size).toBe(0)
  })

  it('is a row that nobody can forge by a proposal of his own for a payment that is out', () => {
    const other = 'ee'.repeat(32)
    const forged = newSession(
      spendProposal({ salt: salt(7), proposer: 2, replaces: other }),
      [0, 1, 2].map(accountKey),
      accountKey(ME),
    )
    expect(txidOfProposal(forged.proposal)).toBe(firstId)
    for (const all of [
      [first, forged],
      [forged, first],
    ])
      expect([...replacedTxids(all, second.proposal)]).toEqual([firstId])
  })

  it('who bumps his own payment says nothing different to different members', () => {
    const signing = { ...first, state: 'signing' as const }
    expect(equivocates([signing], second.proposal, second.id)).toBe(false)
    expect(
      equivocates(
        [first, sessionOf(spendProposal({ salt: salt(6), sats: 9_500n, replaces: firstId }))],
        second.proposal,
        second.id,
      ),
    ).toBe(true)
  })

  it('the change of what it replaces is held with its coins, and its place is free for the other', () => {
    const old = withChange(first, 4)
    expect(holdsOf([old, second]).filter(h => h.outpoint.startsWith(firstId))).toEqual([
      { outpoint: `${firstId}:0`, session: second.id },
    ])
    expect(
      holdsOf([old, newSession(third, [0, 1, 2].map(accountKey), accountKey(ME))]).filter(h =>
        h.outpoint.startsWith(firstId),
      ),
      'a proposal by itself holds nothing',
    ).toEqual([])
    expect([...changeInUse([old], second)]).toEqual([])
  })

  it('what is built on the earlier payment and what replaces it are one or the other', () => {
    const built = sessionOf(child, approved)
    expect(
      overlaps([first, built], second.proposal, second.id)
        .map(s => s.id)
        .sort(),
    ).toEqual([first.id, built.id].sort())
    expect(overlaps([first, second], child.proposal, child.sessionId).map(s => s.id)).toEqual([second.id])
    expect(
      beforeYes([first, built], sessionOf(spendProposal({ salt: salt(2), sats: 9_000n, replaces: firstId }))),
    ).toEqual({ ok: true, value: [built] })
    const out = sessionOf(child, sent)
    expect(
      beforeYes([first, out], sessionOf(spendProposal({ salt: salt(2), sats: 9_000n, replaces: firstId }))),
    ).toMatchObject({ ok: false, error: { session: out.id } })
  })

  it('may be proposed when it is sent, nothing is built on it and nothing else is to take its place', () => {
    expect(replaceable([first], first)).toEqual({ ok: true, value: undefined })
    expect(replaceable([first, second], second)).toEqual({ ok: true, value: undefined })
    expect(replaceable([first, second], first)).toEqual({ ok: false, error: 'being-replaced' })
    expect(replaceable([first, sessionOf(child, approved)], first)).toEqual({ ok: false, error: 'built-on' })
    for (const play of [approved, released])
      expect(replaceable([], sessionOf(spendProposal(), play))).toEqual({ ok: false, error: 'not-sent' })
    expect(replaceable([], { ...first, state: 'confirmed' })).toEqual({ ok: false, error: 'not-sent' })
  })
})

describe('admission', () => {
  it('16 live sessions per wallet, 4 undecided of one proposer', () => {
    const make = (n: number, proposer: number): Session =>
      newSession(spendProposal({ salt: salt(n), proposer }), [0, 1, 2].map(accountKey), accountKey(ME))
    const four = [1, 2, 3, 4].map(n => make(n, 0))
    expect(admit(four.slice(1), accountKey(0)).ok).toBe(true)
    expect(admit(four, accountKey(0))).toEqual({ ok: false, error: 'too-many-undecided' })
    expect(admit(four, accountKey(2)).ok).toBe(true)
    const sixteen = Array.from({ length: 16 }, (_, n) => make(n, n % 3))
    expect(admit(sixteen, accountKey(2))).toEqual({ ok: false, error: 'too-many-live' })
  })
  it('change places of live sessions are taken', () => {
    const s = sessionOf(spendProposal())
    if (s.proposal.kind !== 'spend') throw new Error('not a spend')
    const withChange: Session = { ...s, proposal: { ...s.proposal, ownOutputs: [{ vout: 0, branch: 1, index: 7 }] } }
    expect([...changeInUse([withChange])]).toEqual(['1/7'])
    expect([...changeInUse([withChange], s)]).toEqual([])
    // to another proposal under check it is taken only once I said yes to it
    const other = sessionOf(spendProposal({ salt: salt(9), from: '22'.repeat(32) }))
    expect([...changeInUse([withChange], other)]).toEqual([])
    const yes = { ...sessionOf(spendProposal(), approved), proposal: withChange.proposal }
    expect([...changeInUse([yes], other)]).toEqual(['1/7'])
    // of two that spend one coin at most one is mined: neither takes a place from the other
    expect([...changeInUse([yes], sessionOf(spendProposal({ salt: salt(9) })))]).toEqual([])
  })
})

describe('a session at rest', () => {
  it('holds nothing of the run and no secret, and reads back in every state', () => {
    for (const play of [() => {}, approved, released]) {
      const s = sessionOf(spendProposal(), play)
      const back = decodeSession(encodeSession(s))
      expect(back.ok && back.value).toMatchObject({
        state: s.state,
        votes: s.votes,
        released: s.released,
        live: undefined,
        connected: [],
      })
    }
  })
  it('any damage gives a typed error, never an exception', () => {
    const bytes = encodeSession(sessionOf(spendProposal(), released))
    for (let i = 0; i < bytes.length; i += 7) {
      const bad = bytes.slice()
      bad[i] = (bad[i] ?? 0) ^ 0x55
      expect(() => decodeSession(bad)).not.toThrow()
    }
    expect(decodeSession(bytes.slice(0, 100)).ok).toBe(false)
    expect(decodeSession(new Uint8Array()).ok).toBe(false)
  })
})
