/** Wallets in the making as the screens show them. */
import type { DraftView, SeatView } from '../domain/views'
import type { DraftState } from './draft-state'
import { inviteFragment } from './invite'

function seats(draft: DraftState): SeatView[] {
  if (draft.role === 'joiner') {
    // the creator's list: himself first; one's own seat is known by the name that one gave. Keys of the others come
    // with the roster
    const own = draft.seats.lastIndexOf(draft.own.name)
    const { accountKey } = draft.own
    const list = draft.seats.map((name, i): SeatView =>
      i === 0
        ? { name, state: 'creator' }
        : i === own
          ? { name, accountKey, state: 'self' }
          : { name, state: 'admitted' },
    )
    return own > 0 || draft.phase === 'ended'
      ? list
      : [
          ...(list.length > 0 ? list : [{ name: draft.invite.creatorName, state: 'creator' as const }]),
          { name: draft.own.name, accountKey, state: 'asking' },
        ]
  }
  return [
    { name: draft.own.name, accountKey: draft.own.accountKey, state: 'self' },
    ...draft.joiners.map((j): SeatView => ({
      name: j.entry.name,
      accountKey: j.entry.accountKey,
      state: j.admitted ? 'admitted' : 'asking',
    })),
  ]
}

function stateOf(draft: DraftState): DraftView['state'] {
  if (draft.role === 'creator') return draft.phase === 'open' ? 'gathering' : 'closing'
  if (draft.phase === 'asking') return draft.heard ? 'gathering' : 'waiting-for-creator'
  if (draft.phase === 'admitted') return 'admitted'
  if (draft.end === 'removed' || draft.end === 'full' || draft.end === 'expired') return draft.end
  return draft.phase === 'done' ? 'closing' : 'refused'
}

/** `link` makes a whole link of the fragment of an invite. */
export function draftView(d: DraftState, link: (fragment: string) => string): DraftView {
  return {
    id: d.invite.draftId,
    role: d.role,
    name: d.invite.walletName,
    network: d.invite.network,
    n: d.invite.n,
    creatorName: d.invite.creatorName,
    state: stateOf(d),
    seats: seats(d),
    expiresAt: d.invite.expiresAt,
    ...(d.role === 'creator' && d.phase === 'open' ? { inviteLink: link(inviteFragment(d.invite)) } : {}),
    ...(d.role === 'joiner' && d.end !== undefined
      ? { errorCode: d.fault === undefined ? d.end : `roster-${d.fault.code}` }
      : {}),
  }
}

/** A finished draft goes on as its wallet; the creator's stays until all have acknowledged the roster. */
export const isShown = (d: DraftState): boolean => d.phase !== 'done' && !(d.role === 'joiner' && d.end === 'left')
