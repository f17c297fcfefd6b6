import { describe, expect, it } from 'vitest'
import {
  changesOf,
  decodeChanges,
  encodeChanges,
  noteChanges,
  type Before,
} from '../../../services/core/roster/changes'
import type { MergeNote } from '../../../services/core/roster/wallet-record'
import type { RosterEntry, WalletRecord } from '../../../services/core/domain/wallet'
import { fakePeer } from '../../fakes/peers'

const [anna, ben, stranger] = ['anna', 'ben', 'stranger'].map(fakePeer)
const entry = (accountKey: string, name: string, peerId: string) => ({ accountKey, name, peerId }) as RosterEntry
const changed = (before: RosterEntry, after: RosterEntry): MergeNote => ({
  kind: 'member-changed',
  accountKey: before.accountKey,
  before,
  after,
})
const was = [entry(anna!.accountKey, 'Anna', anna!.peerId), entry(ben!.accountKey, 'Ben', ben!.peerId)] as const
const recordOf = (...roster: RosterEntry[]) => ({ roster }) as unknown as WalletRecord

describe('what a member changed while nobody looked', () => {
  it('is the difference to what was known, over any number of changes', () => {
    const second = entry(ben!.accountKey, 'Benny', ben!.peerId)
    const third = entry(ben!.accountKey, 'Benjamin', stranger!.peerId)
    let list: readonly Before[] = []
    list = noteChanges(list, [changed(was[1], second)])
    list = noteChanges(list, [changed(second, third), { kind: 'relays-changed', by: anna!.accountKey, number: 2 }])
    expect([...changesOf(list, recordOf(was[0], third))]).toEqual([[ben!.accountKey, { name: 'Ben', moved: true }]])
    expect([...changesOf(list, recordOf(was[0], second))]).toEqual([[ben!.accountKey, { name: 'Ben', moved: false }]])
    expect([...changesOf(list, recordOf(...was))], 'who has changed back has not changed').toEqual([])
  })

  it('reads back from the store; what cannot be read is nothing to show', () => {
    const list = noteChanges(
      [],
      was.map(before => changed(before, { ...before, name: `${before.name} the second` })),
    )
    expect(list).toHaveLength(2)
    expect(decodeChanges(encodeChanges(list))).toEqual(list)
    expect(decodeChanges(Uint8Array.of(1, 2, 3))).toEqual([])
  })
})
