import { afterEach, describe, expect, it, vi } from 'vitest'
import { nameProposal } from '../../services/core/crypto/proposal-id'
import type { PracticeProposal } from '../../services/core/domain/proposal'
import type { RosterEntry } from '../../services/core/domain/wallet'
import { joinClaim } from '../../services/core/roster/join'
import { recordMessage } from '../../services/core/roster/wallet-record'
import { LIMITS } from '../../services/core/wire/limits'
import { circle, createWorld, fund, OUTSIDE, until } from './people'
import type { Person } from './people'

/** A member whose program does not follow the protocol: what the others' devices make of it. */
const people: Person[] = []

afterEach(async () => {
  await Promise.all(people.splice(0).map(p => p.close()))
})

async function start(n: number) {
  const made = await circle(createWorld(), n)
  people.push(...made.everybody)
  return made
}

const nowS = () => Math.floor(Date.now() / 1000)

/** Anna signs and sends a proposal past her own door. Gives the session id. */
async function propose(
  anna: Person,
  to: Person,
  walletId: string,
  p: { text: string; expiresAt: number },
): Promise<string> {
  const record = anna.walletsDoor.directory.get(walletId)!.record
  const proposal: PracticeProposal = {
    kind: 'practice',
    walletId,
    proposer: record.self,
    note: '',
    salt: '07'.repeat(32),
    ...p,
  }
  const named = nameProposal(await anna.walletsDoor.directory.get(walletId)!.scripts.at([]), proposal)
  if (!named.ok) throw new Error(named.error.rule)
  const { sessionId } = named.value
  const keys = { network: record.network, descriptor: record.descriptor }
  for (const body of [
    { type: 'propose', proposal },
    ...(p.text.startsWith('cancelled') ? [{ type: 'cancel', reason: '' }] : []),
  ] as const) {
    const signed = await anna.signer.signMessage(keys, sessionId, undefined, body as never)
    if (!signed.ok) throw new Error(signed.error.detail)
    await anna.p2p.send(to.p2p.peerId, 'sign', signed.value)
  }
  return sessionId
}

const refusals = (person: Person, code: string) =>
  person.log.entries.filter(e => e.event === 'signing.not-admitted' && e.fields?.code === code)

describe('a member that floods another', () => {
  it('proposals that have expired are neither kept nor stored', async () => {
    const {
      everybody: [anna, ben],
      walletId,
    } = (await start(2)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person] }
    for (let i = 0; i < 5; i++) await propose(anna, ben, walletId, { text: `old ${i}`, expiresAt: nowS() - 10 })
    await until(() => refusals(ben, 'expired').length >= 5, 'all refused')
    expect(ben.sessions).toEqual([])
    expect(await ben.storage.all('sessions')).toEqual([])
  })

  it('a session that is refused is asked about once, and not again for each word of it', async () => {
    const {
      everybody: [anna, ben],
      walletId,
    } = (await start(2)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person] }
    const record = anna.walletsDoor.directory.get(walletId)!.record
    const keys = { network: record.network, descriptor: record.descriptor }
    const questions: string[] = []
    anna.p2p.onMessage('sign', (_from, message) => {
      if (message.body.type === 'sync') questions.push(message.session)
    })
    const session = await propose(anna, ben, walletId, { text: 'old', expiresAt: nowS() - 10 })
    const vote = await anna.signer.signMessage(keys, session, undefined, {
      type: 'vote',
      digest: '01'.repeat(32),
      choice: 'no',
    })
    if (!vote.ok) throw new Error(vote.error.detail)
    for (let i = 0; i < 5; i++) await anna.p2p.send(ben.p2p.peerId, 'sign', vote.value)
    // the same words of another session are the sign that Ben has heard all of them
    const last = { ...vote.value, session: '02'.repeat(32) }
    const signed = await anna.signer.signMessage(keys, last.session, undefined, vote.value.body)
    if (!signed.ok) throw new Error(signed.error.detail)
    await anna.p2p.send(ben.p2p.peerId, 'sign', signed.value)
    await until(() => questions.includes(last.session), 'asked about the last')
    expect(questions).toEqual([session, last.session])
  })

  it("proposals that are taken back at once use up a pace, and Ben's device keeps a bounded number", async () => {
    const {
      everybody: [anna, ben],
      walletId,
    } = (await start(2)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person] }
    const count = LIMITS.proposalsAtOnce + 8
    for (let i = 0; i < count; i++)
      await propose(anna, ben, walletId, { text: `cancelled ${i}`, expiresAt: nowS() + 3600 })
    await until(() => refusals(ben, 'too-fast').length > 0, 'refused')
    expect((await ben.storage.all('sessions')).length).toBeLessThan(count)
  })

  it('after a pause one more is taken', async () => {
    const {
      everybody: [anna, ben],
      walletId,
    } = (await start(2)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person] }
    // the clock goes as fast as this test: a tenth of a second for each proposal, which is no token more in all
    let at = Date.now()
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => at)
    const bring = async (text: string) => {
      at += 100
      await propose(anna, ben, walletId, { text: `cancelled ${text}`, expiresAt: nowS() + 3600 })
    }
    try {
      for (let i = 0; i <= LIMITS.proposalsAtOnce; i++) await bring(`${i}`)
      await until(() => refusals(ben, 'too-fast').length === 1, 'the last is refused')
      expect(await ben.storage.all('sessions')).toHaveLength(LIMITS.proposalsAtOnce)
      at += 60_000 / LIMITS.proposalsPerMinute
      for (const text of ['later', 'later still']) await bring(text)
      await until(() => refusals(ben, 'too-fast').length === 2, 'the second is refused')
      expect(await ben.storage.all('sessions')).toHaveLength(LIMITS.proposalsAtOnce + 1)
    } finally {
      clock.mockRestore()
    }
  })
})

describe('two members at once', () => {
  it('what both say of the record is kept, although the store is slow', async () => {
    const {
      everybody: [anna, ben, cleo],
      walletId,
    } = (await start(3)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person, Person] }
    let open = () => {}
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    const put = ben.storage.put.bind(ben.storage)
    let waiting = 0
    ben.storage.put = async (store, key, value) => {
      if (store === 'wallets') {
        waiting++
        await gate
      }
      return put(store, key, value)
    }
    // nobody hears of it from Ben and tells him again what he has lost
    const send = ben.p2p.send.bind(ben.p2p)
    ben.p2p.send = (peerId, protocol, message) =>
      protocol === 'wallet' ? Promise.resolve(false) : send(peerId, protocol, message)
    for (const person of [anna, cleo]) {
      const record = person.walletsDoor.directory.get(walletId)!.record
      const own = record.roster.find(e => e.accountKey === record.self)!
      const renamed: RosterEntry = { ...own, name: `${own.name} the second`, proofNumber: own.proofNumber + 1 }
      const proof = await person.signer.signStatement(
        record.network,
        own.origin,
        joinClaim(record.draftId, record.genesis, renamed).statement,
      )
      if (!proof.ok) throw new Error(proof.error.detail)
      const entry = { ...renamed, proof: proof.value }
      await person.p2p.send(
        ben.p2p.peerId,
        'wallet',
        recordMessage({ ...record, roster: record.roster.map(e => (e === own ? entry : e)) }),
      )
    }
    await until(() => waiting === 2, 'both are being stored')
    open()
    const both = () => ben.wallet!.members.filter(m => m.name.endsWith('the second')).length === 2
    await until(both, 'both names')
    await ben.close()
    await Promise.all([anna.close(), cleo.close()])
    await ben.open()
    await until(both, 'both names after a reload')
    // and he is told of it until he has looked
    const changes = () => ben.wallet!.members.map(m => m.changed).filter(change => change !== undefined)
    expect(changes().sort((a, b) => (a.name! < b.name! ? -1 : 1))).toEqual([
      { name: 'Anna', moved: false },
      { name: 'Cleo', moved: false },
    ])
    await ben.walletsDoor.changesSeen(walletId)
    await until(() => changes().length === 0, 'he knows')
    await ben.reload()
    await until(() => ben.wallet, 'back')
    expect(changes()).toEqual([])
    await Promise.all([anna.open(), cleo.open()])
  })
})

describe('who says that a newer run of ours is open', () => {
  it('stops what is signed with him, not what is signed with others', async () => {
    const {
      everybody: [anna, ben],
      walletId,
    } = (await start(2)) as Awaited<ReturnType<typeof circle>> & { everybody: [Person, Person] }
    const { world } = anna
    await fund(world, [anna, ben], walletId, [60_000n])
    const { sessionId } = await anna.musig2.proposeSpend({
      walletId,
      recipient: OUTSIDE,
      amountSats: 20_000n,
      feeRate: 1,
    })
    await until(() => ben.session(sessionId!)?.view.canApprove, 'Ben may approve')
    await ben.musig2.suspend('12D3KooWStranger')
    expect(ben.session(sessionId!)!.view.canApprove).toBe(true)
    await ben.musig2.suspend(anna.p2p.peerId)
    await until(() => ben.session(sessionId!)?.view.canApprove === false, 'suspended')
  })
})
