import { afterEach, describe, expect, it } from 'vitest'
import { verifyTranscript } from '../../services/core/signing/verify-transcript'
import { circle, createWorld, fund, OUTSIDE, Person, until } from './people'

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
      const proposed = await proposer.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 100_000n, feeRate: 2, note: 'new sails' })
      expect(proposed).toMatchObject({ success: true })
      const id = proposed.sessionId!
      for (const person of everybody.slice(1)) {
        const card = await until(() => person.session(id)?.view.canApprove && person.session(id), `${person.name} may approve`)
        expect(card!.review).toEqual(proposer.session(id)!.review)
        expect(card!.spendCode).toEqual(proposer.session(id)!.spendCode)
        expect((await person.musig2.approve(id)).ok).toBe(true)
      }
      for (const person of everybody) await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
      world.chain.mine(1)
      await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
      for (const person of everybody) {
        const done = await until(() => person.session(id)?.view.state === 'confirmed' && person.session(id), `${person.name}: confirmed`)
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
    const { sessionId } = await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    const id = sessionId!
    for (const person of everybody.slice(1)) {
      await until(() => person.session(id)?.view.canApprove, `${person.name} may approve`)
      await person.musig2.approve(id)
    }
    for (const person of everybody) await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
    for (const person of [anna, ben]) {
      const file = await person.musig2.exportTranscript(id)
      if (!file.ok) throw new Error(file.error.code)
      const report = verifyTranscript(file.value.bytes)
      expect(report).toMatchObject({ ok: true, value: { session: id, complete: true, findings: [{ kind: 'complete', txid: person.session(id)!.view.txid }] } })
      const types = report.ok ? report.value.said.map(s => s.type) : []
      for (const type of ['propose', 'vote', 'begin', 'pubnonces', 'nonces', 'partials', 'final'] as const) expect(types).toContain(type)
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
    const said = (file: typeof before) => { const report = file.ok ? verifyTranscript(file.value.bytes) : undefined; return report?.ok ? report.value.said : [] }
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

  it('both propose a payment of the same coin in the same moment: one press says yes to the other\'s and takes back mine', async () => {
    const { world, everybody, walletId } = await start(2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    const [hers, his] = await Promise.all([anna, ben].map((p, i) => p.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n + BigInt(i), feeRate: 1 })))
    await until(() => ben.session(hers!.sessionId!)?.view.canApprove && anna.session(his!.sessionId!)?.view.canApprove, 'each may approve the other\'s')
    await ben.musig2.approve(hers!.sessionId!)
    for (const person of everybody) {
      await until(() => person.session(hers!.sessionId!)?.view.state === 'broadcast', `${person.name}: hers is sent`)
      await until(() => person.session(his!.sessionId!)?.view.state === 'cancelled', `${person.name}: his is taken back`)
    }
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
    expect(failed.connectivityIssues).toMatchObject([{ peerId: ben.p2p.peerId, errorType: 'peer_not_found', retryable: true }])
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
    const { sessionId } = await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    const id = sessionId!
    await until(() => ben.session(id)?.view.canApprove, 'Ben may approve')
    await ben.musig2.approve(id)
    await until(() => anna.session(id)?.view.members.filter(m => m.vote === 'yes').length === 2, 'Anna has Ben\'s yes')
    await ben.reload()
    await until(() => cleo.session(id)?.view.canApprove, 'Cleo may approve')
    await cleo.musig2.approve(id)
    for (const person of everybody) await until(() => person.session(id)?.view.state === 'broadcast', `${person.name}: broadcast`)
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
    await until(() => again.wallet?.phase === 'active' && again.wallet.balance.availableSats === 60_000n, 'the coins are seen')
    expect(again.wallet!.history).toHaveLength(1)
  })
})
