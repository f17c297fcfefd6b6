import { describe, expect, it } from 'vitest'
import { accountKey, Harness, practiceProposal, ready, spendProposal, START } from '../../fakes/session-harness'
import { holdsCoins, isBody } from '../../../services/core/signing/protocol/state'
import { sessionView } from '../../../services/core/signing/rules/progress'

/** Proposed by 0, approved by all: the signature is made and broadcast. */
function complete(h = new Harness()): Harness {
  h.propose()
  h.approveAll(...h.nodes.map((_, m) => m).filter(m => m !== 0))
  return h
}

describe('the happy path', () => {
  it('takes two round trips after the last yes and ends on the chain', () => {
    const h = new Harness()
    h.checkPurity = true
    complete(h)
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
    expect(h.broadcasts.map(b => b.by)).toEqual([0])
    // per co-signer: propose, its vote and the others' votes, begin, pubnonces, nonces, partials, final
    expect(h.sent('begin')).toHaveLength(2)
    expect(h.sent('pubnonces')).toHaveLength(2)
    expect(h.sent('nonces')).toHaveLength(2)
    expect(h.sent('partials')).toHaveLength(2)
    expect(h.sent('final')).toHaveLength(2)
    expect(h.sent('fail')).toHaveLength(0)
    expect(h.offences).toEqual([])
    for (const m of [0, 1, 2]) h.chain(m, { kind: 'seen' })
    expect(h.states()).toEqual(['broadcast', 'broadcast', 'broadcast'])
    for (const m of [0, 1, 2]) h.chain(m, { kind: 'confirmed', height: 10, tip: 12 })
    expect(h.states()).toEqual(['confirmed', 'confirmed', 'confirmed'])
    expect(sessionView(h.session(1), h.now).confirmations).toBe(3)
  })

  it('runs the full check before the yes, before pubnonces and before partials', () => {
    const h = complete()
    for (const m of [0, 1, 2]) {
      expect(h.asked(m, 'approve')).toBe(1)
      expect(h.asked(m, 'nonces')).toBe(1)
      expect(h.asked(m, 'partials')).toBe(1)
    }
    expect(h.asked(1, 'show')).toBe(1)
  })

  it.each([2, 3, 7])('works for %i members', n => {
    const h = complete(new Harness(n))
    expect(
      h
        .states()
        .slice(1)
        .every(s => s === 'signed'),
    ).toBe(true)
    expect(h.state(0)).toBe('broadcast')
  })

  it('co-signers broadcast too when the transaction is not seen in 30 s', () => {
    const h = complete()
    h.advance(29_000)
    expect(h.broadcasts.map(b => b.by)).toEqual([0])
    h.chain(1, { kind: 'seen' })
    h.advance(2_000)
    expect(h.broadcasts.map(b => b.by)).toEqual([0, 2])
  })

  it('a practice text ends with its signature and is never broadcast', () => {
    const h = complete(new Harness(3, practiceProposal()))
    expect(h.states()).toEqual(['confirmed', 'confirmed', 'confirmed'])
    expect(h.broadcasts).toEqual([])
  })

  it('shows who has voted, sent nonces and signed', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    const view = sessionView(h.session(0), h.now)
    expect(view.members.map(m => m.vote)).toEqual(['yes', 'yes', undefined])
    expect(view).toMatchObject({
      canCancel: true,
      canApprove: false,
      canWithdraw: false,
      mayStillGoOut: false,
      mine: true,
    })
    expect(sessionView(h.session(1), h.now)).toMatchObject({ canWithdraw: true, canDecline: false })
    expect(sessionView(h.session(2), h.now)).toMatchObject({ canApprove: true, canDecline: true, canCancel: false })
  })
})

describe('what one member can make of the words of another', () => {
  it('a question about a digest that another made up is not held against who asked', () => {
    const h = new Harness()
    h.tamper = (m, from, to) => (m.body.type === 'propose' && to === 2 ? undefined : m)
    h.propose()
    // 1 names a session that 2 does not know, with a false digest, and passes its question on to 0
    h.inject(1, 2, h.forge(1, { type: 'vote', digest: 'ee'.repeat(32), choice: 'yes' }))
    h.settle()
    const question = h.sent('sync', 2).find(m => m.body.type === 'sync' && m.body.digest === 'ee'.repeat(32))!
    expect(question).toBeDefined()
    h.inject(1, 0, question)
    h.settle()
    expect(h.offences.filter(o => o.member === 2)).toEqual([])
  })

  it('a member that makes other nonces for one attempt has lost the first: the attempt is over, he is accused of nothing, and the next completes', () => {
    const h = ready()
    while (h.sent('pubnonces', 2).length === 0) h.next()
    const [begin] = h.sent('begin').filter(m => m.attempt?.counter === 1)
    while (h.session(0).live?.hub?.pubnonces[2] === undefined) h.next()
    const other = h.forge(
      2,
      {
        type: 'pubnonces',
        digest: h.named.digest,
        pubnonces: [new Uint8Array(66).fill(2), new Uint8Array(66).fill(2)],
      },
      begin!.attempt,
    )
    h.feed(0, { type: 'message', from: 2, message: other })
    expect(h.session(0).live).toBeUndefined()
    expect(h.session(0).lastFailure).toMatchObject({ code: 'nonces-gone', by: 2, culprit: undefined })
    h.settle()
    expect(h.session(2).live, 'he hears it too').toBeUndefined()
    h.advance(10_000)
    expect(h.offences).toEqual([])
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
  })

  it('... unless his part is in already: that one counts', () => {
    const h = ready()
    while (h.session(0).live?.hub?.partials[2] === undefined) h.next()
    const other = h.forge(
      2,
      {
        type: 'pubnonces',
        digest: h.named.digest,
        pubnonces: [new Uint8Array(66).fill(2), new Uint8Array(66).fill(2)],
      },
      h.session(0).live?.name,
    )
    h.feed(0, { type: 'message', from: 2, message: other })
    h.settle()
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
    expect(h.session(0).seen).toBe(1)
  })

  it('a hub that begins one attempt a second time has lost what it knew: it is told what is newer, gets nothing, and is accused of nothing', () => {
    const h = new Harness()
    h.propose()
    h.cut.add('0-2')
    h.tellPeers()
    h.settle()
    h.approveAll(1)
    const begin = h.forge(0, { type: 'begin', digest: h.named.digest }, { counter: 1, hub: 0 })
    h.inject(0, 1, begin)
    h.settle()
    expect(h.sent('pubnonces', 1)).toHaveLength(1)
    // the same bytes again: lost on the way
    h.inject(0, 1, begin)
    h.settle()
    expect(h.sent('pubnonces', 1)).toHaveLength(2)
    // signed anew
    h.inject(0, 1, { ...begin, signature: new Uint8Array(64).fill(9) })
    h.settle()
    expect(h.sent('pubnonces', 1)).toHaveLength(2)
    expect(h.sent('fail', 1)).toMatchObject([{ body: { code: 'superseded' }, attempt: { counter: 1, hub: 0 } }])
    expect(h.sent('sync', 1).at(-1)).toMatchObject({ body: { attempt: { counter: 1, hub: 0 } } })
    expect(h.offences).toEqual([])
  })

  it('a proof for one attempt says nothing of the culprit of the next', () => {
    const h = new Harness()
    const accuse = (counter: number, culprit: number, evidence: Uint8Array[]) => {
      h.inject(0, 1, h.forge(0, { type: 'begin', digest: h.named.digest }, { counter, hub: 0 }))
      h.settle()
      h.inject(0, 1, h.forge(0, { type: 'fail', code: 'partial-invalid', culprit, evidence }, { counter, hub: 0 }))
    }
    h.propose()
    h.cut.add('0-2')
    h.tellPeers()
    h.settle()
    h.approveAll(1)
    accuse(1, 0, [Uint8Array.of(1)])
    h.next()
    // the answer of the first check is still under way
    const late = h.tasks.splice(
      h.tasks.findIndex(t => t.kind === 'answer' && t.fact.type === 'evidence-checked'),
      1,
    )
    expect(late).toHaveLength(1)
    accuse(2, 2, [])
    h.settle()
    expect(h.session(1).lastFailure).toMatchObject({ culprit: 2, proven: false })
    h.tasks.push(...late)
    h.settle()
    expect(h.session(1).lastFailure).toMatchObject({ culprit: 2, proven: false })
  })

  it('the hub does not repeat as its own report whom a member accuses', () => {
    const h = new Harness()
    h.tamper = m => (m.body.type === 'pubnonces' ? undefined : m)
    complete(h)
    h.inject(1, 0, h.forge(1, { type: 'fail', code: 'stalled', culprit: 2, evidence: [] }, { counter: 1, hub: 0 }))
    h.settle()
    const reports = h.sent('fail', 0)
    expect(reports.length).toBeGreaterThan(0)
    expect(reports.every(m => m.body.type === 'fail' && m.body.culprit === undefined)).toBe(true)
  })
})

describe('who is named when an attempt does not work', () => {
  it('who left, by the hub to the others too', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (m, from) => (isBody(m, 'pubnonces') && from === 2 ? undefined : m)
    h.approveAll(1, 2)
    h.setOnline(2, false)
    h.settle()
    expect(h.session(0).lastFailure).toMatchObject({ code: 'member-left', by: 0, culprit: 2 })
    expect(h.session(1).lastFailure).toMatchObject({ code: 'member-left', by: 0, culprit: 2, proven: false })
  })

  it('who cannot go on, as its own word', () => {
    const h = new Harness()
    h.tamper = m => (m.body.type === 'pubnonces' ? undefined : m)
    complete(h)
    h.inject(2, 0, h.forge(2, { type: 'fail', code: 'locked', evidence: [] }, { counter: 1, hub: 0 }))
    h.settle()
    expect(h.session(0).lastFailure).toMatchObject({ code: 'locked', by: 2 })
    expect(h.session(1).lastFailure).toMatchObject({ code: 'locked', by: 0, culprit: 2, proven: false })
  })

  it('the hub that a member waited for, not the member', () => {
    const h = new Harness()
    h.propose()
    h.tamper = (m, from) =>
      from === 0 && (isBody(m, 'nonces') || isBody(m, 'fail') || (isBody(m, 'begin') && m.attempt!.counter > 1))
        ? undefined
        : m
    h.approveAll(1, 2)
    h.advance(61_000)
    expect(h.session(1).lastFailure).toMatchObject({ code: 'stalled', by: 1, culprit: 0 })
  })
})

describe('ends before released', () => {
  it('a no ends it for all, and the vault forgets every yes', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.user(2, 'decline')
    h.settle()
    expect(h.states()).toEqual(['declined', 'declined', 'declined'])
    expect(h.session(0).end).toMatchObject({ code: 'declined', by: accountKey(2) })
    expect(h.nodes.map(n => n.yes)).toEqual([false, false, false])
    expect(
      h
        .node(0)
        .log.filter(e => e.type === 'holds')
        .map(e => e.held),
    ).toEqual([true, false])
  })

  it('a withdrawal ends it for all', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.user(1, 'withdraw')
    h.settle()
    expect(h.states()).toEqual(['withdrawn', 'withdrawn', 'withdrawn'])
  })

  it('a cancel by the proposer ends it for all; by another it is an offence', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1)
    h.inject(2, 1, h.forge(2, { type: 'cancel', reason: 'mine' }))
    h.settle()
    expect(h.state(1)).toBe('proposed')
    expect(h.offences).toEqual([{ by: 1, member: 2, code: 'cancel-not-proposer' }])
    h.user(0, 'cancel', 'typo')
    h.settle()
    expect(h.states()).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(h.session(2).end).toMatchObject({ code: 'typo', by: accountKey(0) })
  })

  it('a broken rule offers no approve and no yes leaves the device', () => {
    const h = new Harness()
    h.node(1).verdict = { kind: 'wrong', rule: 'change-not-ours', output: 1 }
    h.propose()
    expect(sessionView(h.session(1), h.now).canApprove).toBe(false)
    h.approveAll(1)
    expect(h.sent('vote', 1)).toEqual([])
    h.user(1, 'decline')
    h.settle()
    expect(h.state(0)).toBe('declined')
  })

  it('what is not yet seen is checked again with the next block, then may be approved', () => {
    const h = new Harness()
    h.node(1).verdict = { kind: 'not-yet-seen', what: 'input' }
    h.propose()
    h.approveAll(1)
    expect(h.sent('vote', 1)).toEqual([])
    h.node(1).verdict = { kind: 'ok' }
    h.chain(1, { kind: 'tip' })
    h.settle()
    h.approveAll(1)
    expect(h.sent('vote', 1)).not.toEqual([])
  })

  it('a proposal that fails my own check never leaves the browser', () => {
    const h = new Harness()
    h.node(0).verdict = { kind: 'wrong', rule: 'input-spent', input: 0 }
    h.propose()
    expect(h.state(0)).toBe('failed')
    expect(h.session(0).end?.code).toBe('check:input-spent')
    expect(h.wire).toEqual([])
  })

  it('expires by its own clock, and no attempt begins in the last five minutes', () => {
    const h = new Harness(3, spendProposal({ expiresAt: START / 1000 + 3_600 }))
    h.propose()
    h.approveAll(1)
    h.advance(3_600_000 - 299_000)
    h.approveAll(2)
    expect(h.sent('begin')).toEqual([])
    h.advance(300_000)
    expect(h.states()).toEqual(['expired', 'expired', 'expired'])
  })

  it('expiry between nonces and partials gives no partials', () => {
    const h = ready()
    while (h.session(2).live?.phase !== 'signing') h.next()
    h.now = START + 86_400_000
    h.settle()
    expect(h.sent('partials', 2)).toEqual([])
    expect(h.state(2)).toBe('expired')
  })

  it('a confirmed spend of an input by others fails it', () => {
    const h = new Harness()
    h.propose()
    h.chain(1, { kind: 'conflict', txid: 'cc'.repeat(32), replacement: false })
    expect(h.state(1)).toBe('failed')
    expect(h.session(1).end).toMatchObject({ code: 'input-spent', txid: 'cc'.repeat(32) })
  })
})

describe('cancel, decline and withdraw at every moment', () => {
  // the steps of a whole session, one task at a time; the end is asked for after k of them
  const steps = (): Harness => {
    const h = ready()
    return h
  }
  const total = (() => {
    const h = steps()
    let k = 0
    while (h.next()) k++
    return k
  })()

  it.each([
    ['cancel', 0],
    ['withdraw', 1],
    ['withdraw', 2],
  ] as const)('%s by member %i', (action, who) => {
    for (let k = 0; k <= total; k++) {
      const h = steps()
      for (let i = 0; i < k; i++) h.next()
      h.user(who, action)
      h.settle()
      h.advance(200_000)
      const anyComplete = h.nodes.some(n => n.session?.signed)
      const ended = h.states().map(s => s === 'cancelled' || s === 'withdrawn')
      // never both: complete signatures somewhere, and an end with free coins at a member whose partials are out
      for (const n of h.nodes)
        if (n.session?.released) expect(['released', 'signed', 'broadcast']).toContain(n.session.state)
      if (ended.some(Boolean)) expect(anyComplete).toBe(false)
      if (ended[who]) expect(h.node(who).yes).toBe(false)
    }
    expect(total).toBeGreaterThan(20)
  })
})

describe('from released on', () => {
  /** Stopped just after member `m` gave its partials away. */
  function releasedAt(m: number): Harness {
    const h = ready()
    while (h.state(m) !== 'released') h.next()
    h.tasks = []
    return h
  }

  it('no message, no timer, no failed attempt ends it', () => {
    const h = releasedAt(1)
    h.inject(0, 1, h.forge(0, { type: 'cancel', reason: '' }))
    h.inject(2, 1, h.forge(2, { type: 'vote', digest: h.named.digest, choice: 'withdraw' }))
    h.inject(0, 1, h.forge(0, { type: 'fail', code: 'late', evidence: [] }, { counter: 1, hub: 0 }))
    for (const action of ['withdraw', 'decline', 'cancel'] as const) h.user(1, action)
    // an answer of the vault that comes late
    h.feed(1, { type: 'refused', request: 'approve', code: 'expired' })
    h.settle()
    expect(h.state(1)).toBe('released')
    h.setOnline(0, false)
    h.setOnline(2, false)
    h.advance(7 * 86_400_000)
    expect(h.state(1)).toBe('released')
    expect(sessionView(h.session(1), h.now)).toMatchObject({
      mayStillGoOut: true,
      canWithdraw: false,
      canDecline: false,
    })
    expect(
      h
        .node(1)
        .log.filter(e => e.type === 'holds')
        .map(e => e.held),
    ).toEqual([true])
  })

  it('a confirmed transaction that spends an input ends it, and a reorg of that brings it back', () => {
    const h = releasedAt(1)
    h.chain(1, { kind: 'conflict', txid: 'cc'.repeat(32), replacement: false })
    expect(h.state(1)).toBe('conflicted')
    h.chain(1, { kind: 'conflict-gone' })
    expect(h.state(1)).toBe('released')
    h.chain(1, { kind: 'conflict', txid: 'dd'.repeat(32), replacement: true })
    expect(h.state(1)).toBe('replaced')
    expect(h.session(1).end?.txid).toBe('dd'.repeat(32))
  })

  it('once it is out nothing of it is checked any more', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1, 2)
    expect(h.state(0)).toBe('broadcast')
    const before = h.node(0).log.length
    h.user(0, 'recheck')
    expect(
      h
        .node(0)
        .log.slice(before)
        .map(e => e.type),
    ).not.toContain('verify')
  })

  it('partials for other nonces of this attempt spoil it, and accuse nobody: perhaps the hub has lost what it sent', () => {
    const h = new Harness()
    h.tamper = m =>
      m.body.type === 'partials' && m.attempt?.counter === 1
        ? { ...m, body: { ...m.body, noncesHash: new Uint8Array(32) } }
        : m
    h.propose()
    h.approveAll(1, 2)
    expect(h.session(0).lastFailure).toMatchObject({ code: 'partials-other-nonces', culprit: undefined })
    h.advance(40_000)
    expect(h.states()).toEqual(['broadcast', 'broadcast', 'broadcast'])
    expect(h.offences).toEqual([])
  })

  it('the same nonces again gets the same partials, another one is refused and is evidence', () => {
    const h = releasedAt(1)
    const mine = h.session(1).released
    const nonces = mine?.nonces
    if (!nonces || !isBody(nonces, 'nonces')) throw new Error('not released')
    h.inject(0, 1, nonces)
    const before = h.sent('partials', 1).length
    h.settle()
    expect(h.sent('partials', 1).length).toBe(before + 1)
    expect(h.sent('partials', 1).at(-1)).toEqual(mine.partials)
    h.inject(0, 1, {
      ...nonces,
      body: { ...nonces.body, aggregates: nonces.body.aggregates.map(a => a.slice().fill(3)) },
    })
    h.settle()
    expect(h.sent('partials', 1).length).toBe(before + 1)
    expect(h.offences).toEqual([{ by: 1, member: 0, code: 'nonces-equivocation' }])
    // the hub is a second computer with a copy of the disk, and has nonces of its own
    h.inject(0, 1, {
      ...nonces,
      body: { ...nonces.body, hashes: nonces.body.hashes.map((hash, m) => (m === 0 ? new Uint8Array(32) : hash)) },
    })
    h.settle()
    expect(h.sent('partials', 1).length, 'refused as well').toBe(before + 1)
    expect(h.sent('fail', 1).at(-1)).toMatchObject({ body: { code: 'superseded' } })
    expect(h.offences, 'and nobody is accused').toHaveLength(1)
  })

  it('a released member enters the next attempt and the session completes', () => {
    const h = releasedAt(1)
    h.advance(40_000)
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
    expect(h.session(0).seen).toBe(2)
  })

  it('evicted: broadcast again; reorg: back to broadcast', () => {
    const h = complete()
    h.chain(0, { kind: 'missing' })
    h.settle()
    expect(h.broadcasts).toHaveLength(2)
    expect(h.state(0)).toBe('broadcast')
    h.chain(0, { kind: 'confirmed', height: 5, tip: 5 })
    h.chain(0, { kind: 'reorged' })
    h.settle()
    expect(h.state(0)).toBe('broadcast')
    expect(h.broadcasts).toHaveLength(3)
  })

  it('a refused broadcast is tried again with growing pauses', () => {
    const h = new Harness()
    h.broadcastAnswer = { ok: false, code: 'unreachable' }
    complete(h)
    expect(h.state(0)).toBe('signed')
    h.advance(16_000)
    expect(h.broadcasts.filter(b => b.by === 0)).toHaveLength(3)
    h.broadcastAnswer = { ok: true }
    h.advance(20_000)
    expect(h.state(0)).toBe('broadcast')
  })
})

describe('a chain server that lies', () => {
  it.each(['seen', 'confirmed'] as const)('cannot hold coins by calling an open proposal %s', kind => {
    const h = new Harness()
    h.propose()
    const wrong = h.rawWith(h.signatures().map(() => new Uint8Array(64).fill(1)))
    for (const raw of [undefined, wrong]) {
      h.chain(1, kind === 'seen' ? { kind, raw } : { kind, height: 5, tip: 9, raw })
      h.settle()
    }
    expect(h.state(1)).toBe('proposed')
    h.chain(1, { kind: 'missing' })
    h.user(1, 'decline')
    h.settle()
    expect(h.state(1), 'and it can still be declined').toBe('declined')
    expect(h.offences).toEqual([])
  })

  it('does not end the attempt of a hub', () => {
    const h = new Harness()
    h.propose()
    h.user(1, 'approve')
    h.settle()
    h.user(2, 'approve')
    h.chain(0, { kind: 'seen', raw: h.rawWith(h.signatures().map(() => new Uint8Array(64).fill(1))) })
    h.settle()
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
    expect(h.sent('fail')).toEqual([])
  })

  it('is believed when the signatures hold, whatever my own record says', () => {
    const h = new Harness()
    h.propose()
    h.chain(1, { kind: 'seen', raw: h.rawWith(h.signatures()) })
    h.settle()
    expect(h.state(1)).toBe('signed')
    h.chain(1, { kind: 'confirmed', height: 5, tip: 5 })
    expect(h.state(1)).toBe('confirmed')
  })
})

describe('a hub signs last', () => {
  it('and can still withdraw while another has not signed', () => {
    const h = new Harness(2)
    h.propose()
    // the other side closes its tab with the hub's nonces on their way
    h.tamper = m => (isBody(m, 'nonces') ? undefined : m)
    h.approveAll(1)
    expect(h.state(0)).toBe('signing')
    expect(h.session(0).released).toBeUndefined()
    expect(h.sent('partials')).toHaveLength(0)
    h.node(1).online = false
    h.tellPeers()
    h.settle()
    h.user(0, 'cancel')
    h.settle()
    expect(h.state(0)).toBe('cancelled')
    expect(holdsCoins(h.session(0))).toBe(false)
  })

  it('and names who did not sign in time, whatever its own place is', () => {
    const h = new Harness(3, spendProposal({ proposer: 1 }))
    h.propose(1)
    h.tamper = (m, from) => (isBody(m, 'partials') && from === 2 ? undefined : m)
    h.approveAll(0, 2)
    h.advance(21_000)
    expect(h.session(1).lastFailure).toMatchObject({ code: 'late', culprit: 2 })
  })
})

describe('a final that does not hold', () => {
  it('is not kept as the proof of what the hub itself has made', () => {
    const h = new Harness()
    h.propose()
    h.user(1, 'approve')
    h.settle()
    h.user(2, 'approve')
    while (h.session(0).live?.hub?.step !== 'finalizing') h.next()
    const garbage = h.signatures().map(() => new Uint8Array(64).fill(9))
    h.feed(0, {
      type: 'message',
      from: 2,
      message: h.signed(2, { type: 'final', digest: h.named.digest, signatures: garbage }),
    })
    h.settle()
    expect(h.states()).toEqual(['broadcast', 'signed', 'signed'])
    expect(h.session(0).final?.body).toMatchObject({ type: 'final', signatures: h.signatures() })
  })
})
