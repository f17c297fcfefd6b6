import type { SessionFacts } from '../../spend/verify-proposal'
import type { Session } from '../protocol/state'
import { isChainEnd, isLive, isOpen } from '../protocol/table'
import { changeInUse, equivocates, holdsOf, replacedTxids, sessionOfTx } from './between-sessions'

/** `sessions`: all of the wallet, `session` itself included. */
export function sessionFacts(sessions: readonly Session[], session: Session): SessionFacts {
  const { proposal } = session
  const facts = {
    changeInUse: changeInUse(sessions, session),
    equivocates: equivocates(sessions, proposal, session.id),
  }
  if (proposal.kind !== 'spend' || proposal.replaces === undefined) return facts
  const old = sessionOfTx(sessions, proposal.replaces)
  if (old?.proposal.kind !== 'spend') return facts
  const isOut = isChainEnd(old.state) || (isLive(old.state) && !isOpen(old.state))
  return {
    ...facts,
    replacedBefore: replacedTxids(sessions, proposal),
    ...(isOut ? { replaced: { proposal: old.proposal, confirmed: old.state === 'confirmed' } } : {}),
  }
}

/** Coins and change indices of live sessions: neither is taken twice. */
export interface SessionHolds {
  readonly outpoints: ReadonlySet<string>
  readonly change: ReadonlySet<number>
}

export function sessionHolds(sessions: readonly Session[]): SessionHolds {
  const change = [...changeInUse(sessions)].flatMap(place => (place.startsWith('1/') ? [Number(place.slice(2))] : []))
  return { outpoints: new Set(holdsOf(sessions).map(h => h.outpoint)), change: new Set(change) }
}
