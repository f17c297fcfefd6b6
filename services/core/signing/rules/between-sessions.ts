import type { AccountKey, OutPoint, SessionId, Txid } from '../../domain/ids'
import { outPointKey } from '../../domain/ids'
import type { Proposal } from '../../domain/proposal'
import { err, ok, type Result } from '../../domain/result'
import { rawTxid } from '../../domain/txid'
import type { Hold } from '../../domain/wallet'
import { parseTx } from '../../crypto/transaction'
import { LIMITS } from '../../wire/limits'
import { holdsCoins, voteOf, type Session } from '../protocol/state'
import { isChainEnd, isLive, isOpen } from '../protocol/table'

/** Rules over all sessions of one wallet: what no single session can know. */

interface Form {
  readonly txid: Txid | undefined
  readonly spends: readonly OutPoint[]
  readonly inputs: readonly string[]
}

const forms = new WeakMap<Proposal, Form>()

/** Nothing for a practice or what does not parse. */
function formOf(proposal: Proposal): Form {
  const known = forms.get(proposal)
  if (known) return known
  const parsed = proposal.kind === 'spend' ? parseTx(proposal.tx, LIMITS.txBytes) : undefined
  const spends = parsed?.ok ? parsed.value.inputs.map(({ txid, vout }) => ({ txid, vout })) : []
  const form = {
    txid: proposal.kind === 'spend' ? rawTxid(proposal.tx) : undefined,
    spends,
    inputs: spends.map(outPointKey),
  }
  forms.set(proposal, form)
  return form
}

/** Outpoint keys that a proposal spends. */
export const inputsOf = (proposal: Proposal): readonly string[] => formOf(proposal).inputs

/** The id that the transaction of a proposal will have: signatures do not change it. */
export const txidOfProposal = (proposal: Proposal): Txid | undefined => formOf(proposal).txid

const replacedBy = (proposal: Proposal): Txid | undefined => (proposal.kind === 'spend' ? proposal.replaces : undefined)

/** Of several proposals for one transaction the one that went furthest. */
export function sessionOfTx(sessions: readonly Session[], txid: Txid): Session | undefined {
  const found = sessions.filter(s => txidOfProposal(s.proposal) === txid)
  return found.find(s => s.signed !== undefined) ?? found.find(s => !isOpen(s.state)) ?? found[0]
}

/** What `proposal` takes the place of: the payment that it names, what that one has replaced in its turn, and so on. */
export function replacedTxids(sessions: Iterable<Session>, proposal: Proposal): ReadonlySet<Txid> {
  const all = replacedBy(proposal) === undefined ? [] : [...sessions]
  const before = (txid: Txid): Txid | undefined => {
    const s = sessionOfTx(all, txid)
    return s && replacedBy(s.proposal)
  }
  const found = new Set<Txid>()
  for (let txid = replacedBy(proposal); txid !== undefined && !found.has(txid); txid = before(txid)) found.add(txid)
  return found
}

/**
 * Coins held on this device: from my own yes until I withdraw it or the session ends; a proposal by itself holds
 * nothing.
 */
export function holdsOf(sessions: Iterable<Session>): Hold[] {
  const all = [...sessions]
  const holds: Hold[] = []
  for (const session of all) {
    if (!holdsCoins(session)) continue
    holds.push(...inputsOf(session.proposal).map(outpoint => ({ outpoint, session: session.id })))
    // what comes back from a payment that is to be replaced will not be there: nothing new is built on it
    const gone = replacedTxids(all, session.proposal)
    for (const { proposal } of gone.size === 0 ? [] : all) {
      const txid = txidOfProposal(proposal)
      if (proposal.kind !== 'spend' || txid === undefined || !gone.has(txid)) continue
      holds.push(
        ...proposal.ownOutputs.map(({ vout }) => ({ outpoint: outPointKey({ txid, vout }), session: session.id })),
      )
    }
  }
  return holds
}

/**
 * Transactions that cannot be once that of `proposal` is mined: what it replaces, and what of ours is built on that.
 */
function undoneBy(sessions: readonly Session[], proposal: Proposal): ReadonlySet<Txid> {
  const undone = new Set(replacedTxids(sessions, proposal))
  for (let before = -1; undone.size > 0 && before !== undone.size;) {
    before = undone.size
    for (const s of sessions) {
      const { txid, spends } = formOf(s.proposal)
      if (txid !== undefined && spends.some(input => undone.has(input.txid))) undone.add(txid)
    }
  }
  return undone
}

/**
 * Live sessions of which, beside `proposal`, one at most can be mined: they spend a coin which it spends too, or are
 * built on what it replaces (or it on what they replace). The session of the proposal itself is left out.
 */
export function overlaps(sessions: Iterable<Session>, proposal: Proposal, self?: SessionId): Session[] {
  const all = [...sessions]
  const mine = new Set(inputsOf(proposal))
  const undone = undoneBy(all, proposal)
  const builtOn = (p: Proposal, gone: ReadonlySet<Txid>): boolean =>
    gone.size > 0 && formOf(p).spends.some(input => gone.has(input.txid))
  return all.filter(
    s =>
      s.id !== self &&
      s.proposal !== proposal &&
      isLive(s.state) &&
      (inputsOf(s.proposal).some(key => mine.has(key)) ||
        builtOn(s.proposal, undone) ||
        (replacedBy(s.proposal) !== undefined && builtOn(proposal, undoneBy(all, s.proposal)))),
  )
}

export type ReplaceFault = 'not-sent' | 'being-replaced' | 'built-on'

/**
 * May another payment be proposed in the place of this one? It must be signed by all, and not mined. Of two
 * replacements for one payment only one can come to be, so the first is decided first, and then it is the one to be
 * replaced. What is built on its change would be undone with it.
 */
export function replaceable(sessions: Iterable<Session>, session: Session): Result<undefined, ReplaceFault> {
  const txid = txidOfProposal(session.proposal)
  if (txid === undefined || (session.state !== 'signed' && session.state !== 'broadcast')) return err('not-sent')
  const others = [...sessions].filter(s => s.id !== session.id && isLive(s.state))
  if (others.some(s => replacedBy(s.proposal) === txid)) return err('being-replaced')
  return others.some(s => holdsCoins(s) && formOf(s.proposal).spends.some(input => input.txid === txid))
    ? err('built-on')
    : ok(undefined)
}

/**
 * May the same be paid anew with the same coins? Its time is over, so that nobody signs it any more, but my part is out
 * and may have been put together: a payment of other coins could come on top of it.
 */
export const payableAgain = (session: Session, now: number): boolean =>
  session.state === 'released' && session.proposal.kind === 'spend' && now >= session.proposal.expiresAt * 1000

/**
 * Before a yes to `session`: sessions from which my yes is withdrawn first (the door tells each `withdraw`, or `cancel`
 * when I propose it), or the one that forbids the yes because it may still go out beside this one.
 *
 * A payment whose signatures are known goes out by itself: only one that replaces it, at once or by way of others, may
 * spend its coins. What this one replaces stays as it is: it is out, even if this device has not yet heard so, and to
 * cancel it would be a lie. One that has my part, but of which nobody has the whole, is no hindrance: this one spends a
 * coin of it, so both can never be mined, and it is the way out when the others of that attempt do not come back.
 */
export function beforeYes(
  sessions: Iterable<Session>,
  session: Session,
): Result<readonly Session[], { readonly code: 'may-still-go-out'; readonly session: SessionId }> {
  const all = [...sessions]
  const replaced = replacedTxids(all, session.proposal)
  const others = overlaps(all, session.proposal, session.id).filter(
    o => holdsCoins(o) && !replaced.has(txidOfProposal(o.proposal) ?? ''),
  )
  const fixed = others.find(o => !isOpen(o.state) && o.state !== 'released')
  if (fixed) return err({ code: 'may-still-go-out', session: fixed.id })
  return ok(others.filter(o => isOpen(o.state)))
}

/**
 * Has the proposer another live proposal for one of these coins, which this one does not replace? An honest device
 * never has: its own yes holds the coins until it cancels. So it tells different members different things, and neither
 * gets a yes.
 */
export function equivocates(sessions: Iterable<Session>, proposal: Proposal, self?: SessionId): boolean {
  return overlaps(sessions, proposal, self).some(
    o =>
      o.proposal.proposer === proposal.proposer && isOpen(o.state) && replacedBy(o.proposal) === replacedBy(proposal),
  )
}

/**
 * The same transaction under another proposal that has my yes, or is on the chain: signatures say nothing of this one.
 */
export const hasTwin = (sessions: Iterable<Session>, session: Session): boolean =>
  [...sessions].some(
    o =>
      o.id !== session.id &&
      txidOfProposal(o.proposal) !== undefined &&
      txidOfProposal(o.proposal) === txidOfProposal(session.proposal) &&
      (holdsCoins(o) || isChainEnd(o.state)),
  )

export type AdmissionFault = 'too-many-live' | 'too-many-undecided'

/** May another session of this proposer be taken in? Bounds what a person has to look through (limits.ts). */
export function admit(sessions: Iterable<Session>, proposer: AccountKey): Result<undefined, AdmissionFault> {
  const live = [...sessions].filter(s => isLive(s.state))
  if (live.length >= LIMITS.liveSessions) return err('too-many-live')
  const undecided = live.filter(
    s => s.proposal.proposer === proposer && isOpen(s.state) && s.members.some((_, m) => voteOf(s, m) === undefined),
  )
  return undecided.length >= LIMITS.undecidedPerProposer ? err('too-many-undecided') : ok(undefined)
}

/**
 * Sessions of a proposer that may be forgotten when he brings another: ended before anything of mine was out, and more
 * than are kept for the history. Those that run out first go first. The vault keeps that their yes is void.
 */
export function forgettable(sessions: Iterable<Session>, proposer: AccountKey): SessionId[] {
  const ended = [...sessions].filter(
    s => s.proposal.proposer === proposer && !isLive(s.state) && !isChainEnd(s.state) && s.released === undefined,
  )
  return ended
    .sort((a, b) => b.proposal.expiresAt - a.proposal.expiresAt)
    .slice(LIMITS.endedKept)
    .map(s => s.id)
}

/**
 * Change places (`branch/index`) of live sessions. Without `checked`: all of them, so that a new proposal takes another
 * one. While `checked` is being verified: those of other sessions that have my yes. A proposal that I have not approved
 * cannot go out, so it takes nothing from one that I have (otherwise a later proposal could spoil an earlier one by
 * naming its place). One that spends a coin of `checked` takes nothing either: of the two at most one can be mined.
 * Members who propose in the same moment take the same next place, and both payments must stay decidable.
 */
export function changeInUse(
  sessions: Iterable<Session>,
  checked?: Pick<Session, 'id' | 'proposal'>,
): ReadonlySet<string> {
  const places = new Set<string>()
  const coins = new Set(checked === undefined ? [] : inputsOf(checked.proposal))
  for (const s of sessions) {
    if (s.id === checked?.id || !isLive(s.state) || s.proposal.kind !== 'spend') continue
    if (checked !== undefined && (!holdsCoins(s) || inputsOf(s.proposal).some(coin => coins.has(coin)))) continue
    for (const own of s.proposal.ownOutputs) places.add(`${own.branch}/${own.index}`)
  }
  return places
}
