import { afterEach, describe, expect, it } from 'vitest'
import { nameProposal, placesOf } from '../../services/core/crypto/proposal-id'
import { verifyTranscript } from '../../services/core/signing/runtime/verify-transcript'
import { LIMITS } from '../../services/core/wire/limits'
import type { SignedMessage } from '../../services/core/wire/messages'
import { circle, createWorld, fund, OUTSIDE, Person, until, type World } from './people'

const people: Person[] = []

afterEach(async () => {
  await Promise.all(people.splice(0).map(p => p.close()))
})

async function start(n: number) {
  const world = createWorld()
  const made = await circle(world, n)
  people.push(...made.everybody)
  return { world, ...made }
}

describe('spending together over an in-memory network', () => {
  for (const n of [2, 3]) {
    it(`${n}-of-${n}: two inputs, change, everybody sees it confirmed`, async () => {
      const { world, everybody, walletId } = await start(n)
      await fund(world, everybody, walletId, [60_000n, 70_000n])
      const proposer = everybody[0]!
      const proposed = await proposer.musig2.proposeSpend({
        walletId,
        recipient: OUTSIDE,
        amountSats: 100_000n,
        feeRate: 2,
        note: 'new sails',
      })
      expect(proposed).toMatchObject({ success: true })
      const id = proposed.sessionId!
      for (const person of everybody.slice(1)) {
        const card = await until(
          () => person.session(id)?.view.canApprove && person.session(id),
          `${person.name} may approve`,
        )
        expect(card!.review).toEqual(proposer.session(id)!.review)
        expect(card!.spendCode).toEqual(proposer.session(id)!.spendCode)
        expect((await person.musig2.approve(id)).ok).toBe(true)
      }
      for (const person of everybody)
        await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
      world.chain.mine(1)
      await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
      for (const person of everybody) {
        const done = await until(
          () => person.session(id)?.view.state === 'confirmed' && person.session(id),
          `${person.name}: confirmed`,
        )
        expect(done!.review!.inputs).toHaveLength(2)
        expect(done!.review!.change).toHaveLength(1)
        await until(() => person.wallet!.balance.heldSats === 0n, 'nothing held')
        await until(() => person.wallet!.balance.availableSats === done!.review!.change[0]!.sats, 'the change is there')
      }
    })
  }

  it('what was said can be saved, reads back after a reload, and proves itself; nothing in it can be changed', async () => {
    const { world, everybody, walletId } = await start(3)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person, Person]
    const { sessionId } = await anna.musig2.proposeSpend({
      walletId,
      recipient: OUTSIDE,
      amountSats: 20_000n,
      feeRate: 1,
    })
    const id = sessionId!
    for (const person of everybody.slice(1)) {
      await until(() => person.session(id)?.view.canApprove, `${person.name} may approve`)
      await person.musig2.approve(id)
    }
    for (const person of everybody)
      await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
    for (const person of [anna, ben]) {
      const file = await person.musig2.exportTranscript(id)
      if (!file.ok) throw new Error(file.error.code)
      const report = verifyTranscript(file.value.bytes)
      expect(report).toMatchObject({
        ok: true,
        value: { session: id, complete: true, findings: [{ kind: 'complete', txid: person.session(id)!.view.txid }] },
      })
      const types = report.ok ? report.value.said.map(s => s.type) : []
      for (const type of ['propose', 'vote', 'begin', 'pubnonces', 'nonces', 'partials', 'final'] as const)
        expect(types).toContain(type)
      for (let i = 0; i < file.value.bytes.length; i += 97) {
        const changed = file.value.bytes.slice()
        changed[i]! ^= 1
        expect(verifyTranscript(changed).ok).toBe(false)
      }
    }
    const before = await ben.musig2.exportTranscript(id)
    await ben.reload()
    await until(() => ben.session(id) !== undefined, 'Ben is back')
    const after = await ben.musig2.exportTranscript(id)
    const said = (file: typeof before) => {
      const report = file.ok ? verifyTranscript(file.value.bytes) : undefined
      return report?.ok ? report.value.said : []
    }
    expect(said(after)).toEqual(said(before))
  })

  it('a decline ends it for everybody, and the coins are free', async () => {
    const { world, everybody, walletId } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    const proposed = await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    const id = proposed.sessionId!
    await until(() => anna.wallet!.balance.heldSats === 60_000n, 'the proposer holds her coins')
    await until(() => ben.session(id)?.view.canDecline, 'Ben may decline')
    await ben.musig2.decline(id)
    for (const person of everybody) {
      await until(() => person.session(id)?.view.state === 'declined', `${person.name}: declined`)
      await until(() => person.wallet!.balance.availableSats === 60_000n, 'coins free')
    }
  })

  it("both propose a payment of the same coin in the same moment: one press says yes to the other's and takes back mine", async () => {
    const { world, everybody, walletId } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    const [hers, his] = await Promise.all(
      [anna, ben].map((p, i) =>
        p.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n + BigInt(i), feeRate: 1 }),
      ),
    )
    await until(
      () => ben.session(hers!.sessionId!)?.view.canApprove && anna.session(his!.sessionId!)?.view.canApprove,
      "each may approve the other's",
    )
    await ben.musig2.approve(hers!.sessionId!)
    for (const person of everybody) {
      await until(() => person.session(hers!.sessionId!)?.view.state === 'broadcast', `${person.name}: hers is sent`)
      await until(
        () => person.session(his!.sessionId!)?.view.state === 'cancelled',
        `${person.name}: his is taken back`,
      )
    }
  })

  /** A payment of 100 000 sats that everybody has signed and that is in the mempool. */
  async function sent(world: World, everybody: Person[], walletId: string): Promise<string> {
    await fund(world, everybody, walletId, [60_000n, 70_000n])
    const [proposer, ...others] = everybody as [Person, ...Person[]]
    const { sessionId } = await proposer.musig2.proposeSpend({
      walletId,
      recipient: OUTSIDE,
      amountSats: 100_000n,
      feeRate: 1,
      note: 'new sails',
    })
    await agree(others, sessionId!)
    for (const person of everybody)
      await until(() => person.session(sessionId!)?.view.state === 'broadcast', `${person.name}: broadcast`)
    return sessionId!
  }

  async function agree(others: Person[], id: string) {
    for (const person of others) {
      await until(() => person.session(id)?.view.canApprove, `${person.name} may approve`)
      expect(await person.musig2.approve(id)).toEqual({ ok: true, value: undefined })
    }
  }

  async function mined(world: World, everybody: Person[], walletId: string) {
    world.chain.mine(1)
    await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
  }

  for (const [who, by] of [
    ['its proposer', 0],
    ['another member', 2],
  ] as const) {
    it(`a payment that waits for a block is sped up by ${who}: the later one is mined, the earlier one is replaced, on every device`, async () => {
      const { world, everybody, walletId } = await start(3)
      const old = await sent(world, everybody, walletId)
      const proposer = everybody[by]!
      await until(() => proposer.session(old)?.canReplace, 'it may be replaced')
      const before = proposer.session(old)!.review!
      expect(await proposer.musig2.reviewSpend({ walletId, replaces: old, feeRate: 1.5 })).toMatchObject({
        ok: false,
        error: { field: 'feeRate', code: 'bump-too-low', minRate: 2 },
      })
      const reviewed = await proposer.musig2.reviewSpend({ walletId, replaces: old, feeRate: 4 })
      if (!reviewed.ok) throw new Error(reviewed.error.code)
      const { review } = reviewed.value
      expect(review.recipients).toEqual(before.recipients)
      expect(new Set(review.inputs)).toEqual(new Set(before.inputs))
      expect(review.note).toBe('new sails')
      expect(review.replaces).toEqual({
        txid: before.txid,
        session: old,
        kind: 'faster',
        sentSats: 100_000n,
        feeSats: before.feeSats,
        feeRate: before.feeRate,
      })
      const made = await proposer.musig2.proposeSpend({ walletId, replaces: old, feeRate: 4, reviewed: review.txid })
      expect(made).toMatchObject({ success: true })
      const id = made.sessionId!
      const others = everybody.filter(p => p !== proposer)
      for (const person of others) {
        const card = await until(
          () => person.session(id)?.view.canApprove && person.session(id),
          `${person.name} is asked`,
        )
        expect(card!.replaces).toEqual(review.replaces)
        expect(card!.overlapsWith, 'it does not merely want the same coins').toEqual([])
        expect(person.session(old)).toMatchObject({ replacedBy: id, canReplace: false, overlapsWith: [] })
      }
      await agree(others, id)
      for (const person of everybody)
        await until(
          () => person.session(id)?.view.state === 'broadcast',
          `${person.name}: the later one is in the mempool`,
        )
      expect(world.chain.mempool()).toEqual([review.txid])
      await mined(world, everybody, walletId)
      for (const person of everybody) {
        await until(() => person.session(id)?.view.state === 'confirmed', `${person.name}: confirmed`)
        await until(() => person.session(old)?.view.state === 'replaced', `${person.name}: replaced`)
        expect(person.session(old)!.view.endReason).toEqual({ code: 'replaced', txid: review.txid })
        await until(
          () =>
            person.wallet!.balance.heldSats === 0n && person.wallet!.balance.availableSats === review.change[0]!.sats,
          `${person.name}: nothing held, the change is there`,
        )
      }
    })
  }

  it('sped up twice, and then the first one of all is mined: the later two are overtaken; after a reorg the last one is', async () => {
    const { world, everybody, walletId } = await start(2)
    const first = await sent(world, everybody, walletId)
    const [anna, ben] = everybody as [Person, Person]
    const raw = await world.chain.rawTx(anna.session(first)!.view.txid!)
    const second = (await ben.musig2.proposeSpend({ walletId, replaces: first, feeRate: 3 })).sessionId!
    await agree([anna], second)
    for (const person of everybody)
      await until(() => person.session(second)?.view.state === 'broadcast', `${person.name}: the second is sent`)
    await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
    expect(await anna.musig2.reviewSpend({ walletId, replaces: first, feeRate: 9 })).toMatchObject({
      ok: false,
      error: { code: 'being-replaced' },
    })
    const third = (await anna.musig2.proposeSpend({ walletId, replaces: second, feeRate: 5 })).sessionId!
    await agree([ben], third)
    for (const person of everybody)
      await until(() => person.session(third)?.view.state === 'broadcast', `${person.name}: the third is sent`)
    // a miner who has seen only the first
    const last = anna.session(third)!.view.txid!
    const kept = await world.chain.rawTx(last)
    world.chain.evict(last)
    if (!raw.ok || !kept.ok) throw new Error('no transaction')
    await world.chain.broadcast(raw.value!)
    await mined(world, everybody, walletId)
    for (const person of everybody) {
      await until(() => person.session(first)?.view.state === 'confirmed', `${person.name}: the first is paid`)
      for (const id of [second, third])
        await until(() => person.session(id)?.view.state === 'conflicted', `${person.name}: a later one is overtaken`)
      await until(() => person.wallet!.balance.heldSats === 0n, 'nothing held')
    }
    world.chain.reorg(1, false)
    await world.chain.broadcast(kept.value!)
    world.chain.mine(2)
    await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
    for (const person of everybody) {
      await until(() => person.session(third)?.view.state === 'confirmed', `${person.name}: the third is paid`)
      for (const id of [first, second])
        await until(() => person.session(id)?.view.state === 'replaced', `${person.name}: an earlier one is replaced`)
      await until(() => person.wallet!.balance.heldSats === 0n, 'nothing held')
    }
  })

  it('taken back: all comes back to the wallet, and nobody was paid', async () => {
    const { world, everybody, walletId } = await start(2)
    const old = await sent(world, everybody, walletId)
    const [anna, ben] = everybody as [Person, Person]
    const made = await ben.musig2.proposeSpend({ walletId, replaces: old, takeBack: true, feeRate: 5 })
    const id = made.sessionId!
    const card = await until(() => anna.session(id)?.view.canApprove && anna.session(id), 'Anna is asked')
    expect(card!.replaces).toMatchObject({ kind: 'back', sentSats: 100_000n })
    expect(card!.review!.recipients).toEqual([])
    // the change of what is taken back is not to be built on
    await until(() => ben.wallet!.balance.availableSats === 0n, 'nothing is free meanwhile')
    await agree([anna], id)
    for (const person of everybody)
      await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: sent`)
    await mined(world, everybody, walletId)
    for (const person of everybody) {
      await until(() => person.session(old)?.view.state === 'replaced', `${person.name}: replaced`)
      await until(() => person.wallet!.balance.availableSats === 130_000n - card!.review!.feeSats, 'all is back')
    }
  })

  it('the earlier payment is mined while its replacement waits for an answer: that one is over, and nothing is held', async () => {
    const { world, everybody, walletId } = await start(3)
    const old = await sent(world, everybody, walletId)
    const id = (await everybody[1]!.musig2.proposeSpend({ walletId, replaces: old, feeRate: 3 })).sessionId!
    await until(() => everybody[2]!.session(id)?.view.canApprove, 'Cleo is asked')
    await agree([everybody[0]!], id)
    await mined(world, everybody, walletId)
    for (const person of everybody) {
      await until(() => person.session(old)?.view.state === 'confirmed', `${person.name}: paid`)
      await until(() => person.session(id)?.view.state === 'failed', `${person.name}: the replacement is over`)
      expect(person.session(id)!.view.endReason).toMatchObject({ code: 'paid-before' })
      await until(() => person.wallet!.balance.heldSats === 0n, 'nothing held')
    }
  })

  it('a payment on whose change another is built is left as it is', async () => {
    const { world, everybody, walletId } = await start(2)
    const old = await sent(world, everybody, walletId)
    const [anna, ben] = everybody as [Person, Person]
    await until(() => anna.wallet!.balance.availableSats > 0n, 'the change may be spent')
    const child = (await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 10_000n, feeRate: 1 }))
      .sessionId!
    expect(await anna.musig2.reviewSpend({ walletId, replaces: old, feeRate: 5 })).toMatchObject({
      ok: false,
      error: { field: 'session', code: 'built-on' },
    })
    await agree([ben], child)
    await until(() => ben.session(child)?.view.state === 'broadcast', 'it is sent')
    expect(ben.session(old)!.canReplace).toBe(false)
  })

  it('a member offline: named, nothing proposed, coins free; he comes back and a second try succeeds', async () => {
    const { world, everybody, walletId } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    await ben.close()
    const ask = { walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 }
    const failed = await anna.musig2.proposeSpend(ask)
    expect(failed.success).toBe(false)
    expect(failed.error).toBe('Cannot reach 1 participant(s)')
    expect(failed.connectivityIssues).toMatchObject([
      { peerId: ben.p2p.peerId, errorType: 'peer_not_found', retryable: true },
    ])
    expect(anna.sessions).toEqual([])
    expect(anna.wallet!.balance).toEqual({ availableSats: 60_000n, pendingSats: 0n, heldSats: 0n })
    await ben.open()
    await until(() => ben.p2p.addresses().length > 0, 'Ben has a reservation')
    const again = await anna.musig2.proposeSpend(ask)
    expect(again.success).toBe(true)
  })

  it('a co-signer who reloads between his vote and the signature does not vote again', async () => {
    const { world, everybody, walletId } = await start(3)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben, cleo] = everybody as [Person, Person, Person]
    const { sessionId } = await anna.musig2.proposeSpend({
      walletId,
      recipient: OUTSIDE,
      amountSats: 20_000n,
      feeRate: 1,
    })
    const id = sessionId!
    await until(() => ben.session(id)?.view.canApprove, 'Ben may approve')
    await ben.musig2.approve(id)
    await until(() => anna.session(id)?.view.members.filter(m => m.vote === 'yes').length === 2, "Anna has Ben's yes")
    await ben.reload()
    await until(() => cleo.session(id)?.view.canApprove, 'Cleo may approve')
    await cleo.musig2.approve(id)
    for (const person of everybody)
      await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
  })

  it('parts are out, the hub is gone and the time is over: the same is paid again with the same coins, and only that happens', async () => {
    const { world, everybody, walletId } = await start(3)
    await fund(world, everybody, walletId, [60_000n, 70_000n])
    const [anna, ben, cleo] = everybody as [Person, Person, Person]
    const proposed = await anna.musig2.proposeSpend({
      walletId,
      recipient: OUTSIDE,
      amountSats: 100_000n,
      feeRate: 2,
      note: 'new sails',
    })
    const old = proposed.sessionId!
    // what Ben and Cleo sign comes to nobody
    for (const person of [ben, cleo]) {
      const send = person.p2p.send.bind(person.p2p)
      person.p2p.send = (peerId, protocol, message) =>
        protocol === 'sign' && (message as SignedMessage).body.type === 'partials'
          ? Promise.resolve(true)
          : send(peerId, protocol, message)
    }
    for (const person of [ben, cleo]) {
      await until(() => person.session(old)?.view.canApprove, `${person.name} may approve`)
      await person.musig2.approve(old)
    }
    for (const person of [ben, cleo])
      await until(() => person.session(old)?.view.state === 'released', `${person.name}: may still go out`)
    await Promise.all(everybody.map(p => p.close()))
    world.clock.ahead += 25 * 3_600_000
    for (const person of everybody) person.shown.splice(0)
    await Promise.all(everybody.map(p => p.open()))
    await until(() => anna.session(old)?.view.state === 'expired', 'over for Anna, of whom nothing is out')
    for (const person of [ben, cleo]) {
      await until(() => person.session(old)?.canPayAgain, `${person.name} may pay again`)
      expect(person.session(old)!.view).toMatchObject({ state: 'released', mayStillGoOut: true, canRetry: false })
      await until(
        () => person.shown.length > 0 && person.wallet?.balance.heldSats === 130_000n,
        `${person.name}: the coins are held`,
      )
      expect(new Set(person.shown), 'not for a moment were they free').toEqual(new Set([0n]))
    }
    expect(anna.session(old)!.canPayAgain).toBe(false)
    await until(() => anna.wallet?.balance.availableSats === 130_000n, 'Anna holds nothing')
    expect(await anna.musig2.reviewSpend({ walletId, again: old })).toMatchObject({
      ok: false,
      error: { field: 'session', code: 'too-late' },
    })

    for (const person of everybody)
      await until(() => person.p2p.addresses().length > 0, `${person.name} can be reached`)
    const reviewed = await ben.musig2.reviewSpend({ walletId, again: old })
    if (!reviewed.ok) throw new Error(reviewed.error.code)
    expect(reviewed.value.review).toMatchObject({
      recipients: [{ address: OUTSIDE, sats: 100_000n }],
      note: 'new sails',
    })
    const outpoints = (inputs: ReadonlyArray<{ txid: string; vout: number }>) =>
      inputs.map(i => `${i.txid}:${i.vout}`).sort()
    expect(outpoints(reviewed.value.review.inputs)).toEqual(outpoints(ben.session(old)!.review!.inputs))
    const again = await ben.musig2.proposeSpend({ walletId, again: old, reviewed: reviewed.value.review.txid })
    expect(again).toMatchObject({ success: true })
    const id = again.sessionId!
    for (const person of [anna, cleo]) {
      await until(() => person.session(id)?.view.canApprove, `${person.name} may approve the second`)
      expect((await person.musig2.approve(id)).ok).toBe(true)
    }
    expect(cleo.session(id)!.overlapsWith).toEqual([old])
    for (const person of everybody)
      await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: sent`)
    world.chain.mine(1)
    await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
    for (const person of everybody) {
      await until(() => person.session(id)?.view.state === 'confirmed', `${person.name}: confirmed`)
      await until(
        () => person.session(old)?.view.state === (person === anna ? 'expired' : 'conflicted'),
        `${person.name}: the first is over`,
      )
      expect(person.wallet!.balance.heldSats).toBe(0n)
    }
    expect(world.chain.find(ben.session(id)!.view.txid!)?.height).toBeDefined()
  })

  it('a co-signer whose chain server lags has not seen the coin yet: nobody is blamed, and with its news it may be approved', async () => {
    const { world, everybody, walletId } = await start(2)
    const [anna, ben] = everybody as [Person, Person]
    ben.chain.freeze()
    const at = await anna.walletsDoor.newAddress(walletId)
    expect((await world.chain.faucet(at!.address, 60_000n)).ok).toBe(true)
    await anna.walletsDoor.refresh(walletId)
    await until(() => anna.wallet?.balance.availableSats === 60_000n, 'Anna sees the coin')
    const proposed = await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    const id = proposed.sessionId!
    const unseen = await until(
      () => ben.session(id)?.view.verdict !== undefined && ben.session(id),
      "Ben's device has checked",
    )
    expect(unseen).toMatchObject({ view: { verdict: { kind: 'not-yet-seen' }, canApprove: false, canDecline: true } })
    // Anna hears nothing bad of it, and nothing is held against her
    expect(anna.session(id)).toMatchObject({ view: { state: 'proposed', live: true } })
    expect(ben.log.entries.filter(e => e.event === 'signing.offence')).toEqual([])
    expect(ben.p2p.isLinkUp(anna.p2p.peerId, 'sign')).toBe(true)
    ben.chain.thaw()
    await ben.walletsDoor.refresh(walletId)
    await until(() => ben.session(id)?.view.canApprove, 'Ben may approve')
    expect((await ben.musig2.approve(id)).ok).toBe(true)
    for (const person of everybody)
      await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
  })

  it('a lagging server does not make a lie look like news to come: what is certainly wrong is said at once', async () => {
    const { world, everybody, walletId } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    const record = anna.walletsDoor.directory.get(walletId)!.record
    const reviewed = await anna.musig2.reviewSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    if (!reviewed.ok) throw new Error(reviewed.error.code)
    const { draft } = reviewed.value
    // the coin of a payment that no server has; the second is to stand for longer than anything may
    const unseen = { ...draft, tx: draft.tx.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }
    const verdicts: unknown[] = []
    for (const proposal of [unseen, { ...unseen, expiresAt: draft.expiresAt + LIMITS.sessionLifeS }]) {
      const named = nameProposal(
        await anna.walletsDoor.directory.get(walletId)!.scripts.at(placesOf(proposal)),
        proposal,
      )
      if (!named.ok) throw new Error(named.error.rule)
      const { sessionId } = named.value
      const signed = await anna.signer.signMessage(
        { network: record.network, descriptor: record.descriptor },
        sessionId,
        undefined,
        { type: 'propose', proposal },
      )
      if (!signed.ok) throw new Error(signed.error.detail)
      await anna.p2p.send(ben.p2p.peerId, 'sign', signed.value)
      verdicts.push(
        (await until(() => ben.session(sessionId)?.view.verdict !== undefined && ben.session(sessionId), 'checked'))!
          .view.verdict,
      )
      await ben.musig2.decline(sessionId)
    }
    expect(verdicts).toEqual([
      { kind: 'not-yet-seen', what: 'input' },
      { kind: 'wrong', rule: 'expiry' },
    ])
  })

  it('words and a file that is older than the last confirmation restore balance and history, with nobody else there', async () => {
    const { world, everybody, walletId, files } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna] = everybody as [Person]
    await Promise.all(everybody.map(p => p.close()))
    // Anna saved hers before Ben had confirmed; her browser is gone
    const again = await Person.create(world, 'Anna', 0)
    people.splice(0, people.length, again)
    expect(await again.walletsDoor.restoreFile(files.get(anna)!)).toEqual({ ok: true, value: walletId })
    await until(
      () => again.wallet?.phase === 'active' && again.wallet.balance.availableSats === 60_000n,
      'the coins are seen',
    )
    expect(again.wallet!.history).toHaveLength(1)
  })
})
