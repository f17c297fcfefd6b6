import type { PeerId } from '../domain/ids'
import { NETWORKS } from '../domain/network'
import type { RosterEntry } from '../domain/wallet'
import type { JoinMessage } from '../wire/messages'
import { stepCreator } from './draft-creator'
import { stepJoiner } from './draft-joiner'
import type { CreatorDraft, DraftEffect, DraftEvent, DraftState, JoinerDraft, Step } from './draft-state'
import type { Invite } from './invite'
import { joinClaim, rosterClaims } from './join'
import type { Claim, Verify } from './join'

/**
 * A wallet in the making, on either side, as a pure machine: `step(state, event, verify) -> { state, effects }`.
 *
 *   creator   open ──close──> sealing ──signed──> closed ──all rosterOk──> done
 *   joiner    asking <──> admitted ──roster──> done          either ──> ended(reason)
 *
 * Confirming the safety number and saving the file come after it and belong to the wallet record (wallet-record.ts).
 * Invariants:
 * 1. The state is plain data. Effects are carried out in their order: the wallet record is stored first (or together
 * with the state),
 * then the state, then messages go out. So a reload in between repeats messages and loses nothing; every message may
 * arrive twice.
 * 2. Only who shows the invite secret, from the peer id that his entry names, with a valid proof, has a seat. Who does
 * not is told
 *     nothing about the others.
 *  3. Admission is of one exact entry. An admitted peer that asks with another entry waits to be admitted again.
 *  4. No two seats have one x-coordinate or one peer id. A peer that was removed stays out of this draft.
 * 5. The roster closes with exactly n members and once. From then on its content never changes; the invite secret
 * admits nobody.
 * 6. A joiner takes one roster, from the creator's peer id only, after `checkRoster`. A different one later is refused
 * and kept in mind.
 *  7. Expiry (own clock) stops new seats; who has one keeps it.
 */
/** `own` carries the join proof of the creator over the draft id of the invite. */
export const createDraft = (invite: Invite, own: RosterEntry): CreatorDraft => ({
  role: 'creator',
  invite,
  own,
  phase: 'open',
  joiners: [],
  removed: [],
  acknowledged: [],
  left: [],
})

export const joinDraft = (invite: Invite, own: RosterEntry): JoinerDraft => ({
  role: 'joiner',
  invite,
  own,
  phase: 'asking',
  heard: false,
  seats: [],
  contradicted: false,
})

/**
 * The claims in a message that must be verified (`preverify`) before it is given to `step`; none where the answer would
 * not matter.
 */
export function draftClaims(state: DraftState, from: PeerId, message: JoinMessage): readonly Claim[] {
  if (state.role === 'creator') {
    const open =
      state.phase === 'open' &&
      message.type === 'join' &&
      message.draftId === state.invite.draftId &&
      message.secret === state.invite.secret &&
      message.entry.peerId === from
    return open ? [joinClaim(state.invite.draftId, NETWORKS[state.invite.network].genesis, message.entry)] : []
  }
  const due =
    message.type === 'roster' &&
    from === state.invite.creatorPeerId &&
    message.network === state.invite.network &&
    message.roster.length === state.invite.n
  return due && (state.phase === 'asking' || state.phase === 'admitted') ? rosterClaims(message) : []
}

/** One event. A state that did not change is the same object and has no `store` effect. */
export function step(state: DraftState, event: DraftEvent, verify: Verify): Step {
  const next: Step = state.role === 'creator' ? stepCreator(state, event, verify) : stepJoiner(state, event, verify)
  if (next.state === state) return next
  const records: DraftEffect[] = next.effects.filter(effect => effect.type === 'wallet')
  return {
    state: next.state,
    effects: [...records, { type: 'store' }, ...next.effects.filter(effect => effect.type !== 'wallet')],
  }
}
