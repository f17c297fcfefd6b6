import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWorld, Person } from './people'
import type { World } from './people'

const NAMES = ['Anna', 'Ben', 'Cleo']
const people: Person[] = []

afterEach(async () => {
  await Promise.all(people.splice(0).map(p => p.close()))
})

const until = <T>(look: () => T | undefined | false, what: string): Promise<T> =>
  vi.waitFor(() => {
    const seen = look()
    if (seen === undefined || seen === false) throw new Error(`not yet: ${what}`)
    return seen
  }, { timeout: 20_000, interval: 20 })

/** n people with an active shared wallet, made through invite, admission, safety number and file. */
async function circle(world: World, n: number): Promise<{ everybody: Person[]; walletId: string }> {
  const everybody = await Promise.all(NAMES.slice(0, n).map((name, i) => Person.create(world, name, i)))
  people.push(...everybody)
  const [creator, ...joiners] = everybody as [Person, ...Person[]]
  const draft = await creator.walletsDoor.createDraft({ name: 'Boat', network: 'regtest', n })
  if (!draft.ok) throw new Error(draft.error.code)
  const link = await until(() => creator.drafts[0]?.inviteLink, 'invite link')
  for (const joiner of joiners) {
    const joined = await joiner.walletsDoor.join(link, joiner.name)
    expect(joined.ok).toBe(true)
  }
  for (const joiner of joiners) {
    const seat = await until(() => creator.drafts[0]?.seats.find(s => s.name === joiner.name && s.state === 'asking'), `${joiner.name} asks`)
    await creator.walletsDoor.admit(draft.value, seat.accountKey!)
  }
  expect((await creator.walletsDoor.closeRoster(draft.value)).ok).toBe(true)
  for (const person of everybody) await until(() => person.wallet, `${person.name} has the wallet`)
  const walletId = creator.wallet!.id
  const safety = new Set(everybody.map(p => p.wallet!.safetyNumber.join(' ')))
  expect(safety.size).toBe(1)
  for (const person of everybody) {
    expect(await person.walletsDoor.receiveAddress(walletId)).toBeUndefined()
    expect((await person.walletsDoor.confirmSafety(walletId, true)).ok).toBe(true)
    const file = await person.walletsDoor.exportFile(walletId)
    expect(await person.walletsDoor.checkFile(walletId, file!.bytes)).toEqual({ ok: true, value: true })
  }
  for (const person of everybody) await until(() => person.wallet?.phase === 'active', `${person.name} active`)
  return { everybody, walletId }
}

async function fund(world: World, everybody: Person[], walletId: string, amounts: bigint[]): Promise<void> {
  for (const sats of amounts) {
    const at = await everybody[0]!.walletsDoor.newAddress(walletId)
    const sent = await world.chain.faucet(at!.address, sats)
    if (!sent.ok) throw new Error(sent.error.detail)
  }
  world.chain.mine(1)
  const total = amounts.reduce((a, b) => a + b, 0n)
  await Promise.all(everybody.map(p => p.walletsDoor.refresh(walletId)))
  for (const person of everybody) await until(() => person.wallet?.balance.availableSats === total, `${person.name} sees ${total}`)
}

const OUTSIDE = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6'

describe('spending together over an in-memory network', () => {
  for (const n of [2, 3]) {
    it(`${n}-of-${n}: two inputs, change, everybody sees it confirmed`, async () => {
      const world = createWorld()
      const { everybody, walletId } = await circle(world, n)
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
        expect(person.wallet!.balance.heldSats).toBe(0n)
        expect(person.wallet!.balance.availableSats).toBe(done!.review!.change[0]!.sats)
      }
    })
  }

  it('a decline ends it for everybody, and the coins are free', async () => {
    const world = createWorld()
    const { everybody, walletId } = await circle(world, 2)
    await fund(world, everybody, walletId, [60_000n])
    const [anna, ben] = everybody as [Person, Person]
    const proposed = await anna.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: 20_000n, feeRate: 1 })
    const id = proposed.sessionId!
    expect(anna.wallet!.balance.heldSats).toBe(60_000n)
    await until(() => ben.session(id)?.view.canDecline, 'Ben may decline')
    await ben.musig2.decline(id)
    for (const person of everybody) {
      await until(() => person.session(id)?.view.state === 'declined', `${person.name}: declined`)
      await until(() => person.wallet!.balance.availableSats === 60_000n, 'coins free')
    }
  })

  it('a member offline: named, nothing proposed, coins free; he comes back and a second try succeeds', async () => {
    const world = createWorld()
    const { everybody, walletId } = await circle(world, 2)
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
    const world = createWorld()
    const { everybody, walletId } = await circle(world, 3)
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
})
