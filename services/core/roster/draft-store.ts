import { NETWORK_NAMES } from '../domain/network'
import { MEMBERS_MAX_CODE, MEMBERS_MIN } from '../domain/policy'
import type { Result } from '../domain/result'
import { LIMITS } from '../wire/limits'
import {
  array,
  ascii,
  bool,
  decodeWith,
  encodeWith,
  field,
  hexBytes,
  name,
  oneOf,
  optional,
  struct,
  uint,
  union,
} from '../wire/schema'
import type { DecodeError } from '../wire/schema'
import {
  accountKey,
  hash,
  memberName,
  multiaddr,
  peerId,
  relayList,
  roster,
  rosterEntry,
  seconds,
} from '../wire/shapes'
import type { CreatorDraft, DraftState, JoinerDraft, Joiner, MadeWallet } from './draft-state'
import type { Invite } from './invite'
import type { RosterError } from './join'

/** Drafts as they are stored, so that every screen of creation survives a reload. */

const invite = struct<Invite>({
  network: field('net', oneOf(NETWORK_NAMES)),
  draftId: field('draft', hash),
  relays: field('relays', array(multiaddr, LIMITS.relays)),
  creatorPeerId: field('peer', peerId),
  creatorName: field('by', memberName),
  secret: field('secret', hexBytes(16)),
  walletName: field('name', name(LIMITS.nameBytes)),
  n: field('n', uint(MEMBERS_MAX_CODE, MEMBERS_MIN)),
  expiresAt: field('expiry', seconds),
})

const made = struct<MadeWallet>({
  roster: field('roster', roster),
  descriptor: field('descriptor', ascii(/^[\x20-\x7e]+$/, LIMITS.recordBytes)),
  walletId: field('wallet', hash),
  groupSecret: field('group', hash),
  createdAt: field('created', seconds),
  relayList: optional('relays', relayList),
})

const keys = array(accountKey, LIMITS.members)

const creator = struct<Omit<CreatorDraft, 'role'>>({
  invite: field('invite', invite),
  own: field('own', rosterEntry),
  phase: field('phase', oneOf(['open', 'sealing', 'closed', 'done'] as const)),
  joiners: field(
    'joiners',
    array(
      struct<Joiner>({ entry: field('entry', rosterEntry), admitted: field('in', bool) }),
      LIMITS.draftJoiners + LIMITS.members,
    ),
  ),
  removed: field('removed', array(peerId, LIMITS.draftJoiners)),
  made: optional('made', made),
  acknowledged: field('acks', keys),
  left: field('left', keys),
})

const fault = struct<RosterError>({
  code: field(
    'code',
    oneOf([
      'draft',
      'network',
      'name',
      'count',
      'order',
      'duplicate-key',
      'duplicate-peer',
      'bad-entry',
      'bad-proof',
      'own-entry',
      'creator',
      'relay-list',
    ] as const),
  ),
  index: optional('index', uint(LIMITS.members)),
})

const joiner = struct<Omit<JoinerDraft, 'role'>>({
  invite: field('invite', invite),
  own: field('own', rosterEntry),
  phase: field('phase', oneOf(['asking', 'admitted', 'done', 'ended'] as const)),
  heard: field('heard', bool),
  seats: field('seats', array(memberName, LIMITS.members)),
  walletId: optional('wallet', hash),
  end: optional(
    'end',
    oneOf(['removed', 'closed', 'full', 'unknown', 'expired', 'duplicate', 'bad-proof', 'left', 'refused'] as const),
  ),
  fault: optional('fault', fault),
  contradicted: field('contra', bool),
})

const schema = union<DraftState, 'role'>('role', 'role', { creator, joiner })
/** two rosters (joiners and made) and the descriptor */
const MAX_BYTES = LIMITS.recordBytes * 2

export const encodeDraft = (draft: DraftState): Uint8Array => encodeWith(schema, draft, MAX_BYTES)
export const decodeDraft = (data: Uint8Array): Result<DraftState, DecodeError> => decodeWith(schema, data, MAX_BYTES)
