import type { SessionId, WalletId } from '../../domain/ids'
import type { Proposal, SpendProposal } from '../../domain/proposal'
import type { ReplacedView, ReviewView } from '../../domain/views'
import type { RosterEntry } from '../../domain/wallet'
import { spendCode } from '../../crypto/spend-code'
import { memberLabels } from '../../roster/join'
import { sessionView, type SessionView } from './progress'
import { overlaps, payableAgain, replaceable, replacedTxids, sessionOfTx, txidOfProposal } from './wallet-sessions'
import type { Session } from '../protocol/state'
import { isLive, isOpen } from '../protocol/table'

/** One session as the screens show it. */
export interface SessionCard {
  readonly id: SessionId
  readonly walletId: WalletId
  readonly view: SessionView
  readonly review: ReviewView | null
  readonly practiceText?: string
  /** six words, the same on every screen */
  readonly spendCode: readonly string[]
  readonly proposerName: string
  /** unix seconds */
  readonly expiresAt: number
  /** other live sessions that want a coin of this one */
  readonly overlapsWith: readonly SessionId[]
  /** the payment whose place this one is to take */
  readonly replaces?: ReplacedView
  /** the live session that is to take the place of this one */
  readonly replacedBy?: SessionId
  /** signed by all and not in a block: another may be proposed in its place */
  readonly canReplace: boolean
  /** not complete in time, and my part is out: the same may be proposed anew, with the same coins */
  readonly canPayAgain: boolean
}

/** What a card shows beside the sessions themselves. */
export interface CardFacts {
  /** undefined: no wallet of this profile */
  readonly roster: (walletId: WalletId) => readonly RosterEntry[] | undefined
  /** null: not drawn yet */
  readonly drawn: (proposal: Proposal) => ReviewView | null
  readonly replaced: (
    proposal: SpendProposal,
    earlier: { readonly session: SessionId; readonly proposal: Proposal } | undefined,
  ) => ReplacedView | undefined
}

/** Sessions of all wallets as the screens show them, those that run out last first. `now`: unix ms. */
export function cardsOf(sessions: readonly Session[], facts: CardFacts, now: number): SessionCard[] {
  const byWallet = new Map(
    [...new Set(sessions.map(s => s.walletId))].map(id => [id, sessions.filter(s => s.walletId === id)]),
  )
  return sessions
    .flatMap((session): SessionCard[] => {
      const roster = facts.roster(session.walletId)
      if (roster === undefined) return []
      const { proposal } = session
      return [
        {
          id: session.id,
          walletId: session.walletId,
          view: sessionView(session, now),
          review: facts.drawn(proposal),
          ...(proposal.kind === 'practice' ? { practiceText: proposal.text } : {}),
          spendCode: spendCode(session.digest),
          proposerName: memberLabels(roster).get(proposal.proposer) ?? '',
          expiresAt: proposal.expiresAt,
          canPayAgain: payableAgain(session, now),
          ...besides(session, byWallet.get(session.walletId) ?? [], facts),
        },
      ]
    })
    .sort((a, b) => b.expiresAt - a.expiresAt)
}

/** What the other sessions of its wallet are to one. */
function besides(
  session: Session,
  all: readonly Session[],
  facts: CardFacts,
): Pick<SessionCard, 'overlapsWith' | 'replaces' | 'replacedBy' | 'canReplace'> {
  const { proposal } = session
  if (proposal.kind !== 'spend') return { overlapsWith: [], canReplace: false }
  const txid = txidOfProposal(proposal) ?? ''
  const earlier = proposal.replaces === undefined ? undefined : sessionOfTx(all, proposal.replaces)
  const replaces = facts.replaced(proposal, earlier && { session: earlier.id, proposal: earlier.proposal })
  const successor = isOpen(session.state)
    ? undefined
    : all.find(s => isLive(s.state) && s.proposal.kind === 'spend' && s.proposal.replaces === txid)
  // that one takes the place of the other is said in words of its own
  const gone = replacedTxids(all, proposal)
  const takesPlace = (s: Session) =>
    gone.has(txidOfProposal(s.proposal) ?? '') || replacedTxids(all, s.proposal).has(txid)
  return {
    overlapsWith: isLive(session.state)
      ? overlaps(all, proposal, session.id)
          .filter(s => !takesPlace(s))
          .map(s => s.id)
      : [],
    ...(replaces === undefined ? {} : { replaces }),
    ...(successor === undefined ? {} : { replacedBy: successor.id }),
    canReplace: (session.state === 'broadcast' || session.broadcasts > 0) && replaceable(all, session).ok,
  }
}
