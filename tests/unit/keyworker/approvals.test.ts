import { beforeEach, describe, expect, it } from 'vitest'
import { messageHash, pubnoncesHash } from '../../../services/core/crypto/message-hash'
import { parseTx, serializeTx, type Tx } from '../../../services/core/crypto/transaction'
import type { AttemptName, SpendProposal } from '../../../services/core/domain/proposal'
import type { SignedMessage } from '../../../services/core/wire/messages'
import { createTestVault, TEST_PASSWORD, unlockedVault } from '../../fakes/vault'
import {
  approvedSpend,
  bodyOf,
  collectNonces,
  digestOf,
  must,
  noncesMessage,
  sessionOf,
  spendOf,
  type Group,
} from '../../support/signing'

const attempt: AttemptName = { counter: 1, hub: 0 }
const refused = (code: string, detail?: string) => ({ ok: false, error: { code, ...(detail && { detail }) } })

describe('from a yes to partials', () => {
  let group: Group
  let proposal: SpendProposal
  beforeEach(async () => {
    ;({ group, proposal } = await approvedSpend())
  })
  const me = () => group.members[1]!.vault
  const ready = async (name = attempt): Promise<{ pubnonces: Uint8Array[][]; nonces: SignedMessage }> => {
    const pubnonces = await collectNonces(group, proposal, name)
    return { pubnonces, nonces: await noncesMessage(group, proposal, name, pubnonces) }
  }

  it('the yes is idempotent, carries the digest, and is signed', async () => {
    const first = must(await me().approve(group.wallet, proposal))
    expect(must(await me().approve(group.wallet, proposal))).toEqual(first)
    expect(bodyOf(first, 'vote')).toEqual({ type: 'vote', digest: digestOf(group, proposal), choice: 'yes' })
    expect(await me().verifyMessage(first)).toBe(true)
    expect(await me().verifyMessage({ ...first, session: 'ab'.repeat(32) })).toBe(false)
    expect(await me().verifyMessage({ ...first, sender: group.members[0]!.account.accountKey })).toBe(false)
  })

  it('the same nonces give the same bytes, also after a reload; different ones are refused', async () => {
    const { pubnonces, nonces } = await ready()
    const first = must(await me().makePartials(group.wallet, proposal, nonces))
    expect(must(await me().makePartials(group.wallet, proposal, nonces))).toEqual(first)
    expect(bodyOf(first, 'partials').noncesHash).toEqual(messageHash(nonces))
    const other = await noncesMessage(group, proposal, attempt, pubnonces, {
      hashes: pubnonces.map((row, i) => (i === 2 ? new Uint8Array(32) : pubnoncesHash(row))),
    })
    expect(await me().makePartials(group.wallet, proposal, other)).toMatchObject(refused('bad-nonces'))
    const { store } = group.members[1]!
    const reloaded = createTestVault({ store, clock: group.clock, seed: 'after reload' })
    const [profile] = await reloaded.vault.profiles()
    must(await reloaded.vault.unlock({ profileId: profile!.id, password: TEST_PASSWORD, takeover: false }))
    expect(must(await reloaded.vault.makePartials(group.wallet, proposal, nonces))).toEqual(first)
    expect(await reloaded.vault.makePartials(group.wallet, proposal, other)).toMatchObject(refused('bad-nonces'))
    expect(await reloaded.vault.makeNonces(group.wallet, proposal, attempt)).toMatchObject(refused('attempt'))
    expect(
      (await reloaded.vault.makeNonces(group.wallet, proposal, { counter: 2, hub: 0 })).ok,
      'a new attempt needs no new approval',
    ).toBe(true)
  })

  it('a withdrawal that the store cannot write is void all the same', async () => {
    const { store, vault } = group.members[1]!
    const { nonces } = await ready()
    const { putVote } = store
    store.putVote = () => Promise.reject(new Error('full'))
    await vault.retract(sessionOf(group, proposal))
    store.putVote = putVote
    expect(await vault.makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('not-approved'))
    expect(await vault.makeNonces(group.wallet, proposal, { counter: 2, hub: 0 })).toMatchObject(
      refused('not-approved'),
    )
    expect(await vault.approve(group.wallet, proposal)).toMatchObject(refused('not-approved'))
  })

  it('what never had a yes leaves nothing in the store; what cannot be read is void', async () => {
    const { store, vault } = group.members[1]!
    const writes = store.writes.length
    for (let i = 0; i < 20; i++) await vault.retract(i.toString(16).padStart(64, '0'))
    expect(store.writes).toHaveLength(writes)
    const { vote } = store
    store.vote = () => Promise.reject(new Error('disk'))
    await vault.retract(sessionOf(group, proposal))
    store.vote = vote
    expect(store.writes).toHaveLength(writes + 1)
    expect(await vault.approve(group.wallet, proposal)).toMatchObject(refused('not-approved'))
  })

  it('calls side by side sign once', async () => {
    const { nonces } = await ready()
    const [a, b] = await Promise.all([
      me().makePartials(group.wallet, proposal, nonces),
      me().makePartials(group.wallet, proposal, nonces),
    ])
    expect(must(a)).toEqual(must(b))
  })

  it("refuses nonces that are not the hub's, without own hash, of another size, and leaves the handle untouched", async () => {
    const { pubnonces, nonces } = await ready()
    const body = bodyOf(nonces, 'nonces')
    const forged = (change: Partial<SignedMessage>): SignedMessage => ({ ...nonces, ...change })
    const planted = await noncesMessage(group, proposal, attempt, pubnonces, {
      hashes: [body.hashes[0]!, new Uint8Array(32).fill(9), body.hashes[2]!],
    })
    const swapped = await noncesMessage(group, proposal, attempt, pubnonces, {
      hashes: [body.hashes[1]!, body.hashes[0]!, body.hashes[2]!],
    })
    const stripped = await noncesMessage(group, proposal, attempt, pubnonces, { hashes: body.hashes.slice(0, 2) })
    const short = await noncesMessage(group, proposal, attempt, pubnonces, { aggregates: body.aggregates.slice(0, 1) })
    const byAnother = must(
      await group.members[2]!.vault.signMessage(group.wallet, nonces.session, { counter: 1, hub: 2 }, nonces.body),
    )
    for (const bad of [
      planted,
      swapped,
      stripped,
      short,
      forged({ signature: new Uint8Array(64).fill(1) }),
      forged({ body: { ...body, aggregates: [body.aggregates[1]!, body.aggregates[0]!] } }),
      forged({ session: 'cd'.repeat(32) }),
      forged({ walletId: 'cd'.repeat(32) }),
      forged({ attempt: undefined }),
      { ...byAnother, attempt },
      forged({ body: { ...body, aggregates: Array.from({ length: 2 }, () => new Uint8Array(3)) } }),
    ])
      expect(await me().makePartials(group.wallet, proposal, bad)).toMatchObject(refused('bad-nonces'))
    expect(await me().makePartials(group.wallet, proposal, byAnother), 'an attempt of another hub').toMatchObject(
      refused('attempt'),
    )
    expect((await me().makePartials(group.wallet, proposal, nonces)).ok, 'the handle is still there').toBe(true)
  })

  it('aggregates that are no points consume the handle', async () => {
    const { pubnonces, nonces } = await ready()
    const noPoint = await noncesMessage(group, proposal, attempt, pubnonces, {
      aggregates: [new Uint8Array(66).fill(4), new Uint8Array(66).fill(4)],
    })
    expect(await me().makePartials(group.wallet, proposal, noPoint)).toMatchObject(refused('bad-nonces'))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('no-nonce'))
  })

  it('an older attempt is refused, a newer one erases, a tie goes to the lower member', async () => {
    const { nonces } = await ready({ counter: 2, hub: 1 })
    for (const older of [
      { counter: 1, hub: 0 },
      { counter: 2, hub: 2 },
    ])
      expect(await me().makeNonces(group.wallet, proposal, older)).toMatchObject(refused('attempt'))
    const again = must(await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 1 }))
    expect(
      must(await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 1 })),
      'the same begin again gets the same pubnonces',
    ).toEqual(again)
    must(await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 0 }))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('attempt'))
    for (const nonsense of [
      { counter: 1.5, hub: 0 },
      { counter: 3, hub: 3 },
      { counter: 33, hub: 0 },
      { counter: -1, hub: 0 },
    ]) {
      expect(await me().makeNonces(group.wallet, proposal, nonsense)).toMatchObject(refused('attempt'))
    }
  })

  it('every attempt has fresh nonces for every input', async () => {
    const first = await collectNonces(group, proposal, { counter: 1, hub: 0 })
    const second = await collectNonces(group, proposal, { counter: 2, hub: 0 })
    const all = [...first, ...second].flat().map(nonce => nonce.toString())
    expect(new Set(all).size).toBe(12)
  })

  it('no nonce and no partial without the stored yes; a withdrawn yes is void for good', async () => {
    const { nonces } = await ready()
    const other = spendOf(group, { note: 'another' })
    expect(await me().makeNonces(group.wallet, other, attempt)).toMatchObject(refused('not-approved'))
    await me().retract(sessionOf(group, proposal))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('not-approved'))
    expect(await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 0 })).toMatchObject(refused('not-approved'))
    expect(await me().approve(group.wallet, proposal)).toMatchObject(refused('not-approved'))
  })

  it('a planted yes in the database counts for nothing', async () => {
    const { store, profile } = group.members[1]! as (typeof group.members)[1] & { profile: { id: string } }
    const other = spendOf(group, { note: 'planted' })
    const approved = await store.vote(profile.id, sessionOf(group, proposal))
    await store.putVote(profile.id, sessionOf(group, other), approved!)
    expect(await me().makeNonces(group.wallet, other, attempt)).toMatchObject(refused('not-approved'))
  })

  it('a record that cannot be read may have been a withdrawal: it never becomes a yes, and nothing is signed a second time', async () => {
    const { nonces } = await ready()
    must(await me().makePartials(group.wallet, proposal, nonces))
    const { store, profile } = group.members[1]! as (typeof group.members)[1] & { profile: { id: string } }
    const session = sessionOf(group, proposal)
    const sound = (await store.vote(profile.id, session))!
    await store.putVote(
      profile.id,
      session,
      sound.map((b, i) => (i === 40 ? b ^ 1 : b)),
    )
    expect(await me().approve(group.wallet, proposal)).toMatchObject(refused('not-approved'))
    expect(await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 0 })).toMatchObject(refused('not-approved'))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('not-approved'))
    await store.putVote(profile.id, session, sound)
    must(await me().makePartials(group.wallet, proposal, nonces))
  })

  it('a lock between nonce and signature erases the nonces', async () => {
    const { nonces } = await ready()
    const { profile } = group.members[1]! as (typeof group.members)[1] & { profile: { id: string } }
    const timers = group.clock.pending
    await me().lock()
    // they are gone at once, and their end with them
    expect(group.clock.pending).toBe(timers - 1)
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('locked'))
    expect(await me().approve(group.wallet, proposal)).toMatchObject(refused('locked'))
    must(await me().unlock({ profileId: profile.id, password: TEST_PASSWORD, takeover: false }))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('no-nonce'))
  })

  it('a lock while the store is being read signs nothing', async () => {
    const { store } = group.members[1]!
    const { nonces } = await ready()
    const read = store.vote
    const calls = [
      () => me().approve(group.wallet, spendOf(group, { note: 'x' })),
      () => me().makeNonces(group.wallet, proposal, { counter: 2, hub: 0 }),
      () => me().makePartials(group.wallet, proposal, nonces),
    ]
    const { profile } = group.members[1]! as (typeof group.members)[1] & { profile: { id: string } }
    for (const call of calls) {
      store.vote = async (...args) => {
        await me().lock()
        return read(...args)
      }
      expect(await call()).toMatchObject({ ok: false })
      store.vote = read
      must(await me().unlock({ profileId: profile.id, password: TEST_PASSWORD, takeover: false }))
    }
    expect(await me().makeNonces(group.wallet, spendOf(group, { note: 'x' }), attempt)).toMatchObject(
      refused('not-approved'),
    )
  })

  it('nonces end after 60 s and by eraseNonces', async () => {
    const { nonces } = await ready()
    await group.clock.advance(60_000)
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('no-nonce'))
    const second = await ready({ counter: 2, hub: 0 })
    await me().eraseNonces(sessionOf(group, proposal))
    expect(await me().makePartials(group.wallet, proposal, second.nonces)).toMatchObject(refused('no-nonce'))
    expect(
      await me().makeNonces(group.wallet, proposal, { counter: 2, hub: 0 }),
      'an erased attempt cannot be had again',
    ).toMatchObject(refused('attempt'))
  })

  it('expiry is tested before a yes and before partials, by the own clock', async () => {
    const soon = spendOf(group, { expiresAt: Math.floor(group.clock.now() / 1000) + 10 })
    for (const member of group.members) must(await member.vault.approve(group.wallet, soon))
    const pubnonces = await collectNonces(group, soon, attempt)
    const nonces = await noncesMessage(group, soon, attempt, pubnonces)
    const late = spendOf(group, { expiresAt: soon.expiresAt, note: 'late' })
    await group.clock.advance(10_000)
    expect(await me().approve(group.wallet, late)).toMatchObject(refused('expired'))
    expect(await me().makePartials(group.wallet, soon, nonces)).toMatchObject(refused('expired'))
  })

  it('a failing store releases nothing', async () => {
    const { store } = group.members[1]!
    const { nonces } = await ready()
    store.failing = true
    expect(await me().approve(group.wallet, spendOf(group, { note: 'x' }))).toMatchObject(refused('storage-failed'))
    expect(await me().makePartials(group.wallet, proposal, nonces)).toMatchObject(refused('storage-failed'))
    store.failing = false
    expect(
      await me().makePartials(group.wallet, proposal, nonces),
      'the handle was consumed all the same',
    ).toMatchObject(refused('no-nonce'))
    expect(await me().makeNonces(group.wallet, spendOf(group, { note: 'x' }), attempt)).toMatchObject(
      refused('not-approved'),
    )
  })

  it('breaks of form are named and get no yes', async () => {
    const tx = must(parseTx(proposal.tx))
    const withTx = (change: Partial<Tx>): SpendProposal => ({ ...proposal, tx: serializeTx({ ...tx, ...change }) })
    const [first, second] = tx.inputs as [Tx['inputs'][number], Tx['inputs'][number]]
    const cases: Array<[string, SpendProposal]> = [
      ['version', withTx({ version: 3 })],
      ['locktime', withTx({ locktime: 500_000_000 })],
      ['sequence', withTx({ inputs: [first, { ...second, sequence: 0xffffffff }] })],
      ['duplicate-input', withTx({ inputs: [first, first] })],
      ['inputs-mismatch', withTx({ inputs: [first] })],
      ['malformed-transaction', withTx({ inputs: [first, { ...second, script: Uint8Array.of(1) }] })],
      ['malformed-transaction', withTx({ inputs: [first, { ...second, witness: [new Uint8Array(64)] }] })],
      ['malformed-transaction', { ...proposal, tx: proposal.tx.slice(0, -1) }],
      ['malformed-transaction', { ...proposal, tx: Uint8Array.from([...proposal.tx, 0]) }],
      ['no-recipient', withTx({ outputs: [] })],
      ['overspend', { ...proposal, inputs: [proposal.inputs[0]!, { ...proposal.inputs[1]!, amountSats: 1n }] }],
      ['change-not-ours', { ...proposal, ownOutputs: [{ vout: 0, branch: 1, index: 4 }] }],
      ['change-not-ours', { ...proposal, ownOutputs: [{ vout: 7, branch: 1, index: 4 }] }],
      ['proposer', { ...proposal, proposer: `02${'11'.repeat(32)}` }],
      ['not-ours', { ...proposal, walletId: '11'.repeat(32) }],
      ['not-ours', { ...proposal, inputs: [proposal.inputs[0]!, { ...proposal.inputs[1]!, index: 2 ** 31 }] }],
    ]
    for (const [rule, bad] of cases)
      expect(await me().approve(group.wallet, bad), rule).toMatchObject(refused('bad-proposal', rule))
  })

  it('what has a call of its own is not signed as a message; hub messages only by the hub', async () => {
    const session = sessionOf(group, proposal)
    const digest = digestOf(group, proposal)
    const sign = (body: Parameters<ReturnType<typeof me>['signMessage']>[3], name?: AttemptName) =>
      me().signMessage(group.wallet, session, name, body)
    expect(await sign({ type: 'vote', digest, choice: 'yes' })).toMatchObject(refused('bad-proposal'))
    expect(await sign({ type: 'pubnonces', digest, pubnonces: [] })).toMatchObject(refused('bad-proposal'))
    expect(await sign({ type: 'partials', digest, noncesHash: new Uint8Array(32), partials: [] })).toMatchObject(
      refused('bad-proposal'),
    )
    expect(await sign({ type: 'begin', digest }, { counter: 1, hub: 0 })).toMatchObject(refused('bad-proposal'))
    expect(await sign({ type: 'begin', digest })).toMatchObject(refused('bad-proposal'))
    expect(await sign({ type: 'propose', proposal })).toMatchObject(refused('bad-proposal', 'proposer'))
    expect(
      await group.members[0]!.vault.signMessage(group.wallet, 'ab'.repeat(32), undefined, {
        type: 'propose',
        proposal,
      }),
    ).toMatchObject(refused('bad-proposal', 'session id'))
    expect(await sign({ type: 'cancel', reason: 'x'.repeat(5000) }), "outside the wire's bounds").toMatchObject(
      refused('bad-proposal'),
    )
    for (const good of [
      must(await sign({ type: 'vote', digest, choice: 'no' })),
      must(await sign({ type: 'begin', digest }, { counter: 1, hub: 1 })),
    ]) {
      expect(await me().verifyMessage(good)).toBe(true)
    }
  })

  it("a stranger's vault is no member, and a broken descriptor is no wallet", async () => {
    const stranger = await unlockedVault(3, { clock: group.clock })
    expect(await stranger.vault.approve(group.wallet, proposal)).toMatchObject(refused('not-a-member'))
    expect(
      await stranger.vault.signMessage(group.wallet, sessionOf(group, proposal), undefined, {
        type: 'cancel',
        reason: '',
      }),
    ).toMatchObject(refused('not-a-member'))
    expect(
      await me().approve({ ...group.wallet, descriptor: group.wallet.descriptor.replace('#', '!') }, proposal),
    ).toMatchObject(refused('not-a-member'))
  })
})
