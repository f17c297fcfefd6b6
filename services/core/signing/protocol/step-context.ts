import type { MemberIndex } from '../../domain/ids'
import type { AttemptName } from '../../domain/proposal'
import type { EndReason, SessionState } from '../../domain/signing-state'
import { LIMITS } from '../../wire/limits'
import type { SignBody, SignedMessage } from '../../wire/messages'
import type { Effect } from './events'
import { allYes, holdsCoins, type AttemptFailure, type LiveAttempt, type Session } from './state'
import { isOpen, isSignable, mayMove } from './table'

/** Times of the machine, milliseconds; the protocol's own bounds are in limits.ts. */
export const TIMES = {
  /** an attempt that waits this long for pubnonces or partials is given up; two round trips take milliseconds */
  phase: 20_000,
  /** first pause after a failed attempt; doubled each time: 1, 2, 4, 8, 16 s */
  backoff: 1_000,
  /** between members who could take over, so that the lowest is alone */
  takeoverStep: 5_000,
  /** anti-entropy: how often state is compared while a session waits for others */
  sync: 60_000,
  /** a co-signer broadcasts too when the transaction is not seen by then */
  broadcastWait: 30_000,
  /** first pause after a refused broadcast; doubled up to the next */
  broadcastRetry: 5_000,
  broadcastRetryMax: 600_000,
} as const

/** One step in the making: the session as changed so far and the effects in their order. */
export interface StepContext {
  s: Session
  readonly effects: Effect[]
  /** unix ms */
  readonly at: number
}

export function set(context: StepContext, change: Partial<Session>): void {
  context.s = { ...context.s, ...change }
}

export function setLive(context: StepContext, change: Partial<LiveAttempt>): void {
  if (context.s.live) set(context, { live: { ...context.s.live, ...change } })
}

export const emit = (context: StepContext, ...effects: readonly Effect[]): void => {
  context.effects.push(...effects)
}

/** Moves along the table; a change that is not in it does not happen. */
export function move(context: StepContext, to: SessionState): boolean {
  if (!mayMove(context.s.state, to)) return false
  set(context, { state: to })
  return true
}

/** To members, without me; nothing when nobody is left. */
export function send(context: StepContext, to: readonly MemberIndex[], message: SignedMessage): void {
  const others = to.filter(m => m !== context.s.self)
  if (others.length > 0) emit(context, { type: 'send', to: others, message })
}

/** Asks for a signature; what becomes of the message is decided when it comes back (`signed`). */
export function sign(context: StepContext, body: SignBody, to: readonly MemberIndex[], attempt?: AttemptName): void {
  emit(context, { type: 'sign', body, attempt, to: to.filter(m => m !== context.s.self) })
}

export const everybodyElse = (s: Session): MemberIndex[] => s.members.map((_, m) => m).filter(m => m !== s.self)

export const memberOf = (s: Session, message: SignedMessage): MemberIndex => s.members.indexOf(message.sender)

export const isExpired = (s: Session, at: number): boolean => at >= s.proposal.expiresAt * 1000

/**
 * An end by people, expiry or failure: the vault's yes goes first, so that nothing can be signed whatever fails after
 * it.
 */
export function end(context: StepContext, state: SessionState, reason: EndReason): void {
  const held = holdsCoins(context.s)
  if (!move(context, state)) return
  set(context, {
    end: reason,
    live: undefined,
    approving: false,
    leaving: undefined,
    beginPending: false,
    idleSince: undefined,
    nextSyncAt: undefined,
    broadcastAt: undefined,
    takeover: false,
    interrupted: undefined,
    pendingFinal: undefined,
  })
  emit(context, { type: 'retract' }, { type: 'store' })
  if (held) emit(context, { type: 'holds', held: false })
  emit(context, { type: 'notify', what: 'end' })
}

/** Asks the other members what they have that I lack, and tells them what I have. */
export function syncBody(s: Session, reply: boolean): Extract<SignBody, { readonly type: 'sync' }> {
  const have = s.members.filter(
    (_, m) => s.votes[m] !== undefined || (s.propose !== undefined && s.members[m] === s.proposal.proposer),
  )
  return {
    type: 'sync',
    digest: s.digest,
    state: s.propose ? s.state : 'unknown',
    attempt: s.last,
    have,
    locked: s.locked,
    reply,
  }
}

/** Failures that nobody's contribution caused do not use up the automatic attempts; the 32 in all bound them. */
const UNCOUNTED: ReadonlySet<string> = new Set(['member-left', 'reloaded', 'nonces-gone', 'locked', 'superseded'])
/** Failures that a new attempt would repeat: a person decides. */
const STOPPING: readonly string[] = ['check:', 'not-approved', 'expired', 'signer-']

/** Ends the live attempt on this device. `name` of the failure is kept for the screens. */
export function dropAttempt(context: StepContext, failure: AttemptFailure): void {
  const live = context.s.live
  if (!live) return
  const counted = UNCOUNTED.has(failure.code) ? 0 : 1
  const failures = context.s.failures + counted
  set(context, {
    live: undefined,
    failures,
    lastFailure: failure,
    idleSince: undefined,
    takeover: false,
    stopped: STOPPING.some(prefix => failure.code.startsWith(prefix)) ? failure.code : context.s.stopped,
    nextAttemptAt: context.at + TIMES.backoff * 2 ** Math.max(0, Math.min(failures, LIMITS.autoRetries) - 1),
  })
  emit(context, { type: 'erase-nonces' }, { type: 'store' }, { type: 'notify', what: 'progress' })
}

/** All but the time: everybody said yes, everybody is here and unlocked, no attempt is under way. */
export function canAttempt(s: Session, at: number): boolean {
  return (
    isSignable(s.state) &&
    s.propose !== undefined &&
    s.signed === undefined &&
    s.pendingFinal === undefined &&
    s.leaving === undefined &&
    !s.locked &&
    !s.unapproved &&
    s.live === undefined &&
    !s.beginPending &&
    allYes(s) &&
    s.connected.length === s.members.length - 1 &&
    s.lockedMembers.length === 0 &&
    s.seen < LIMITS.attempts &&
    at < (s.proposal.expiresAt - LIMITS.noBeginBeforeExpiryS) * 1000
  )
}

/** ... and without a person: not stopped, retries left. */
export const mayTryAgain = (s: Session): boolean => s.stopped === undefined && s.failures <= LIMITS.autoRetries

export const canEnd = (s: Session): boolean => isOpen(s.state) && s.leaving === undefined

export function offence(
  context: StepContext,
  member: MemberIndex,
  code: string,
  ...evidence: readonly SignedMessage[]
): void {
  if (member >= 0 && member !== context.s.self) emit(context, { type: 'offence', member, code, evidence })
}
