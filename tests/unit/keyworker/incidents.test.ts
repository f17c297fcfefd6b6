import { secp256k1 } from '@noble/curves/secp256k1.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { pubnoncesHash } from '../../../services/core/crypto/message-hash'
import type { AttemptName, SpendProposal } from '../../../services/core/domain/proposal'
import type { SignedMessage } from '../../../services/core/wire/messages'
import {
  createMemoryVaultStore,
  createTestVault,
  TEST_PASSWORD,
  unlockedVault,
  type MemoryVaultStore,
  type TestVault,
} from '../../fakes/vault'
import {
  approvedSpend,
  bodyOf,
  collectNonces,
  must,
  noncesMessage,
  sessionOf,
  spendOf,
  type Group,
} from '../../support/signing'

/** What has given keys away elsewhere, against the whole vault. The table of all of them is in docs/reliability.md. */
const attempt: AttemptName = { counter: 1, hub: 0 }
const refused = (code: string) => ({ ok: false, error: { code } })
const { Point } = secp256k1

let group: Group
let proposal: SpendProposal
beforeEach(async () => {
  ;({ group, proposal } = await approvedSpend())
})

const me = (): TestVault => group.members[1]!
const partials = (tab: Pick<TestVault, 'vault'>, nonces: SignedMessage) =>
  tab.vault.makePartials(group.wallet, proposal, nonces)
const pubnoncesOf = async (tab: Pick<TestVault, 'vault'>, name = attempt): Promise<Uint8Array[]> => [
  ...bodyOf(must(await tab.vault.makeNonces(group.wallet, proposal, name)), 'pubnonces').pubnonces,
]

/** All that the vault has on its disk, as another disk. */
async function copyOf(store: MemoryVaultStore): Promise<MemoryVaultStore> {
  const copy = createMemoryVaultStore()
  for (const profile of await store.profiles()) {
    await copy.putProfile((await store.profile(profile.id))!)
    const vote = await store.vote(profile.id, sessionOf(group, proposal))
    if (vote !== undefined) await copy.putVote(profile.id, sessionOf(group, proposal), vote)
  }
  return copy
}

/** A browser that is opened on this disk; with `locks` a tab of the same browser. */
async function open(
  store: MemoryVaultStore,
  seed: string,
  more: Pick<Parameters<typeof createTestVault>[0] & object, 'locks'> = {},
  takeover = false,
): Promise<TestVault> {
  const tab = createTestVault({ store, clock: group.clock, seed, ...more })
  const [profile] = await tab.vault.profiles()
  must(await tab.vault.unlock({ profileId: profile!.id, password: TEST_PASSWORD, takeover }))
  return tab
}

describe('no nonce signs twice', () => {
  it('storage snapshot restored: what was signed under it is not known, and none of its nonces either', async () => {
    const pubnonces = await collectNonces(group, proposal, attempt)
    const snapshot = await copyOf(me().store)
    const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
    must(await partials(me(), nonces))

    const restored = await open(snapshot, 'restored')
    expect(await partials(restored, nonces)).toMatchObject(refused('no-nonce'))
    // by the same name there are other nonces, which the message of then is not about
    const again = await pubnoncesOf(restored)
    expect(again).not.toEqual(pubnonces[1])
    expect(await partials(restored, nonces)).toMatchObject(refused('bad-nonces'))
    const now = await noncesMessage(
      group,
      proposal,
      attempt,
      pubnonces.map((row, i) => (i === 1 ? again : row)),
    )
    expect((await partials(restored, now)).ok).toBe(true)
  })

  it('duplicated profile: two computers with one disk have no nonce in common, and each answers only to its own', async () => {
    const twin = await open(await copyOf(me().store), 'twin')
    const pubnonces = await collectNonces(group, proposal, attempt)
    const others = await pubnoncesOf(twin)
    expect(new Set([...pubnonces[1]!, ...others].map(String)).size).toBe(4)

    const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
    expect(await partials(twin, nonces)).toMatchObject(refused('bad-nonces'))
    const mine = must(await partials(me(), nonces))
    const toTwin = await noncesMessage(
      group,
      proposal,
      attempt,
      pubnonces.map((row, i) => (i === 1 ? others : row)),
    )
    expect(await partials(me(), toTwin)).toMatchObject(refused('bad-nonces'))
    const its = must(await partials(twin, toTwin))
    expect(bodyOf(its, 'partials').partials).not.toEqual(bodyOf(mine, 'partials').partials)
  })

  it('duplicated tab: it does not open beside the first, and when it takes over the nonces of the first are gone', async () => {
    const { store, locks } = me()
    const nonces = await noncesMessage(group, proposal, attempt, await collectNonces(group, proposal, attempt))
    const tab = createTestVault({ store, locks, clock: group.clock, seed: 'tab' })
    const [profile] = await tab.vault.profiles()
    expect(await tab.vault.unlock({ profileId: profile!.id, password: TEST_PASSWORD, takeover: false })).toMatchObject(
      refused('open-elsewhere'),
    )
    must(await tab.vault.unlock({ profileId: profile!.id, password: TEST_PASSWORD, takeover: true }))
    expect(await partials(me(), nonces)).toMatchObject(refused('locked'))
    expect(await partials(tab, nonces)).toMatchObject(refused('no-nonce'))
    must(await me().vault.unlock({ profileId: profile!.id, password: TEST_PASSWORD, takeover: true }))
    expect(await partials(me(), nonces), 'back again').toMatchObject(refused('no-nonce'))
    expect(await partials(tab, nonces)).toMatchObject(refused('locked'))
  })

  it('retry of the same request: the answer that was lost on its way is the same one, and no second', async () => {
    const first = must(await me().vault.makeNonces(group.wallet, proposal, attempt))
    expect(must(await me().vault.makeNonces(group.wallet, proposal, attempt))).toEqual(first)
    const nonces = await noncesMessage(group, proposal, attempt, await collectNonces(group, proposal, attempt))
    const answers = await Promise.all([
      partials(me(), nonces),
      partials(me(), structuredClone(nonces)),
      partials(me(), nonces),
    ])
    expect(
      new Set(answers.map(answer => JSON.stringify(bodyOf(must(answer), 'partials').partials.map(String)))).size,
    ).toBe(1)
    expect(await me().vault.makeNonces(group.wallet, proposal, attempt), 'the attempt is over').toMatchObject(
      refused('attempt'),
    )
  })

  it('same handle, other aggregates: the first answer is the only one, whoever asks for the other first', async () => {
    const pubnonces = await collectNonces(group, proposal, attempt)
    const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
    const other = await noncesMessage(group, proposal, attempt, pubnonces, {
      aggregates: bodyOf(nonces, 'nonces').aggregates.map(() => pubnonces[0]![0]!),
    })
    const [a, b] = await Promise.all([partials(me(), other), partials(me(), nonces)])
    expect([a.ok, b]).toMatchObject([true, refused('bad-nonces')])
    const { store, locks } = me()
    const reloaded = await open(store, 'reloaded', { locks }, true)
    expect(await partials(reloaded, nonces)).toMatchObject(refused('bad-nonces'))
    expect(must(await partials(reloaded, other))).toEqual(must(a))
  })

  it('planted nonce: one that another has made is not signed with, although the hub says that it is mine', async () => {
    const pubnonces = await collectNonces(group, proposal, attempt)
    const planted = pubnonces.map((row, i) => (i === 1 ? pubnonces[0]! : row))
    expect(await partials(me(), await noncesMessage(group, proposal, attempt, planted))).toMatchObject(
      refused('bad-nonces'),
    )
    expect(
      (await partials(me(), await noncesMessage(group, proposal, attempt, pubnonces))).ok,
      'the handle was not touched',
    ).toBe(true)
  })

  it('swapped nonces: those of two inputs the other way round are not what was sent', async () => {
    const pubnonces = await collectNonces(group, proposal, attempt)
    const swapped = pubnonces.map(([first, second]) => [second!, first!])
    expect(await partials(me(), await noncesMessage(group, proposal, attempt, swapped))).toMatchObject(
      refused('bad-nonces'),
    )
    expect(
      (await partials(me(), await noncesMessage(group, proposal, attempt, pubnonces))).ok,
      'the handle was not touched',
    ).toBe(true)
  })

  it('pubnonces that sum to infinity: one signature, for which the culprit has none, and the handle is gone', async () => {
    const pubnonces = await collectNonces(group, proposal, attempt)
    const minus = (...points: Uint8Array[]): Uint8Array =>
      points
        .reduce((sum, p) => sum.add(Point.fromBytes(p)), Point.ZERO)
        .negate()
        .toBytes(true)
    // member 2 knows no secret of these
    pubnonces[2] = pubnonces[0]!.map((mine, i) =>
      Uint8Array.from([
        ...minus(mine.slice(0, 33), pubnonces[1]![i]!.slice(0, 33)),
        ...minus(mine.slice(33), pubnonces[1]![i]!.slice(33)),
      ]),
    )
    const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
    expect(
      bodyOf(nonces, 'nonces').aggregates.every(a => a.every(byte => byte === 0)),
      'the point at infinity, twice',
    ).toBe(true)
    const rows = await Promise.all(
      group.members.slice(0, 2).map(async m => [...bodyOf(must(await partials(m, nonces)), 'partials').partials]),
    )
    expect(
      await group.members[0]!.vault.aggregatePartials(group.wallet, proposal, pubnonces, [...rows, rows[0]!]),
    ).toEqual({ ok: false, error: { member: 2, input: 0 } })
    const honest = await noncesMessage(
      group,
      proposal,
      attempt,
      await Promise.all(pubnonces.map(async (row, i) => (i === 2 ? pubnoncesOf(group.members[2]!) : row))),
    )
    expect(await partials(me(), honest)).toMatchObject(refused('bad-nonces'))
  })

  it('one nonce for two inputs or attempts: not even when the random source says the same again and again', async () => {
    const { store } = me()
    const stuck = await unlockedVault(1, {
      clock: group.clock,
      store: await copyOf(store),
      entropy: { bytes: length => new Uint8Array(length).fill(7) },
    })
    must(await stuck.vault.approve(group.wallet, proposal))
    const all = [
      ...(await pubnoncesOf(stuck)),
      ...(await pubnoncesOf(stuck, { counter: 1, hub: 0 })),
      ...(await pubnoncesOf(stuck, { counter: 2, hub: 2 })),
      ...(await pubnoncesOf(stuck, { counter: 2, hub: 1 })),
    ]
    // the second asks for the attempt of the first once more
    expect(new Set(all.map(String)).size).toBe(6)
    const other = spendOf(group, { note: 'another' })
    must(await stuck.vault.approve(group.wallet, other))
    const elsewhere = bodyOf(must(await stuck.vault.makeNonces(group.wallet, other, attempt)), 'pubnonces').pubnonces
    expect(new Set([...all, ...elsewhere].map(String)).size).toBe(8)
    expect(elsewhere.map(nonce => pubnoncesHash([nonce]))).not.toEqual(
      all.slice(0, 2).map(nonce => pubnoncesHash([nonce])),
    )
  })
})
