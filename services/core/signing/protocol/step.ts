import type { MemberIndex } from '../../domain/ids'
import { sameAttempt, type AttemptName } from '../../domain/proposal'
import type { AttemptFailureCode, Verdict } from '../../domain/signing-state'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import { giveUp, onAttemptVerdict, onBegin, onFailFromHub, onNonces, onNoncesMade, onPartialsMade } from './cosigner'
import {
  driveBroadcast,
  expire,
  expiryOf,
  finishLeaving,
  onBroadcastDone,
  onCancel,
  onChain,
  onUser,
  onVote,
} from './ends'
import type { Effect, SigningEvent, SignerRequest, VerifyPurpose } from './events'
import {
  driveAttempt,
  failAttempt,
  onAggregationFailed,
  onFailFromMember,
  onFinalized,
  onNoncesAggregated,
  onOwnBegin,
  onOwnNonces,
  onPartialsAggregated,
  receivePartials,
  receivePubnonces,
} from './hub'
import {
  dropAttempt,
  emit,
  end,
  everybodyElse,
  isExpired,
  memberOf,
  offence,
  send,
  set,
  sign,
  syncBody,
  TIMES,
  type StepContext,
} from './step-context'
import { isBody, proposerOf, signatureCount, voteOf, type Session } from './state'
import { onMessageAfterEnd, onPeers, onSync, tellInterrupted } from './sync'
import { isCalledOff, isLive, isOpen, isSignable } from './table'

/**
 * The session machine: one per session and member, the same code for co-signer and hub. Events say what happened; this
 * decides what goes out.
 *
 * Invariants
 * 1. Pure: the same session and event give the same result; time comes with the event, everything else by effects.
 * 2. Total: every event is legal in every state. What does not fit is old, early or repeated, and changes nothing; what
 *    fits no state at all becomes an `offence`.
 * 3. Each step ends with the same three decisions (`decide`): has it expired, does an attempt begin or end, when to
 *    wake.
 * 4. A message is believed for what its sender may say, never for who passed it on.
 * Rules of the parts: cosigner.ts, hub.ts, ends.ts, sync.ts; legal changes of state: table.ts.
 */
export function step(
  session: Session,
  event: SigningEvent,
): { readonly session: Session; readonly effects: readonly Effect[] } {
  const context: StepContext = { s: session, effects: [], at: event.at }
  take(context, event)
  decide(context)
  return { session: context.s, effects: context.effects }
}

function take(context: StepContext, event: SigningEvent): void {
  switch (event.type) {
    case 'opened':
      return onOpened(context)
    case 'resumed':
      return onResumed(context)
    case 'message':
      return onMessage(context, event.from, event.message)
    case 'verdict':
      return onVerdict(context, event)
    case 'user':
      return onUser(context, event.action, event.reason ?? '')
    case 'signed':
      return onSigned(context, event.message, event.to)
    case 'approved':
      return onApproved(context, event.message)
    case 'nonces-made': {
      // a hub is a co-signer too: what it would send to itself it takes at once
      const own = isBody(event.message, 'pubnonces') ? onNoncesMade(context, event.message) : undefined
      return own && receivePubnonces(context, own)
    }
    case 'partials-made': {
      const own = isBody(event.message, 'partials') ? onPartialsMade(context, event.message) : undefined
      return own && receivePartials(context, own)
    }
    case 'refused':
      return onRefused(context, event)
    case 'nonces-aggregated':
      return onNoncesAggregated(context, event.attempt, event.aggregates)
    case 'partials-aggregated':
      return onPartialsAggregated(context, event.attempt, event.signatures)
    case 'aggregation-failed':
      return onAggregationFailed(context, event.attempt, event.phase, event.member, event.input)
    case 'finalized':
      return onFinalized(context, event)
    case 'finalize-failed':
      return onFinalizeFailed(context, event.from, event.input)
    case 'evidence-checked':
      return onEvidence(context, event.attempt, event.proven)
    case 'peers':
      return onPeers(context, event.connected)
    case 'tick':
      return
    case 'chain':
      return onChain(context, event.fact)
    case 'broadcast-done':
      return onBroadcastDone(context, event)
    case 'unlocked':
      return onUnlocked(context)
    case 'locked':
      return onLocked(context)
  }
}

/** What follows from the state as it is now, whatever led here. */
function decide(context: StepContext): void {
  expire(context)
  const times = [expiryOf(context.s), driveAttempt(context), driveBroadcast(context), driveSync(context)]
  const wake = times
    .filter(t => t !== undefined)
    .reduce<number | undefined>((min, t) => (min === undefined || t < min ? t : min), undefined)
  if (wake !== context.s.timer) {
    set(context, { timer: wake })
    emit(context, { type: 'timer', at: wake })
  }
}

/** While a session waits for others, state is compared now and then: no lost message stalls it for good. */
function driveSync(context: StepContext): number | undefined {
  const { s, at } = context
  if (!isSignable(s.state) || !s.propose || s.locked || s.connected.length === 0) {
    if (s.nextSyncAt !== undefined) set(context, { nextSyncAt: undefined })
    return undefined
  }
  if (s.nextSyncAt === undefined) set(context, { nextSyncAt: at + TIMES.sync })
  else if (at >= s.nextSyncAt) {
    set(context, { nextSyncAt: at + TIMES.sync })
    sign(context, syncBody(s, true), s.connected)
  }
  return context.s.nextSyncAt
}

function onOpened(context: StepContext): void {
  if (context.s.self !== proposerOf(context.s) || context.s.propose || context.s.state !== 'proposed') return
  set(context, { approving: true })
  emit(context, { type: 'verify', purpose: 'approve' })
}

function onResumed(context: StepContext): void {
  const { s } = context
  if (isSignable(s.state)) {
    // partials that are out count whatever happened here: only an attempt without them is broken off
    set(context, { interrupted: sameAttempt(s.last, s.released?.partials.attempt) ? undefined : s.last })
    emit(context, { type: 'verify', purpose: 'show' })
  }
  if (s.state === 'signed') set(context, { broadcastAt: context.at })
}

function onMessage(context: StepContext, from: MemberIndex, message: SignedMessage): void {
  const { s } = context
  const sender = memberOf(s, message)
  const { body } = message
  if (sender < 0 || message.session !== s.id || message.walletId !== s.walletId) return
  if ('digest' in body && body.digest !== s.digest) {
    // who does not know the session asks about the digest that it was told (`askAbout`): that lie is another's
    return isBody(message, 'sync') ? undefined : offence(context, sender, 'digest', message)
  }
  if (!isLive(s.state) && !(mayComeBack(s) && isBody(message, 'final')))
    return onMessageAfterEnd(context, from, message)
  if (isBody(message, 'propose')) return onPropose(context, sender, message)
  if (isBody(message, 'vote')) return onVote(context, from, message)
  if (isBody(message, 'cancel')) return onCancel(context, from, message)
  if (isBody(message, 'sync')) return onSync(context, from, message)
  if (isBody(message, 'final')) return onFinal(context, sender, message)
  const { attempt } = message
  if (!attempt || attempt.counter < 1 || attempt.counter > LIMITS.attempts || attempt.hub >= s.members.length)
    return offence(context, sender, 'attempt-malformed', message)
  // nobody needs another's contribution to his attempt but that hub, and mine come from me
  if (sender === s.self) return
  if (isBody(message, 'begin')) return onBegin(context, message)
  if (isBody(message, 'nonces')) return onNonces(context, message)
  if (isBody(message, 'pubnonces')) return receivePubnonces(context, message)
  if (isBody(message, 'partials')) return receivePartials(context, message)
  if (isBody(message, 'fail'))
    return sender === attempt.hub ? onFailFromHub(context, message) : onFailFromMember(context, message)
}

/**
 * Called off here, while another computer of mine may have signed it. A practice text has no payment that could go out.
 */
const mayComeBack = (s: Session): boolean => isCalledOff(s.state) && s.proposal.kind === 'spend'

function onPropose(context: StepContext, sender: MemberIndex, message: SignedMessage): void {
  if (sender !== proposerOf(context.s)) return offence(context, sender, 'propose-not-proposer', message)
  if (context.s.propose) return
  set(context, { propose: message, unapproved: sender === context.s.self })
  emit(context, { type: 'store' }, { type: 'verify', purpose: 'show' }, { type: 'notify', what: 'request' })
  // whoever was told something else, or nothing, learns of it now and not when the first has said yes
  const others = context.s.connected.filter(m => m !== sender)
  if (others.length > 0 && !context.s.locked) sign(context, syncBody(context.s, false), others)
}

function onFinal(context: StepContext, sender: MemberIndex, message: SignedMessage): void {
  if (
    message.body.type !== 'final' ||
    !(isSignable(context.s.state) || mayComeBack(context.s)) ||
    context.s.signed ||
    context.s.pendingFinal
  )
    return
  if (message.body.signatures.length !== signatureCount(context.s.proposal))
    return offence(context, sender, 'final-malformed', message)
  set(context, { pendingFinal: message })
  emit(context, { type: 'finalize', signatures: message.body.signatures, from: sender })
}

function onFinalizeFailed(context: StepContext, from: MemberIndex, input: number): void {
  const { pendingFinal } = context.s
  set(context, { pendingFinal: undefined })
  if (from === context.s.self) {
    // what a chain server called our transaction may be anything: only my own aggregate spoils my attempt
    if (context.s.live?.hub?.step === 'finalizing') failAttempt(context, 'signature-invalid', undefined, input)
  } else offence(context, from, 'final-invalid', ...(pendingFinal ? [pendingFinal] : []))
}

function onVerdict(
  context: StepContext,
  event: {
    readonly purpose: VerifyPurpose
    readonly attempt?: { readonly counter: number; readonly hub: MemberIndex }
    readonly verdict: Verdict
  },
): void {
  const { purpose, verdict } = event
  if (purpose === 'nonces' || purpose === 'partials') return onAttemptVerdict(context, purpose, event.attempt, verdict)
  set(context, { verdict })
  // only a proposal that has passed the check is put before the person
  emit(context, {
    type: 'notify',
    what: purpose === 'show' && voteOf(context.s, context.s.self) === undefined ? 'request' : 'progress',
  })
  if (purpose !== 'approve' || !context.s.approving) return
  if (verdict.kind === 'ok' && isOpen(context.s.state) && !isExpired(context.s, context.at))
    return emit(context, { type: 'approve' })
  stopApproving(
    context,
    verdict.kind === 'wrong' ? `check:${verdict.rule}` : verdict.kind === 'ok' ? 'expired' : 'not-yet-seen',
  )
}

/** My yes did not come about. A proposal of mine that nobody has heard of ends here. */
function stopApproving(context: StepContext, code: string): void {
  set(context, { approving: false })
  if (context.s.self === proposerOf(context.s) && !context.s.propose)
    end(context, 'failed', { code, by: context.s.members[context.s.self] })
  else emit(context, { type: 'notify', what: 'progress' })
}

function onApproved(context: StepContext, message: SignedMessage): void {
  const { s } = context
  // it ended or I left in the meantime: the vault must not keep the yes
  if (!isOpen(s.state) || s.leaving !== undefined) return emit(context, { type: 'retract' })
  if (!s.approving || !isBody(message, 'vote')) return
  const again = s.unapproved
  set(context, { votes: s.votes.map((v, m) => (m === s.self ? message : v)), unapproved: false })
  if (again) set(context, { stopped: undefined })
  if (!s.propose) return sign(context, { type: 'propose', proposal: s.proposal }, everybodyElse(s))
  set(context, { approving: false })
  emit(context, { type: 'store' }, { type: 'holds', held: true }, { type: 'notify', what: 'progress' })
  send(context, everybodyElse(s), message)
}

/** A message of mine is signed: only now it counts, and only if it still fits. */
function onSigned(context: StepContext, message: SignedMessage, to: readonly MemberIndex[]): void {
  const { s } = context
  if (isBody(message, 'propose')) {
    if (!isOpen(s.state) || s.propose || s.leaving !== undefined) return
    set(context, { propose: message, approving: false })
    emit(context, { type: 'store' }, { type: 'holds', held: true }, { type: 'notify', what: 'state' })
    return send(context, to, message)
  }
  if (isBody(message, 'vote') || isBody(message, 'cancel')) return finishLeaving(context, message)
  if (isBody(message, 'begin')) return onOwnBegin(context, message, to)
  if (isBody(message, 'nonces')) return onOwnNonces(context, message)
  if (isBody(message, 'final')) {
    if (!s.signed) return
    if (!s.final) {
      set(context, { final: message })
      emit(context, { type: 'store' })
    }
    return send(context, to, message)
  }
  if (isBody(message, 'sync') || isBody(message, 'fail')) send(context, to, message)
}

/**
 * Refusals of the vault that are told as what they are. Nonces are gone after a page hide, a takeover or their minute:
 * a new attempt has others.
 */
const REFUSALS: { readonly [code: string]: AttemptFailureCode } = {
  locked: 'locked',
  'not-approved': 'not-approved',
  expired: 'expired',
  'no-nonce': 'nonces-gone',
}

function onRefused(
  context: StepContext,
  event: {
    readonly request: SignerRequest
    readonly attempt?: { readonly counter: number; readonly hub: MemberIndex }
    readonly code: string
  },
): void {
  const { request, code } = event
  if (code === 'locked') set(context, { locked: true })
  switch (request) {
    case 'approve':
      if (code === 'expired' && isOpen(context.s.state)) return end(context, 'expired', { code: 'expired' })
      return context.s.approving ? stopApproving(context, `signer-${code}`) : undefined
    case 'sign':
      // one of possibly several signatures was refused: a locked or broken vault refuses them all. Asked again at once
      // a broken one would say the same
      set(context, {
        beginPending: false,
        stopped: context.s.beginPending && code !== 'locked' ? `signer-${code}` : context.s.stopped,
      })
      finishLeaving(context)
      return context.s.approving && !context.s.propose ? stopApproving(context, `signer-${code}`) : undefined
    case 'nonces':
    case 'partials':
      if (!sameAttempt(context.s.live?.name, event.attempt)) return
      if (code === 'not-approved') set(context, { unapproved: true })
      return giveUp(context, REFUSALS[code] ?? `signer-${code}`)
  }
}

function onEvidence(context: StepContext, attempt: AttemptName, proven: boolean): void {
  const failure = context.s.lastFailure
  // a late answer about an earlier attempt proves nothing of the culprit of this one
  if (!failure || failure.culprit === undefined || !proven || !sameAttempt(attempt, context.s.last)) return
  set(context, { lastFailure: { ...failure, proven: true } })
  emit(context, { type: 'store' }, { type: 'notify', what: 'progress' })
}

function onUnlocked(context: StepContext): void {
  if (!context.s.locked) return
  set(context, { locked: false })
  if (!isSignable(context.s.state)) return
  tellInterrupted(context)
  if (context.s.propose && context.s.connected.length > 0) sign(context, syncBody(context.s, true), context.s.connected)
}

/**
 * Nonces are gone with the lock. No attempt is burnt while it lasts: the others are told, if there is still time to
 * sign.
 */
function onLocked(context: StepContext): void {
  const { s } = context
  if (s.locked) return
  const broken = s.live && s.live.phase !== 'done' ? s.live.name : undefined
  set(context, { locked: true, approving: false, interrupted: broken ?? s.interrupted })
  emit(context, { type: 'notify', what: 'progress' })
  if (broken) dropAttempt(context, { code: 'locked', by: s.self, culprit: undefined, input: undefined, proven: true })
  if (isSignable(s.state) && s.propose && s.connected.length > 0) sign(context, syncBody(context.s, false), s.connected)
}
