import type { SessionId, WalletId } from '../../domain/ids'
import type { Proposal, SpendProposal } from '../../domain/proposal'
import type { ReplacedView, ReviewView } from '../../domain/views'
import type { RosterEntry } from '../../domain/wallet'
import { spendCode } from '../../crypto/spend-code'
import { memberLabels } from '../../roster/join'
import { sessionView, type SessionView } from './progress'
import { overlaps, payableAgain, replaceable, replacedTxids, sessionOfTx, txidOfProposal } from './between-sessions'
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
  readonly roster: readonly RosterEntry[]
  /** null: not prepared yet */
  reviewOf(proposal: Proposal): ReviewView | null
  replacedView(
    proposal: SpendProposal,
    earlier: { readonly session: SessionId; readonly proposal: Proposal } | undefined,
  ): ReplacedView | undefined
}

/** Sessions of one wallet as the screens show them. `now`: unix ms. */
export function cardsOf(sessions: readonly Session[], facts: CardFacts, now: number): SessionCard[] {
  const labels = memberLabels(facts.roster)
  return sessions.map((session): SessionCard => {
    const { proposal } = session
    return {
      id: session.id,
      walletId: session.walletId,
      view: sessionView(session, now),
      review: facts.reviewOf(proposal),
      ...(proposal.kind === 'practice' ? { practiceText: proposal.text } : {}),
      spendCode: spendCode(session.digest),
      proposerName: labels.get(proposal.proposer) ?? '',
      expiresAt: proposal.expiresAt,
      canPayAgain: payableAgain(session, now),
      ...besides(session, sessions, facts),
    }
  })
}

/** Sessions of all wallets in one list: those that run out last come first. */
export const inOrder = (cards: readonly SessionCard[]): SessionCard[] =>
  [...cards].sort((a, b) => b.expiresAt - a.expiresAt)

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
  const replaces = facts.replacedView(proposal, earlier && { session: earlier.id, proposal: earlier.proposal })
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
