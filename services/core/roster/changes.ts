import type { AccountKey, PeerId } from '../domain/ids'
import type { WalletRecord } from '../domain/wallet'
import { LIMITS } from '../wire/limits'
import { array, ascending, decodeWith, encodeWith, field, refine, struct } from '../wire/schema'
import { accountKey, memberName, peerId } from '../wire/shapes'
import type { MergeNote } from './wallet-record'

/**
 * What members were before they proved a new name or peer id, as long as nobody has looked at it here
 * (docs/protocol.md, "The wallet record": every other member is shown the change). Of several changes the first is
 * kept, so that a person is told of the difference to what he knew.
 */
export interface Before {
  readonly accountKey: AccountKey
  readonly name: string
  readonly peerId: PeerId
}

const changes = refine(
  array(
    struct<Before>({
      accountKey: field('key', accountKey),
      name: field('name', memberName),
      peerId: field('peer', peerId),
    }),
    LIMITS.members,
  ),
  list => ascending(list.map(b => b.accountKey)),
  'bad-order',
)

export const encodeChanges = (list: readonly Before[]): Uint8Array => encodeWith(changes, list, LIMITS.recordBytes)

/** What cannot be read is nothing to show. */
export function decodeChanges(bytes: Uint8Array): readonly Before[] {
  const read = decodeWith(changes, bytes, LIMITS.recordBytes)
  return read.ok ? read.value : []
}

/** With what a merge has brought. */
export function noteChanges(list: readonly Before[], notes: readonly MergeNote[]): readonly Before[] {
  const all = new Map(list.map(b => [b.accountKey, b]))
  for (const note of notes) {
    if (note.kind !== 'member-changed' || all.has(note.accountKey)) continue
    all.set(note.accountKey, { accountKey: note.accountKey, name: note.before.name, peerId: note.before.peerId })
  }
  return [...all.values()].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1))
}

/** Differences to the record as it is; who has changed back has not changed. */
export function changesOf(
  list: readonly Before[],
  record: WalletRecord,
): ReadonlyMap<AccountKey, { readonly name?: string; readonly moved: boolean }> {
  return new Map(
    list.flatMap(before => {
      const now = record.roster.find(e => e.accountKey === before.accountKey)
      if (now === undefined || (now.name === before.name && now.peerId === before.peerId)) return []
      return [
        [
          before.accountKey,
          { ...(now.name === before.name ? {} : { name: before.name }), moved: now.peerId !== before.peerId },
        ] as const,
      ]
    }),
  )
}
