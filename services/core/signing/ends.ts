import type { MemberIndex } from '../domain/ids'
import type { EndReason } from '../domain/signing-state'
import { cleanText } from '../domain/text'
import { parseTx } from '../crypto/transaction'
import { LIMITS } from '../wire/limits'
import type { SignedMessage } from '../wire/messages'
import type { ChainFact, UserAction } from './events'
import { failAttempt } from './hub'
import {
  canEnd,
  canAttempt,
  emit,
  end,
  everybodyElse,
  isExpired,
  memberOf,
  move,
  offence,
  send,
  set,
  sign,
  syncBody,
  TIMES,
  type Run,
} from './run'
import { holdsCoins, hubOf, proposerOf, signatureCount, voteOf, type Session, type SignedOf } from './state'
import { isCalledOff, isChainEnd, isLive, isOpen, isSignable } from './table'

/**
 * How a session is decided: votes, the person at this screen, expiry, the chain.
 *
 * Invariants
 * 1. Before `released` any member may end it; the vault's yes is retracted first, then the end is signed, stored and
 *    told.
 * 2. From `released` on, votes, cancels and expiry are recorded or ignored, never obeyed: only the chain ends it. Who
 *    calls off what is
 *    signed does not know it yet: he is shown the signatures.
 * 3. A yes is sent only after the full check said `ok`, the clock said "not expired", and the vault stored it.
 * 4. A coin is held exactly while `holdsCoins` is true; every change of it is followed by a `holds` effect.
 */
export function onVote(run: Run, from: MemberIndex, message: SignedOf<'vote'>): void {
  const { s } = run
  const member = memberOf(s, message)
  const before = s.votes[member]
  const { choice } = message.body
  if (before && (before.body.choice !== 'yes' || choice === 'yes')) return
  set(run, { votes: s.votes.map((v, m) => (m === member ? message : v)) })
  if (choice !== 'yes' && isOpen(s.state))
    return end(run, choice === 'no' ? 'declined' : 'withdrawn', {
      code: choice === 'no' ? 'declined' : 'withdrawn',
      by: message.sender,
    })
  emit(run, { type: 'store' }, { type: 'notify', what: 'progress' })
  if (choice !== 'yes') showSignatures(run, from, message)
  // my own vote from another life: the vault of this device knows nothing of it
  if (member === s.self && choice === 'yes') set(run, { unapproved: true })
}

export function onCancel(run: Run, from: MemberIndex, message: SignedOf<'cancel'>): void {
  if (memberOf(run.s, message) !== proposerOf(run.s))
    return offence(run, memberOf(run.s, message), 'cancel-not-proposer', message)
  if (!isOpen(run.s.state)) return showSignatures(run, from, message)
  set(run, { cancel: message })
  end(run, 'cancelled', { code: message.body.reason || 'cancelled', by: message.sender })
}

/** To a member who has called off what is signed. */
export function showSignatures(run: Run, from: MemberIndex, message: SignedMessage): void {
  if (run.s.final && !isOvertaken(run.s) && memberOf(run.s, message) === from) send(run, [from], run.s.final)
}

export const canApprove = (s: Session, at: number): boolean =>
  isOpen(s.state) &&
  s.leaving === undefined &&
  !s.approving &&
  !s.locked &&
  s.propose !== undefined &&
  (voteOf(s, s.self) === undefined || s.unapproved) &&
  s.verdict?.kind === 'ok' &&
  !isExpired(s, at)
export const canDecline = (s: Session): boolean => canEnd(s) && !s.approving && voteOf(s, s.self) === undefined
export const canWithdraw = (s: Session): boolean => canEnd(s) && s.self !== proposerOf(s) && voteOf(s, s.self) === 'yes'
export const canCancel = (s: Session): boolean => canEnd(s) && s.self === proposerOf(s)
/** Everything is there for an attempt, and it will not come by itself (or not from me). */
export const canRetry = (s: Session, at: number): boolean => canAttempt(s, at) && !s.takeover

export function onUser(run: Run, action: UserAction, reason: string): void {
  const { s, at } = run
  switch (action) {
    case 'approve':
      if (!canApprove(s, at)) return
      set(run, { approving: true })
      return emit(run, { type: 'verify', purpose: 'approve' })
    case 'decline':
      return canDecline(s) ? leave(run, 'no', reason) : undefined
    case 'withdraw':
      return canWithdraw(s) ? leave(run, 'withdraw', reason) : undefined
    case 'cancel':
      return canCancel(s) ? leave(run, 'cancel', reason) : undefined
    case 'retry':
      return retry(run)
    case 'recheck':
      // once it is out nothing of it is asked any more: its own change stands on the chain by then
      if (!isSignable(s.state)) return
      // a check whose answer never came must not take the button away for good
      if (s.propose) set(run, { approving: false })
      return emit(run, { type: 'verify', purpose: 'show' })
  }
}

function leave(run: Run, leaving: 'no' | 'withdraw' | 'cancel', words: string): void {
  const { s } = run
  const reason = cleanText(words, LIMITS.noteBytes)
  // nobody has heard of it
  if (!s.propose) return end(run, 'cancelled', { code: reason || 'cancelled', by: s.members[s.self] })
  if (s.live?.hub) failAttempt(run, 'leaving')
  set(run, { leaving, leavingReason: reason, live: undefined, approving: false })
  emit(run, { type: 'retract' })
  sign(
    run,
    leaving === 'cancel' ? { type: 'cancel', reason } : { type: 'vote', digest: s.digest, choice: leaving },
    everybodyElse(s),
  )
}

/** My no, withdrawal or cancel is signed (or cannot be: then the others learn it by my never signing). */
export function finishLeaving(run: Run, message?: SignedOf<'vote'> | SignedOf<'cancel'>): void {
  const { s } = run
  const { leaving } = s
  if (!leaving || !isOpen(s.state)) return
  if (message?.body.type === 'vote')
    set(run, { votes: s.votes.map((v, m) => (m === s.self ? (message as SignedOf<'vote'>) : v)) })
  if (message?.body.type === 'cancel') set(run, { cancel: message })
  const state = leaving === 'no' ? 'declined' : leaving === 'withdraw' ? 'withdrawn' : 'cancelled'
  const code = leaving === 'cancel' && s.leavingReason ? s.leavingReason : state
  end(run, state, { code, by: s.members[s.self] })
  if (message) send(run, everybodyElse(s), message)
}

/**
 * A person asks for another attempt: the automatic budget starts anew; a silent hub is replaced at once when it cannot
 * act.
 */
function retry(run: Run): void {
  const { s, at } = run
  set(run, { failures: 0, stopped: undefined, nextAttemptAt: at })
  if (canAttempt(run.s, at) && hubOf(s) !== s.self) set(run, { takeover: true })
  if (s.connected.length > 0 && !s.locked && isLive(s.state)) sign(run, syncBody(s, true), s.connected)
}

/** Signing must not start after this; released coins are never let go by a clock. A practice has none. */
export function expire(run: Run): void {
  if (!isExpired(run.s, run.at)) return
  if (isOpen(run.s.state) || (run.s.state === 'released' && run.s.proposal.kind === 'practice'))
    end(run, 'expired', { code: 'expired' })
}

/** Unix ms at which `expire` will do something. */
export const expiryOf = (s: Session): number | undefined =>
  isOpen(s.state) || (s.state === 'released' && s.proposal.kind === 'practice')
    ? s.proposal.expiresAt * 1000
    : undefined

export function onChain(run: Run, fact: ChainFact): void {
  const { s } = run
  switch (fact.kind) {
    case 'seen':
      // nobody gave me the signatures: those on the chain are verified like a `final`
      takeSignatures(run, fact.raw)
      // while I have signed nothing a server's word alone moves nothing: what is held after it would be held for good
      return isLive(s.state) && !isOpen(s.state) ? toState(run, 'broadcast') : undefined
    case 'confirmed':
      takeSignatures(run, fact.raw)
      if (isOpen(s.state) || isCalledOff(s.state)) return
      set(run, { tip: fact.tip, height: fact.height })
      if (s.state === 'confirmed') return emit(run, { type: 'notify', what: 'progress' })
      return toState(run, 'confirmed')
    case 'missing':
      // evicted: the same bytes again; without them whoever has them is asked
      if (s.state !== 'broadcast') return
      toState(run, s.signed ? 'signed' : 'released')
      if (s.signed?.raw) emit(run, { type: 'broadcast', raw: s.signed.raw })
      else if (s.connected.length > 0 && !s.locked) sign(run, syncBody(run.s, true), s.connected)
      return
    case 'reorged':
      if (s.state !== 'confirmed' || s.proposal.kind === 'practice') return
      set(run, { height: undefined })
      toState(run, 'broadcast')
      if (s.signed?.raw) emit(run, { type: 'broadcast', raw: s.signed.raw })
      return
    case 'conflict':
      if (isOpen(s.state))
        return end(run, 'failed', {
          code: s.proposal.kind === 'spend' && s.proposal.replaces === fact.txid ? 'paid-before' : 'input-spent',
          txid: fact.txid,
        })
      // after a reorg the block may hold another one
      if (isOvertaken(s) && s.end?.txid !== fact.txid) toState(run, s.signed ? 'signed' : 'released')
      if (run.s.state === 'released' || run.s.state === 'signed' || run.s.state === 'broadcast')
        toState(run, fact.replacement ? 'replaced' : 'conflicted', {
          code: fact.replacement ? 'replaced' : 'conflicted',
          txid: fact.txid,
        })
      return
    case 'conflict-gone':
      if (!isOvertaken(s)) return
      toState(run, s.signed ? 'signed' : 'released')
      if (s.signed?.raw) emit(run, { type: 'broadcast', raw: s.signed.raw })
      return
    case 'tip':
      if (isOpen(s.state) && s.propose && !s.live && s.verdict?.kind !== 'ok')
        emit(run, { type: 'verify', purpose: 'show' })
  }
}

export const isOvertaken = (s: Session): boolean => s.state === 'replaced' || s.state === 'conflicted'

function takeSignatures(run: Run, raw: Uint8Array | undefined): void {
  const tx = raw === undefined || run.s.signed ? undefined : parseTx(raw, LIMITS.frameBytes)
  if (tx?.ok !== true) return
  const signatures = tx.value.inputs.map(i => i.witness[0]).filter(w => w?.length === 64)
  if (signatures.length === signatureCount(run.s.proposal))
    emit(run, { type: 'finalize', signatures: signatures.filter(w => w !== undefined), from: run.s.self })
}

/** A change that the chain made: its reason goes with it, and leaves with it after a reorg. */
function toState(
  run: Run,
  state: 'released' | 'signed' | 'broadcast' | 'confirmed' | 'replaced' | 'conflicted',
  reason?: EndReason,
): void {
  const held = holdsCoins(run.s)
  if (!move(run, state)) return
  const ended = isChainEnd(state)
  set(run, {
    end: reason,
    live: undefined,
    beginPending: false,
    approving: false,
    leaving: undefined,
    broadcastAt: undefined,
    broadcasts: 0,
  })
  emit(run, { type: 'store' })
  if (held !== holdsCoins(run.s)) emit(run, { type: 'holds', held: !held })
  emit(run, { type: 'notify', what: ended ? 'end' : 'state' })
}

export function onBroadcastDone(
  run: Run,
  fact: { readonly ok: boolean; readonly code?: string; readonly detail?: string },
): void {
  if (run.s.state !== 'signed') return
  if (fact.ok) return toState(run, 'broadcast')
  const wait = Math.min(TIMES.broadcastRetry * 2 ** run.s.broadcasts, TIMES.broadcastRetryMax)
  set(run, {
    broadcasts: run.s.broadcasts + 1,
    broadcastAt: run.at + wait,
    lastFailure: {
      code: `broadcast-${fact.code ?? 'failed'}`,
      by: run.s.self,
      culprit: undefined,
      input: undefined,
      proven: true,
    },
  })
  emit(run, { type: 'notify', what: 'progress' })
}

/** Known signatures whose transaction was not seen in time go out from here as well. */
export function driveBroadcast(run: Run): number | undefined {
  const { s, at } = run
  if (s.state !== 'signed' || !s.signed?.raw || s.broadcastAt === undefined) return undefined
  if (at < s.broadcastAt) return s.broadcastAt
  set(run, { broadcastAt: undefined })
  emit(run, { type: 'broadcast', raw: s.signed.raw })
  return undefined
}
