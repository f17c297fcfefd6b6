import { describe, expect, it } from 'vitest'
import { NETWORKS } from '../../../services/core/domain/network'
import type { RosterEntry } from '../../../services/core/domain/wallet'
import { checkEntries, checkRoster, memberLabels, preverify, rosterClaims } from '../../../services/core/roster/join'
import { makeDescriptor, walletIdOf } from '../../../services/core/crypto/public-wallet'
import { byKey, DRAFT, flip, GROUP, inviteOf, person, relayListBy, verify } from './people'

const [anna, bob, cem, dora] = [person('Anna'), person('Bob'), person('Cem'), person('Dora')]
const invite = inviteOf(anna, 3)
const roster = byKey([anna.entry, bob.entry, cem.entry])
const expected = { ...invite, own: bob.entry }

function messageOf(entries: readonly RosterEntry[], change = {}) {
  const descriptor = makeDescriptor('regtest', entries)
  const walletId = descriptor.ok ? walletIdOf(NETWORKS.regtest.genesis, descriptor.value) : '00'.repeat(32)
  return {
    type: 'roster' as const,
    draftId: DRAFT,
    name: invite.walletName,
    network: 'regtest' as const,
    genesis: NETWORKS.regtest.genesis,
    roster: entries,
    groupSecret: GROUP,
    relayList: relayListBy(anna, walletId),
    ...change,
  }
}
const check = (message: ReturnType<typeof messageOf>) => {
  const r = checkRoster(message, expected, verify)
  return r.ok ? 'ok' : r.error
}

describe('checkRoster', () => {
  it('takes a good one and derives descriptor and id itself', () => {
    const r = checkRoster(messageOf(roster), expected, verify)
    const descriptor = makeDescriptor('regtest', roster)
    expect(r.ok && descriptor.ok && r.value.descriptor === descriptor.value).toBe(true)
  })

  it('names each broken rule and entry', () => {
    const at = (key: string) => roster.findIndex(e => e.accountKey === key)
    const swap = (key: string, change: Partial<RosterEntry>) =>
      roster.map(e => (e.accountKey === key ? { ...e, ...change } : e))
    expect(check(messageOf(roster, { draftId: flip(DRAFT) }))).toEqual({ code: 'draft' })
    expect(check(messageOf(roster, { network: 'signet' }))).toEqual({ code: 'network' })
    expect(check(messageOf(roster, { genesis: NETWORKS.signet.genesis }))).toEqual({ code: 'network' })
    expect(check(messageOf(roster, { name: 'Other' }))).toEqual({ code: 'name' })
    expect(check(messageOf(roster.slice(1)))).toEqual({ code: 'count' })
    expect(check(messageOf(byKey([...roster, dora.entry])))).toEqual({ code: 'count' })
    expect(check(messageOf([...roster].reverse()))).toEqual({ code: 'order', index: 1 })
    expect(check(messageOf(swap(cem.accountKey, { proof: flip(cem.entry.proof) })))).toEqual({
      code: 'bad-proof',
      index: at(cem.accountKey),
    })
    expect(check(messageOf(swap(cem.accountKey, { name: 'Mallory' })))).toEqual({
      code: 'bad-proof',
      index: at(cem.accountKey),
    })
    expect(check(messageOf(swap(cem.accountKey, { peerId: dora.peerId })))).toEqual({
      code: 'bad-proof',
      index: at(cem.accountKey),
    })
    expect(check(messageOf(swap(cem.accountKey, { xpub: dora.entry.xpub })))).toEqual({
      code: 'bad-entry',
      index: at(cem.accountKey),
    })
    expect(check(messageOf(byKey([anna.entry, bob.entry, cem.entryWith({ peerId: anna.peerId })])))).toMatchObject({
      code: 'duplicate-peer',
    })
    expect(check(messageOf(byKey([anna.entry, cem.entry, dora.entry])))).toEqual({ code: 'own-entry' })
    expect(check(messageOf(byKey([anna.entry, cem.entry, bob.entryWith({ name: 'Rob' })])))).toEqual({
      code: 'own-entry',
    })
    expect(check(messageOf(byKey([dora.entry, bob.entry, cem.entry])))).toEqual({ code: 'creator' })
    expect(check(messageOf(byKey([anna.entryWith({ name: 'Anne' }), bob.entry, cem.entry])))).toEqual({
      code: 'creator',
    })
    const good = messageOf(roster)
    expect(check({ ...good, relayList: { ...good.relayList, number: 2 } })).toEqual({ code: 'relay-list' })
    const derived = checkRoster(good, expected, verify)
    if (!derived.ok) throw new Error(derived.error.code)
    // validly signed, but by another member than the one who invited
    expect(check({ ...good, relayList: relayListBy(cem, derived.value.walletId) })).toEqual({ code: 'relay-list' })
    // the creator must not begin at a number that leaves no room
    expect(check({ ...good, relayList: relayListBy(anna, derived.value.walletId, 2 ** 32 - 1) })).toEqual({
      code: 'relay-list',
    })
  })

  it('a proof made for another draft counts for nothing', () => {
    const other = person('Cem', { draftId: flip(DRAFT) })
    expect(check(messageOf(byKey([anna.entry, bob.entry, other.entry])))).toMatchObject({ code: 'bad-proof' })
  })

  it('refuses one x-coordinate twice whatever the parity', () => {
    const key = cem.accountKey
    const twin = (key.startsWith('02') ? '03' : '02') + key.slice(2)
    const r = checkEntries('regtest', DRAFT, byKey([cem.entry, { ...dora.entry, accountKey: twin }]), () => true)
    // the twin stands for another key than its xpub says: whichever rule meets it first refuses
    expect(r.ok ? 'ok' : r.error.code).toMatch(/duplicate-key|bad-entry/)
    const both = checkEntries('regtest', DRAFT, [cem.entry, { ...cem.entry, peerId: dora.peerId }], () => true)
    expect(both).toEqual({ ok: false, error: { code: 'duplicate-key', index: 1 } })
  })

  it('with claims verified beforehand gives the same', async () => {
    const message = messageOf(roster)
    const table = await preverify(rosterClaims(message), (s, sig) => Promise.resolve(verify(s, sig)))
    expect(checkRoster(message, expected, table).ok).toBe(true)
    const bad = messageOf(roster.map(e => (e.accountKey === cem.accountKey ? { ...e, proof: flip(e.proof) } : e)))
    expect(checkRoster(bad, expected, await preverify(rosterClaims(bad), verify)).ok).toBe(false)
    expect(checkRoster(message, expected, await preverify([], verify)).ok).toBe(false)
  })
})

it('members with one name are told apart in the order of their keys', () => {
  const labels = memberLabels([
    { accountKey: 'a', name: 'Anna' },
    { accountKey: 'b', name: 'Anna' },
    { accountKey: 'c', name: 'Anna (2)' },
    { accountKey: 'd', name: 'Bob' },
  ])
  expect([...labels.values()]).toEqual(['Anna', 'Anna (2)', 'Anna (2) (2)', 'Bob'])
})
