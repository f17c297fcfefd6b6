import type { MemberIndex } from '../../domain/ids'
import type { EndReason } from '../../domain/signing-state'
import { cleanText } from '../../domain/text'
import { parseTx } from '../../crypto/transaction'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
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
  type StepContext,
} from './step-context'
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
export function onVote(context: StepContext, from: MemberIndex, message: SignedOf<'vote'>): void {
  const { s } = context
  const member = memberOf(s, message)
  const before = s.votes[member]
  const { choice } = message.body
  if (before && (before.body.choice !== 'yes' || choice === 'yes')) return
  set(context, { votes: s.votes.map((v, m) => (m === member ? message : v)) })
  if (choice !== 'yes' && isOpen(s.state))
    return end(context, choice === 'no' ? 'declined' : 'withdrawn', {
      code: choice === 'no' ? 'declined' : 'withdrawn',
      by: message.sender,
    })
  emit(context, { type: 'store' }, { type: 'notify', what: 'progress' })
  if (choice !== 'yes') showSignatures(context, from, message)
  // my own vote from another life: the vault of this device knows nothing of it
  if (member === s.self && choice === 'yes') set(context, { unapproved: true })
}

export function onCancel(context: StepContext, from: MemberIndex, message: SignedOf<'cancel'>): void {
  if (memberOf(context.s, message) !== proposerOf(context.s))
    return offence(context, memberOf(context.s, message), 'cancel-not-proposer', message)
  if (!isOpen(context.s.state)) return showSignatures(context, from, message)
  set(context, { cancel: message })
  end(context, 'cancelled', { code: message.body.reason || 'cancelled', by: message.sender })
}

/** To a member who has called off what is signed. */
export function showSignatures(context: StepContext, from: MemberIndex, message: SignedMessage): void {
  if (context.s.final && !isOvertaken(context.s) && memberOf(context.s, message) === from)
    send(context, [from], context.s.final)
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

export function onUser(context: StepContext, action: UserAction, reason: string): void {
  const { s, at } = context
  switch (action) {
    case 'approve':
      if (!canApprove(s, at)) return
      set(context, { approving: true })
      return emit(context, { type: 'verify', purpose: 'approve' })
    case 'decline':
      return canDecline(s) ? leave(context, 'no', reason) : undefined
    case 'withdraw':
      return canWithdraw(s) ? leave(context, 'withdraw', reason) : undefined
    case 'cancel':
      return canCancel(s) ? leave(context, 'cancel', reason) : undefined
    case 'retry':
      return retry(context)
    case 'recheck':
      // once it is out nothing of it is asked any more: its own change stands on the chain by then
      if (!isSignable(s.state)) return
      // a check whose answer never came must not take the button away for good
      if (s.propose) set(context, { approving: false })
      return emit(context, { type: 'verify', purpose: 'show' })
  }
}

function leave(context: StepContext, leaving: 'no' | 'withdraw' | 'cancel', words: string): void {
  const { s } = context
  const reason = cleanText(words, LIMITS.noteBytes)
  // nobody has heard of it
  if (!s.propose) return end(context, 'cancelled', { code: reason || 'cancelled', by: s.members[s.self] })
  if (s.live?.hub) failAttempt(context, 'leaving')
  set(context, { leaving, leavingReason: reason, live: undefined, approving: false })
  emit(context, { type: 'retract' })
  sign(
    context,
    leaving === 'cancel' ? { type: 'cancel', reason } : { type: 'vote', digest: s.digest, choice: leaving },
    everybodyElse(s),
  )
}

/** My no, withdrawal or cancel is signed (or cannot be: then the others learn it by my never signing). */
export function finishLeaving(context: StepContext, message?: SignedOf<'vote'> | SignedOf<'cancel'>): void {
  const { s } = context
  const { leaving } = s
  if (!leaving || !isOpen(s.state)) return
  if (message?.body.type === 'vote')
    set(context, { votes: s.votes.map((v, m) => (m === s.self ? (message as SignedOf<'vote'>) : v)) })
  if (message?.body.type === 'cancel') set(context, { cancel: message })
  const state = leaving === 'no' ? 'declined' : leaving === 'withdraw' ? 'withdrawn' : 'cancelled'
  const code = leaving === 'cancel' && s.leavingReason ? s.leavingReason : state
  end(context, state, { code, by: s.members[s.self] })
  if (message) send(context, everybodyElse(s), message)
}

/**
 * A person asks for another attempt: the automatic budget starts anew; a silent hub is replaced at once when it cannot
 * act.
 */
function retry(context: StepContext): void {
  const { s, at } = context
  set(context, { failures: 0, stopped: undefined, nextAttemptAt: at })
  if (canAttempt(context.s, at) && hubOf(s) !== s.self) set(context, { takeover: true })
  if (s.connected.length > 0 && !s.locked && isLive(s.state)) sign(context, syncBody(s, true), s.connected)
}

/** Signing must not start after this; released coins are never let go by a clock. A practice has none. */
export function expire(context: StepContext): void {
  if (!isExpired(context.s, context.at)) return
  if (isOpen(context.s.state) || (context.s.state === 'released' && context.s.proposal.kind === 'practice'))
    end(context, 'expired', { code: 'expired' })
}

/** Unix ms at which `expire` will do something. */
export const expiryOf = (s: Session): number | undefined =>
  isOpen(s.state) || (s.state === 'released' && s.proposal.kind === 'practice')
    ? s.proposal.expiresAt * 1000
    : undefined

export function onChain(context: StepContext, fact: ChainFact): void {
  const { s } = context
  switch (fact.kind) {
    case 'seen':
      // nobody gave me the signatures: those on the chain are verified like a `final`
      takeSignatures(context, fact.raw)
      // while I have signed nothing a server's word alone moves nothing: what is held after it would be held for good
      return isLive(s.state) && !isOpen(s.state) ? toState(context, 'broadcast') : undefined
    case 'confirmed':
      takeSignatures(context, fact.raw)
      if (isOpen(s.state) || isCalledOff(s.state)) return
      set(context, { tip: fact.tip, height: fact.height })
      if (s.state === 'confirmed') return emit(context, { type: 'notify', what: 'progress' })
      return toState(context, 'confirmed')
    case 'missing':
      // evicted: the same bytes again; without them whoever has them is asked
      if (s.state !== 'broadcast') return
      toState(context, s.signed ? 'signed' : 'released')
      if (s.signed?.raw) emit(context, { type: 'broadcast', raw: s.signed.raw })
      else if (s.connected.length > 0 && !s.locked) sign(context, syncBody(context.s, true), s.connected)
      return
    case 'reorged':
      if (s.state !== 'confirmed' || s.proposal.kind === 'practice') return
      set(context, { height: undefined })
      toState(context, 'broadcast')
      if (s.signed?.raw) emit(context, { type: 'broadcast', raw: s.signed.raw })
      return
    case 'conflict':
      if (isOpen(s.state))
        return end(context, 'failed', {
          code: s.proposal.kind === 'spend' && s.proposal.replaces === fact.txid ? 'paid-before' : 'input-spent',
          txid: fact.txid,
        })
      // after a reorg the block may hold another one
      if (isOvertaken(s) && s.end?.txid !== fact.txid) toState(context, s.signed ? 'signed' : 'released')
      if (context.s.state === 'released' || context.s.state === 'signed' || context.s.state === 'broadcast')
        toState(context, fact.replacement ? 'replaced' : 'conflicted', {
          code: fact.replacement ? 'replaced' : 'conflicted',
          txid: fact.txid,
        })
      return
    case 'conflict-gone':
      if (!isOvertaken(s)) return
      toState(context, s.signed ? 'signed' : 'released')
      if (s.signed?.raw) emit(context, { type: 'broadcast', raw: s.signed.raw })
      return
    case 'tip':
      if (isOpen(s.state) && s.propose && !s.live && s.verdict?.kind !== 'ok')
        emit(context, { type: 'verify', purpose: 'show' })
  }
}

export const isOvertaken = (s: Session): boolean => s.state === 'replaced' || s.state === 'conflicted'

function takeSignatures(context: StepContext, raw: Uint8Array | undefined): void {
  const tx = raw === undefined || context.s.signed ? undefined : parseTx(raw, LIMITS.frameBytes)
  if (tx?.ok !== true) return
  const signatures = tx.value.inputs.map(i => i.witness[0]).filter(w => w?.length === 64)
  if (signatures.length === signatureCount(context.s.proposal))
    emit(context, { type: 'finalize', signatures: signatures.filter(w => w !== undefined), from: context.s.self })
}

/** A change that the chain made: its reason goes with it, and leaves with it after a reorg. */
function toState(
  context: StepContext,
  state: 'released' | 'signed' | 'broadcast' | 'confirmed' | 'replaced' | 'conflicted',
  reason?: EndReason,
): void {
  const held = holdsCoins(context.s)
  if (!move(context, state)) return
  const ended = isChainEnd(state)
  set(context, {
    end: reason,
    live: undefined,
    beginPending: false,
    approving: false,
    leaving: undefined,
    broadcastAt: undefined,
    broadcasts: 0,
  })
  emit(context, { type: 'store' })
  if (held !== holdsCoins(context.s)) emit(context, { type: 'holds', held: !held })
  emit(context, { type: 'notify', what: ended ? 'end' : 'state' })
}

export function onBroadcastDone(
  context: StepContext,
  fact: { readonly ok: boolean; readonly code?: string; readonly detail?: string },
): void {
  if (context.s.state !== 'signed') return
  if (fact.ok) return toState(context, 'broadcast')
  const wait = Math.min(TIMES.broadcastRetry * 2 ** context.s.broadcasts, TIMES.broadcastRetryMax)
  set(context, {
    broadcasts: context.s.broadcasts + 1,
    broadcastAt: context.at + wait,
    lastFailure: {
      code: `broadcast-${fact.code ?? 'failed'}`,
      by: context.s.self,
      culprit: undefined,
      input: undefined,
      proven: true,
    },
  })
  emit(context, { type: 'notify', what: 'progress' })
}

/** Known signatures whose transaction was not seen in time go out from here as well. */
export function driveBroadcast(context: StepContext): number | undefined {
  const { s, at } = context
  if (s.state !== 'signed' || !s.signed?.raw || s.broadcastAt === undefined) return undefined
  if (at < s.broadcastAt) return s.broadcastAt
  set(context, { broadcastAt: undefined })
  emit(context, { type: 'broadcast', raw: s.signed.raw })
  return undefined
}
