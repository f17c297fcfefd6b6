import type { AccountKey, SessionId } from '../domain/ids'
import { outPointKey } from '../domain/ids'
import type { Proposal } from '../domain/proposal'
import { err, ok, type Result } from '../domain/result'
import type { Hold } from '../domain/wallet'
import { parseTx } from '../crypto/transaction'
import { LIMITS } from '../wire/limits'
import { holdsCoins, voteOf, type Session } from './state'
import { isChainEnd, isLive, isOpen } from './table'

/** Rules over all sessions of one wallet: what no single session can know. */

const spent = new WeakMap<Proposal, readonly string[]>()

/** Outpoint keys that a proposal spends; none for a practice or what does not parse. */
export function inputsOf(proposal: Proposal): readonly string[] {
  const known = spent.get(proposal)
  if (known) return known
  const parsed = proposal.kind === 'spend' ? parseTx(proposal.tx, LIMITS.txBytes) : undefined
  const keys = parsed?.ok ? parsed.value.inputs.map(outPointKey) : []
  spent.set(proposal, keys)
  return keys
}

/** Coins held on this device: from my own yes until I withdraw it or the session ends; a proposal by itself holds nothing. */
export function holdsOf(sessions: Iterable<Session>): Hold[] {
  const holds: Hold[] = []
  for (const session of sessions) {
    if (holdsCoins(session)) holds.push(...inputsOf(session.proposal).map(outpoint => ({ outpoint, session: session.id })))
  }
  return holds
}

/** Live sessions that spend a coin which `proposal` spends too; the session of the proposal itself is left out. */
export function overlaps(sessions: Iterable<Session>, proposal: Proposal, self?: SessionId): Session[] {
  const mine = new Set(inputsOf(proposal))
  return [...sessions].filter(s => s.id !== self && s.proposal !== proposal && isLive(s.state) && inputsOf(s.proposal).some(key => mine.has(key)))
}

/**
 * Before a yes to `session`: sessions from which my yes is withdrawn first (the door tells each `withdraw`, or `cancel` when I
 * propose it), or the one that forbids the yes because it may still go out beside this one.
 *
 * A payment whose signatures are known goes out by itself: only one that names it in `replaces` may spend its coins. One that has my
 * part, but of which nobody has the whole, is no hindrance: this one spends a coin of it, so both can never be mined, and it is the
 * way out when the others of that attempt do not come back.
 */
export function beforeYes(sessions: Iterable<Session>, session: Session): Result<readonly Session[], { readonly code: 'may-still-go-out'; readonly session: SessionId }> {
  const others = overlaps(sessions, session.proposal, session.id).filter(holdsCoins)
  const replaces = session.proposal.kind === 'spend' ? session.proposal.replaces : undefined
  const fixed = others.find(o => !isOpen(o.state) && o.state !== 'released' && (replaces === undefined || o.signed?.txid !== replaces))
  if (fixed) return err({ code: 'may-still-go-out', session: fixed.id })
  return ok(others.filter(o => isOpen(o.state)))
}

/**
 * Has the proposer another live proposal for one of these coins, which this one does not replace? An honest device never has:
 * its own yes holds the coins until it cancels. So it tells different members different things, and neither gets a yes.
 */
export function equivocates(sessions: Iterable<Session>, proposal: Proposal, self?: SessionId): boolean {
  const replaced = (p: Proposal): string | undefined => p.kind === 'spend' ? p.replaces : undefined
  return overlaps(sessions, proposal, self).some(o => o.proposal.proposer === proposal.proposer && isOpen(o.state) && replaced(o.proposal) === replaced(proposal))
}

export type AdmissionFault = 'too-many-live' | 'too-many-undecided'

/** May another session of this proposer be taken in? Bounds what a person has to look through (limits.ts). */
export function admit(sessions: Iterable<Session>, proposer: AccountKey): Result<undefined, AdmissionFault> {
  const live = [...sessions].filter(s => isLive(s.state))
  if (live.length >= LIMITS.liveSessions) return err('too-many-live')
  const undecided = live.filter(s => s.proposal.proposer === proposer && isOpen(s.state) && s.members.some((_, m) => voteOf(s, m) === undefined))
  return undecided.length >= LIMITS.undecidedPerProposer ? err('too-many-undecided') : ok(undefined)
}

/**
 * Sessions of a proposer that may be forgotten when he brings another: ended before anything of mine was out, and more than are kept
 * for the history. Those that run out first go first. The vault keeps that their yes is void.
 */
export function forgettable(sessions: Iterable<Session>, proposer: AccountKey): SessionId[] {
  const ended = [...sessions].filter(s => s.proposal.proposer === proposer && !isLive(s.state) && !isChainEnd(s.state) && s.released === undefined)
  return ended.sort((a, b) => b.proposal.expiresAt - a.proposal.expiresAt).slice(LIMITS.endedKept).map(s => s.id)
}

/**
 * Change places (`branch/index`) of live sessions. Without `checked`: all of them, so that a new proposal takes another one.
 * While `checked` is being verified: those of other sessions that have my yes. A proposal that I have not approved cannot go
 * out, so it takes nothing from one that I have (otherwise a later proposal could spoil an earlier one by naming its place). One that
 * spends a coin of `checked` takes nothing either: of the two at most one can be mined. Members who propose in the same moment take the
 * same next place, and both payments must stay decidable.
 */
export function changeInUse(sessions: Iterable<Session>, checked?: Pick<Session, 'id' | 'proposal'>): ReadonlySet<string> {
  const places = new Set<string>()
  const coins = new Set(checked === undefined ? [] : inputsOf(checked.proposal))
  for (const s of sessions) {
    if (s.id === checked?.id || !isLive(s.state) || s.proposal.kind !== 'spend') continue
    if (checked !== undefined && (!holdsCoins(s) || inputsOf(s.proposal).some(coin => coins.has(coin)))) continue
    for (const own of s.proposal.ownOutputs) places.add(`${own.branch}/${own.index}`)
  }
  return places
}
