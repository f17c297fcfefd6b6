import { decode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame } from '../../../services/core/wire/codec'
import { relaysClaim, preverify } from '../../../services/core/roster/join'
import { safetyHash, safetyNumber, safetyQr, matchesSafetyQr } from '../../../services/core/roster/safety'
import {
  checkRecord,
  confirmStatement,
  isActive,
  memberOfPeer,
  mergeRecord,
  recordClaims,
  recordMessage,
  wholeRecordClaims,
  withConfirmation,
  withOwnFile,
} from '../../../services/core/roster/wallet-record'
import {
  decodeWalletFile,
  encodeWalletFile,
  unwrapWalletFile,
  wrapWalletFile,
} from '../../../services/core/roster/file'
import type { WalletRecord } from '../../../services/core/domain/wallet'
import type { Wire } from '../../../services/core/wire/cbor'
import { bounded, misshapen, mutated, mutatedText } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'
import { flip, NOW, person, peerIdOf, RELAY, recordOf, relayListBy, verify, type Person } from './people'

const [anna, bob, cem] = [person('Anna'), person('Bob'), person('Cem')]
const all = [anna, bob, cem]
const at = (p: Person): WalletRecord => recordOf(p, all)
const confirmed = (record: WalletRecord, who: Person): WalletRecord =>
  withConfirmation(record, who.accountKey, who.sign(confirmStatement(record, who.accountKey)))
const message = (record: WalletRecord) => {
  const decoded = decodeFrame('wallet', encodeFrame('wallet', recordMessage(record)))
  if (!decoded.ok || decoded.value.type !== 'record') throw new Error('codec')
  return decoded.value
}

describe('the wallet record', () => {
  it('becomes active when all have confirmed and saved, in any order and with repeats', () => {
    const records = all.map(p => withOwnFile(confirmed(at(p), p), false))
    const merged = records.map((own, i) => {
      let record = own
      for (let round = 0; round < 2; round++)
        for (const j of [2, 0, 1]) {
          const other = records[j]
          const from = all[j]
          if (j === i || other === undefined || from === undefined) continue
          expect(isActive(record)).toBe(round > 0)
          const next = mergeRecord(record, from.accountKey, message(other), verify, NOW)
          expect(next.notes).toEqual([])
          expect(next.changed).toBe(round === 0)
          record = next.record
        }
      return record
    })
    for (const record of merged) expect(isActive(record)).toBe(true)
  })

  it('takes a saved flag only from its own member, a confirmation from anybody with a good signature', () => {
    let theirs = confirmed(confirmed(at(bob), bob), cem)
    theirs = { ...theirs, saved: [...theirs.roster.map(e => e.accountKey)] }
    const { record } = mergeRecord(at(anna), bob.accountKey, message(theirs), verify, NOW)
    expect(record.saved).toEqual([bob.accountKey])
    const hearsay = { ...message(theirs), saved: [cem.accountKey] }
    expect(mergeRecord(at(anna), bob.accountKey, hearsay, verify, NOW).record.saved).toEqual([])
    expect(Object.keys(record.confirmations).sort()).toEqual([bob.accountKey, cem.accountKey].sort())
  })

  it('refuses by name what is not signed or not a member, and takes the rest', () => {
    const stranger = person('Eve')
    const theirs = confirmed(at(bob), bob)
    const bad = {
      ...message(theirs),
      confirmations: [
        ...message(theirs).confirmations,
        { accountKey: cem.accountKey, signature: flip(bob.sign(confirmStatement(theirs, cem.accountKey))) },
        { accountKey: stranger.accountKey, signature: stranger.sign(confirmStatement(theirs, stranger.accountKey)) },
      ],
    }
    const merged = mergeRecord(at(anna), bob.accountKey, bad, verify, NOW)
    expect(Object.keys(merged.record.confirmations)).toEqual([bob.accountKey])
    expect(merged.notes).toEqual([
      { kind: 'refused', what: 'confirmation', accountKey: cem.accountKey, why: 'bad-signature' },
      { kind: 'refused', what: 'confirmation', accountKey: stranger.accountKey, why: 'not-a-member' },
    ])
    const own = at(anna)
    expect(mergeRecord(own, stranger.accountKey, message(theirs), verify, NOW)).toEqual({
      record: own,
      changed: false,
      notes: [],
    })
    expect(mergeRecord(own, bob.accountKey, { ...message(theirs), walletId: flip(own.id) }, verify, NOW)).toEqual({
      record: own,
      changed: false,
      notes: [],
    })
  })

  it('a confirmation of another roster does not count', () => {
    const other = {
      ...at(bob),
      roster: at(bob).roster.map(e => (e.accountKey === cem.accountKey ? cem.entryWith({ name: 'Kem' }) : e)),
    }
    const sig = bob.sign(confirmStatement(other, bob.accountKey))
    const merged = mergeRecord(
      at(anna),
      bob.accountKey,
      { ...message(at(bob)), confirmations: [{ accountKey: bob.accountKey, signature: sig }] },
      verify,
      NOW,
    )
    expect(merged.record.confirmations).toEqual({})
  })

  it('relay list: the higher signed number wins, two of one number end the same everywhere', () => {
    const own = at(anna)
    const newer = {
      ...message(at(bob)),
      relayList: relayListBy(cem, own.id, 2, [RELAY, RELAY.replace('relay', 'other')]),
    }
    const merged = mergeRecord(own, bob.accountKey, newer, verify, NOW)
    expect(merged.record.relayList.number).toBe(2)
    expect(merged.notes).toEqual([{ kind: 'relays-changed', by: cem.accountKey, number: 2 }])
    expect(mergeRecord(merged.record, bob.accountKey, message(at(bob)), verify, NOW)).toMatchObject({ changed: false })
    const forged = { ...newer, relayList: { ...newer.relayList, relays: [RELAY] } }
    expect(mergeRecord(own, bob.accountKey, forged, verify, NOW)).toMatchObject({
      changed: false,
      notes: [{ what: 'relay-list', why: 'bad-signature' }],
    })
    const lists = [relayListBy(bob, own.id, 2), relayListBy(cem, own.id, 2)]
    const ends = [lists, [...lists].reverse()].map(
      order =>
        order.reduce(
          (r, relayList) => mergeRecord(r, bob.accountKey, { ...message(own), relayList }, verify, NOW).record,
          own,
        ).relayList,
    )
    expect(ends[0]).toEqual(ends[1])
  })

  it('relay list: no number shuts out the next change, and a list of nothing to dial is none', () => {
    const own = at(anna)
    const offer = (number: number, relays?: readonly string[]) =>
      mergeRecord(
        own,
        bob.accountKey,
        { ...message(own), relayList: relayListBy(cem, own.id, number, relays) },
        verify,
        NOW,
      )
    for (const number of [2 ** 32 - 1, NOW + 121])
      expect(offer(number)).toEqual({
        record: own,
        changed: false,
        notes: [{ kind: 'refused', what: 'relay-list', accountKey: cem.accountKey, why: 'number-ahead' }],
      })
    // the highest that is taken leaves room for another as soon as the clock has gone on
    const highest = offer(NOW + 120).record
    expect(highest.relayList.number).toBe(NOW + 120)
    const next = mergeRecord(
      highest,
      bob.accountKey,
      { ...message(highest), relayList: relayListBy(bob, own.id, NOW + 121) },
      verify,
      NOW + 1,
    )
    expect(next.record.relayList.number).toBe(NOW + 121)
    for (const relays of [[], ['/dns4/relay.example/tcp/443/wss']])
      expect(offer(2, relays).notes).toEqual([
        { kind: 'refused', what: 'relay-list', accountKey: cem.accountKey, why: 'bad-relay' },
      ])
  })

  it('a new peer id comes with a higher number and a proof, is shown, and keeps confirmations', () => {
    const own = all.reduce(confirmed, at(anna))
    const moved = cem.entryWith({ peerId: peerIdOf('Cem elsewhere'), proofNumber: 2 })
    const withEntry = (entry: typeof moved) => ({
      ...message(own),
      roster: own.roster.map(e => (e.accountKey === cem.accountKey ? entry : e)),
    })
    const merged = mergeRecord(own, bob.accountKey, withEntry(moved), verify, NOW)
    expect(memberOfPeer(merged.record, moved.peerId)?.accountKey).toBe(cem.accountKey)
    expect(merged.notes).toEqual([
      { kind: 'member-changed', accountKey: cem.accountKey, before: cem.entry, after: moved },
    ])
    expect(merged.record.confirmations).toEqual(own.confirmations)
    expect(safetyHash(merged.record)).not.toBe(safetyHash(own))
    // a lower number never replaces a higher
    expect(mergeRecord(merged.record, bob.accountKey, message(own), verify, NOW)).toMatchObject({
      changed: false,
      notes: [],
    })
    const why = (entry: typeof moved) =>
      mergeRecord(own, bob.accountKey, withEntry(entry), verify, NOW).notes.map(n =>
        n.kind === 'refused' ? n.why : n.kind,
      )
    expect(why({ ...moved, proof: flip(moved.proof) })).toEqual(['bad-signature'])
    expect(why({ ...moved, xpub: bob.entry.xpub })).toEqual(['other-key'])
    expect(why(cem.entryWith({ name: 'Kem' }))).toEqual(['contradiction'])
    expect(why(cem.entryWith({ peerId: bob.peerId, proofNumber: 2 }))).toEqual(['peer-taken'])
    // who comes back with the old roster takes the new entry and the confirmations of the old number together
    const restored = mergeRecord(at(bob), anna.accountKey, message(merged.record), verify, NOW)
    expect(restored.record.confirmations).toEqual(own.confirmations)
  })

  it('merges the same with claims verified beforehand', async () => {
    const own = at(anna)
    const theirs = { ...message(confirmed(at(bob), bob)), relayList: relayListBy(bob, own.id, 2) }
    const table = await preverify(recordClaims(own, theirs), verify)
    expect(mergeRecord(own, bob.accountKey, theirs, table, NOW)).toEqual(
      mergeRecord(own, bob.accountKey, theirs, verify, NOW),
    )
    expect(recordClaims(mergeRecord(own, bob.accountKey, theirs, verify, NOW).record, theirs)).toEqual([])
  })
})

describe('a whole record, from a file or a member', () => {
  const good = withOwnFile(all.reduce(confirmed, at(anna)), false)
  const codeOf = (record: WalletRecord) => {
    const r = checkRecord(record, verify)
    return r.ok ? 'ok' : r.error.code
  }

  it('agrees with itself', async () => {
    expect(codeOf(good)).toBe('ok')
    expect(checkRecord(good, await preverify(wholeRecordClaims(good), verify)).ok).toBe(true)
    expect(codeOf({ ...good, genesis: flip(good.genesis) })).toBe('genesis')
    expect(codeOf({ ...good, id: flip(good.id) })).toBe('wallet-id')
    expect(codeOf({ ...good, descriptor: recordOf(anna, [anna, bob]).descriptor })).toBe('descriptor')
    expect(codeOf({ ...good, roster: good.roster.slice(1) })).toBe('descriptor')
    expect(codeOf({ ...good, draftId: flip(good.draftId) })).toBe('bad-proof')
    expect(codeOf({ ...good, self: person('Eve').accountKey })).toBe('self')
    expect(codeOf({ ...good, saved: [person('Eve').accountKey] })).toBe('members')
    expect(codeOf({ ...good, relayList: { ...good.relayList, number: 9 } })).toBe('relay-list')
  })

  it('comes back from its file', () => {
    const labels = [
      { ref: 'bcrt1pxyz', text: 'Deposit Anna' },
      { ref: 'aa'.repeat(32), text: 'Rent' },
    ]
    const sealed = encodeWalletFile(good, labels).map(b => b ^ 0x55)
    const file = wrapWalletFile(good, sealed)
    expect(JSON.parse(file)).toMatchObject({
      format: 'tandem-wallet',
      version: 1,
      name: 'Holiday fund',
      network: 'regtest',
    })
    expect(file).not.toContain(good.groupSecret)
    const read = unwrapWalletFile(file)
    if (!read.ok) throw new Error(read.error.code)
    expect(read.value.hint).toEqual({ name: good.name, network: 'regtest', createdAt: good.createdAt })
    const content = decodeWalletFile(read.value.sealed.map(b => b ^ 0x55))
    expect(content).toEqual({ ok: true, value: { record: good, labels: [labels[1], labels[0]] } })
  })

  it('a file that is damaged, foreign or newer says so', () => {
    const file = wrapWalletFile(good, new Uint8Array([1, 2, 3]))
    const code = (text: string) => {
      const r = unwrapWalletFile(text)
      return r.ok ? 'ok' : r.error.code
    }
    expect(code(file)).toBe('ok')
    for (const text of [
      '',
      '{}',
      'null',
      '[]',
      '7',
      file.slice(0, -3),
      file.replace('tandem-wallet', 'other'),
      file.replace('AQID', 'A=QI'),
      file.replace('regtest', 'mainnet'),
      file.replace('"body"', '"bodi"'),
    ])
      expect(code(text), text).toBe('damaged')
    expect(code(file.replace('"version": 1', '"version": 2'))).toBe('newer-version')
    expect(decodeWalletFile(encodeWalletFile(good, []).slice(0, -1))).toEqual({ ok: false, error: { code: 'damaged' } })
  })
})

describe('reading a wallet file is total', LONG_LIMIT, () => {
  const record = withOwnFile(all.reduce(confirmed, at(anna)), false)
  const plain = encodeWalletFile(record, [
    { ref: 'bcrt1pxyz', text: 'Deposit Anna' },
    { ref: 'aa'.repeat(32), text: 'Rent' },
  ])
  const file = wrapWalletFile(record, plain)

  it('any text around', () => {
    const json = fc
      .anything({ maxDepth: 2, withBigInt: false })
      .map(value =>
        JSON.stringify({ ...(JSON.parse(file) as object), ...(typeof value === 'object' ? value : { body: value }) }),
      )
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.json(), json, mutatedText([file]))
    fc.assert(
      fc.property(text, t => {
        const r = bounded(() => unwrapWalletFile(t))
        if (!r.ok && !['damaged', 'newer-version', 'too-large'].includes(r.error.code))
          throw new Error(JSON.stringify(r))
      }),
      { numRuns: times(1_000, 20_000) },
    )
  })

  it('any bytes inside: refused, or the one encoding of another file', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated([plain]), misshapen([decode(plain) as Wire])),
        bytes => {
          const r = bounded(() => decodeWalletFile(bytes))
          if (!r.ok) return
          if (!Buffer.from(encodeWalletFile(r.value.record, r.value.labels)).equals(bytes))
            throw new Error('is not its encoding')
          // what is done with it next: no signature verifies, and nothing of it may throw
          bounded(() => checkRecord(r.value.record, () => false))
          bounded(() => checkRecord(r.value.record, () => true))
        },
      ),
      { numRuns: times(500, 20_000) },
    )
  })
})

describe('the safety number', () => {
  const record = at(anna)
  const hash = safetyHash(record)

  it('is 12 groups of 5 digits, equal for all members', () => {
    expect(safetyNumber(hash)).toHaveLength(12)
    for (const group of safetyNumber(hash)) expect(group).toMatch(/^\d{5}$/)
    for (const p of all) expect(safetyHash(at(p))).toBe(hash)
    expect(safetyHash({ ...record, roster: [...record.roster].reverse() })).toBe(hash)
    expect(safetyNumber('00'.repeat(32)).join('')).toBe('0'.repeat(60))
    expect(safetyNumber('00'.repeat(31) + '07').join(' ')).toBe('00000 '.repeat(11) + '00007')
  })

  it('changes with everything that it covers', () => {
    const changed = [
      { ...record, network: 'signet' as const },
      { ...record, descriptor: `${record.descriptor}x` },
      recordOf(anna, [anna, bob]),
      ...[{ name: 'Bo' }, { peerId: peerIdOf('x') }, { proofNumber: 2 }].map(change => ({
        ...record,
        roster: record.roster.map(e => (e.accountKey === bob.accountKey ? bob.entryWith(change) : e)),
      })),
    ]
    const numbers = new Set([record, ...changed].map(r => safetyNumber(safetyHash(r)).join(' ')))
    expect(numbers.size).toBe(changed.length + 1)
  })

  it('is compared by QR code too', () => {
    expect(matchesSafetyQr(` ${safetyQr(hash)}\n`, hash)).toBe(true)
    expect(matchesSafetyQr(safetyQr(flip(hash)), hash)).toBe(false)
    expect(matchesSafetyQr('https://example.org', hash)).toBeUndefined()
  })
})

it('a relays statement holds only what was signed', () => {
  const list = relayListBy(anna, at(anna).id)
  expect(relaysClaim(at(anna).id, list).statement).toEqual({
    type: 'relays',
    walletId: at(anna).id,
    accountKey: anna.accountKey,
    number: 1,
    relays: [RELAY],
  })
})
