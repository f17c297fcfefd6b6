import type { Statement } from '../domain/statement'
import type { Hex } from '../domain/bytes'
import { isRelayAddress } from '../domain/config'
import type { AccountKey, PeerId } from '../domain/ids'
import { NETWORKS, type NetworkName } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { RelayList, RosterEntry, WalletRecord } from '../domain/wallet'
import type { WalletMessage } from '../wire/messages'
import {
  checkEntries,
  isSoundEntry,
  joinClaim,
  relaysClaim,
  sameEntry,
  type CheckedRoster,
  type Claim,
  type RosterError,
  type Verify,
} from './join'
import { safetyHash } from './safety'

/**
 * The record that members share about a wallet, and how it grows. Invariants:
 * 1. Id, name, network, descriptor, draft id, group secret and the keys of the roster never change after it is built.
 * 2. A confirmation is in it only if its signature over the safety hash was verified here.
 * 3. A `saved` flag is taken only from its own member: it is not signed, so nobody can pass on another's.
 * 4. Relay list and roster entries only grow in number; each newer one carries a valid signature by a member's account
 *    key.
 * 5. Merging is idempotent.
 * 6. A confirmation is never taken back. A later entry (new peer id or name) changes the safety number and is shown,
 *    but its account key
 * has proved it and the descriptor is the same: what was confirmed still holds. So a confirmation counts over the
 * roster as it was
 *    before a message or as it is after it.
 */
type RecordMessage = Extract<WalletMessage, { readonly type: 'record' }>

/** Record of a checked roster. `now` is unix seconds. */
export function buildRecord(p: {
  readonly checked: CheckedRoster
  readonly name: string
  readonly network: NetworkName
  readonly draftId: Hex
  readonly groupSecret: Hex
  readonly relayList: RelayList
  readonly self: AccountKey
  readonly now: number
}): WalletRecord {
  return {
    id: p.checked.walletId,
    name: p.name,
    network: p.network,
    genesis: NETWORKS[p.network].genesis,
    policy: { kind: 'all' },
    descriptor: p.checked.descriptor,
    roster: p.checked.roster,
    groupSecret: p.groupSecret,
    relayList: p.relayList,
    draftId: p.draftId,
    self: p.self,
    confirmations: {},
    saved: [],
    fileDeferred: false,
    createdAt: p.now,
  }
}

export const memberOfPeer = (record: WalletRecord, peerId: PeerId): RosterEntry | undefined =>
  record.roster.find(entry => entry.peerId === peerId)

/** What a member signs when it says that the safety number is the same for all. */
export function confirmStatement(
  record: WalletRecord,
  accountKey: AccountKey,
): Extract<Statement, { readonly type: 'confirm' }> {
  return { type: 'confirm', walletId: record.id, accountKey, safetyHash: safetyHash(record) }
}

/** Active: every member has confirmed and every member has saved its file. Before that no receive address is shown. */
export const isActive = (record: WalletRecord): boolean =>
  record.roster.length > 0 &&
  record.roster.every(
    ({ accountKey }) => Object.hasOwn(record.confirmations, accountKey) && record.saved.includes(accountKey),
  )

/** Adds a signature that was verified or was just made by the own vault. */
export const withConfirmation = (record: WalletRecord, accountKey: AccountKey, signature: Hex): WalletRecord => ({
  ...record,
  confirmations: { ...record.confirmations, [accountKey]: signature },
})

/** `deferred`: put off with one click (local chain only); the reminder stands until the file is really saved. */
export const withOwnFile = (record: WalletRecord, deferred: boolean): WalletRecord => ({
  ...record,
  saved: sorted([...record.saved, record.self]),
  fileDeferred: deferred,
})

/** What this member tells the others; sent on connect and on change. */
export function recordMessage(record: WalletRecord): RecordMessage {
  return {
    type: 'record',
    walletId: record.id,
    relayList: record.relayList,
    roster: record.roster,
    saved: sorted(record.saved),
    confirmations: sorted(Object.keys(record.confirmations)).map(accountKey => ({
      accountKey,
      signature: record.confirmations[accountKey] ?? '',
    })),
  }
}

const sorted = (keys: readonly string[]): string[] => [...new Set(keys)].sort()

/** What happened beside the merge; codes for messages and log. */
export type MergeNote =
  /** a member has proved a new peer id or name: every other member is shown it */
  | {
      readonly kind: 'member-changed'
      readonly accountKey: AccountKey
      readonly before: RosterEntry
      readonly after: RosterEntry
    }
  | { readonly kind: 'relays-changed'; readonly by: AccountKey; readonly number: number }
  /** left out, and the rest of the message taken */
  | {
      readonly kind: 'refused'
      readonly what: 'confirmation' | 'relay-list' | 'entry'
      readonly accountKey: AccountKey
      readonly why:
        'not-a-member' | 'bad-signature' | 'other-key' | 'contradiction' | 'peer-taken' | 'number-ahead' | 'bad-relay'
    }

export interface Merged {
  readonly record: WalletRecord
  readonly changed: boolean
  readonly notes: readonly MergeNote[]
}

/** seconds by which a list's number may be ahead of one's clock: what clocks may differ without being shown */
const LIST_AHEAD_S = 120

/**
 * What no signature excuses. A number counts changes and is at most the time, so that a member who signs the highest
 * one shuts nobody out of the next change; a list of nothing that can be dialled would cut the members off from each
 * other.
 */
function listFault(list: RelayList, now: number): 'number-ahead' | 'bad-relay' | undefined {
  if (list.number > now + LIST_AHEAD_S) return 'number-ahead'
  return list.relays.length > 0 && list.relays.every(isRelayAddress) ? undefined : 'bad-relay'
}

/** Everything in a record message that is new here and must be verified before `mergeRecord`. */
export function recordClaims(record: WalletRecord, message: RecordMessage): Claim[] {
  const entries = message.roster.filter(
    entry => (record.roster.find(e => e.accountKey === entry.accountKey)?.proofNumber ?? Infinity) < entry.proofNumber,
  )
  // invariant 6: over the roster as it is, or as it will be
  const after = { ...record, roster: record.roster.map(e => entries.find(n => n.accountKey === e.accountKey) ?? e) }
  const hashes = [...new Set([safetyHash(record), safetyHash(after)])]
  return [
    ...entries.map(entry => joinClaim(record.draftId, record.genesis, entry)),
    ...(newerList(record.relayList, message.relayList) ? [relaysClaim(record.id, message.relayList)] : []),
    ...message.confirmations
      .filter(c => !Object.hasOwn(record.confirmations, c.accountKey))
      .flatMap(c =>
        hashes.map((hash): Claim => ({
          statement: { type: 'confirm', walletId: record.id, accountKey: c.accountKey, safetyHash: hash },
          signature: c.signature,
        })),
      ),
  ]
}

/**
 * The higher number wins; of two lists with one number the one that sorts first, so that all members end with the same.
 */
function newerList(have: RelayList, got: RelayList): boolean {
  if (got.number !== have.number) return got.number > have.number
  return `${got.by}${got.signature}` < `${have.by}${have.signature}`
}

/**
 * Merges what the member `from` (known by its connection) holds of the record; `now` in unix seconds. A message of
 * another wallet changes nothing.
 */
export function mergeRecord(
  record: WalletRecord,
  from: AccountKey,
  message: RecordMessage,
  verify: Verify,
  now: number,
): Merged {
  const notes: MergeNote[] = []
  if (message.walletId !== record.id || !record.roster.some(e => e.accountKey === from))
    return { record, changed: false, notes }
  const refuse = (
    what: 'confirmation' | 'relay-list' | 'entry',
    accountKey: AccountKey,
    why: Extract<MergeNote, { kind: 'refused' }>['why'],
  ): void => {
    notes.push({ kind: 'refused', what, accountKey, why })
  }
  let next = record

  for (const entry of message.roster) {
    const have = next.roster.find(e => e.accountKey === entry.accountKey)
    const claim = joinClaim(record.draftId, record.genesis, entry)
    if (have === undefined) refuse('entry', entry.accountKey, 'not-a-member')
    else if (entry.proofNumber < have.proofNumber || sameEntry(entry, have)) continue
    else if (
      entry.xpub !== have.xpub ||
      entry.origin.fingerprint !== have.origin.fingerprint ||
      entry.origin.path !== have.origin.path
    )
      refuse('entry', entry.accountKey, 'other-key')
    else if (entry.proofNumber === have.proofNumber) refuse('entry', entry.accountKey, 'contradiction')
    else if (!isSoundEntry(record.network, entry) || !verify(claim.statement, claim.signature))
      refuse('entry', entry.accountKey, 'bad-signature')
    else if (next.roster.some(e => e.peerId === entry.peerId && e.accountKey !== entry.accountKey))
      refuse('entry', entry.accountKey, 'peer-taken')
    else {
      next = { ...next, roster: next.roster.map(e => (e.accountKey === entry.accountKey ? entry : e)) }
      notes.push({ kind: 'member-changed', accountKey: entry.accountKey, before: have, after: entry })
    }
  }

  if (newerList(next.relayList, message.relayList)) {
    const list = message.relayList
    const claim = relaysClaim(record.id, list)
    const fault = listFault(list, now)
    if (!record.roster.some(e => e.accountKey === list.by)) refuse('relay-list', list.by, 'not-a-member')
    else if (fault !== undefined) refuse('relay-list', list.by, fault)
    else if (!verify(claim.statement, claim.signature)) refuse('relay-list', list.by, 'bad-signature')
    else {
      next = { ...next, relayList: list }
      notes.push({ kind: 'relays-changed', by: list.by, number: list.number })
    }
  }

  const hashes = [...new Set([safetyHash(next), safetyHash(record)])]
  const confirms = (accountKey: AccountKey, signature: Hex): boolean =>
    hashes.some(hash => verify({ type: 'confirm', walletId: record.id, accountKey, safetyHash: hash }, signature))
  for (const { accountKey, signature } of message.confirmations) {
    if (Object.hasOwn(next.confirmations, accountKey)) continue
    if (!record.roster.some(e => e.accountKey === accountKey)) refuse('confirmation', accountKey, 'not-a-member')
    else if (!confirms(accountKey, signature)) refuse('confirmation', accountKey, 'bad-signature')
    else next = withConfirmation(next, accountKey, signature)
  }

  if (message.saved.includes(from) && !next.saved.includes(from))
    next = { ...next, saved: sorted([...next.saved, from]) }
  return { record: next, changed: next !== record, notes }
}

export type RecordFault = RosterError['code'] | 'genesis' | 'descriptor' | 'wallet-id' | 'self' | 'members'

/** Everything in a whole record that must be verified before `checkRecord`. */
export const wholeRecordClaims = (record: WalletRecord): Claim[] => [
  ...record.roster.map(entry => joinClaim(record.draftId, record.genesis, entry)),
  relaysClaim(record.id, record.relayList),
]

/**
 * A record from a file or from another member agrees with itself: descriptor and id re-derived from the roster, every
 * proof and the relay list signed. That `self` is this profile's account is for the vault to say
 * (`Signer.ownsAccount`).
 */
export function checkRecord(
  record: WalletRecord,
  verify: Verify,
): Result<WalletRecord, { readonly code: RecordFault; readonly index?: number }> {
  if (record.genesis !== NETWORKS[record.network].genesis) return err({ code: 'genesis' })
  const checked = checkEntries(record.network, record.draftId, record.roster, verify)
  if (!checked.ok) return checked
  if (checked.value.descriptor !== record.descriptor) return err({ code: 'descriptor' })
  if (checked.value.walletId !== record.id) return err({ code: 'wallet-id' })
  const keys = new Set(record.roster.map(e => e.accountKey))
  if (!keys.has(record.self)) return err({ code: 'self' })
  if ([...Object.keys(record.confirmations), ...record.saved].some(key => !keys.has(key)))
    return err({ code: 'members' })
  const relays = relaysClaim(record.id, record.relayList)
  if (!keys.has(record.relayList.by) || !verify(relays.statement, relays.signature)) return err({ code: 'relay-list' })
  return ok(record)
}
