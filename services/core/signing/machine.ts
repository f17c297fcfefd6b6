import type { MemberIndex } from '../domain/ids'
import type { AttemptName } from '../domain/proposal'
import type { AttemptFailureCode, Verdict } from '../domain/signing-state'
import { LIMITS } from '../wire/limits'
import type { SignedMessage } from '../wire/messages'
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
  type Run,
} from './run'
import { isBody, proposerOf, sameAttempt, signatureCount, voteOf, type Session } from './state'
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
  const run: Run = { s: session, effects: [], at: event.at }
  take(run, event)
  decide(run)
  return { session: run.s, effects: run.effects }
}

function take(run: Run, event: SigningEvent): void {
  switch (event.type) {
    case 'opened':
      return onOpened(run)
    case 'resumed':
      return onResumed(run)
    case 'message':
      return onMessage(run, event.from, event.message)
    case 'verdict':
      return onVerdict(run, event)
    case 'user':
      return onUser(run, event.action, event.reason ?? '')
    case 'signed':
      return onSigned(run, event.message, event.to)
    case 'approved':
      return onApproved(run, event.message)
    case 'nonces-made': {
      // a hub is a co-signer too: what it would send to itself it takes at once
      const own = isBody(event.message, 'pubnonces') ? onNoncesMade(run, event.message) : undefined
      return own && receivePubnonces(run, own)
    }
    case 'partials-made': {
      const own = isBody(event.message, 'partials') ? onPartialsMade(run, event.message) : undefined
      return own && receivePartials(run, own)
    }
    case 'refused':
      return onRefused(run, event)
    case 'nonces-aggregated':
      return onNoncesAggregated(run, event.attempt, event.aggregates)
    case 'partials-aggregated':
      return onPartialsAggregated(run, event.attempt, event.signatures)
    case 'aggregation-failed':
      return onAggregationFailed(run, event.attempt, event.phase, event.member, event.input)
    case 'finalized':
      return onFinalized(run, event)
    case 'finalize-failed':
      return onFinalizeFailed(run, event.from, event.input)
    case 'evidence-checked':
      return onEvidence(run, event.attempt, event.proven)
    case 'peers':
      return onPeers(run, event.connected)
    case 'tick':
      return
    case 'chain':
      return onChain(run, event.fact)
    case 'broadcast-done':
      return onBroadcastDone(run, event)
    case 'unlocked':
      return onUnlocked(run)
    case 'locked':
      return onLocked(run)
  }
}

/** What follows from the state as it is now, whatever led here. */
function decide(run: Run): void {
  expire(run)
  const times = [expiryOf(run.s), driveAttempt(run), driveBroadcast(run), driveSync(run)]
  const wake = times
    .filter(t => t !== undefined)
    .reduce<number | undefined>((min, t) => (min === undefined || t < min ? t : min), undefined)
  if (wake !== run.s.timer) {
    set(run, { timer: wake })
    emit(run, { type: 'timer', at: wake })
  }
}

/** While a session waits for others, state is compared now and then: no lost message stalls it for good. */
function driveSync(run: Run): number | undefined {
  const { s, at } = run
  if (!isSignable(s.state) || !s.propose || s.locked || s.connected.length === 0) {
    if (s.nextSyncAt !== undefined) set(run, { nextSyncAt: undefined })
    return undefined
  }
  if (s.nextSyncAt === undefined) set(run, { nextSyncAt: at + TIMES.sync })
  else if (at >= s.nextSyncAt) {
    set(run, { nextSyncAt: at + TIMES.sync })
    sign(run, syncBody(s, true), s.connected)
  }
  return run.s.nextSyncAt
}

function onOpened(run: Run): void {
  if (run.s.self !== proposerOf(run.s) || run.s.propose || run.s.state !== 'proposed') return
  set(run, { approving: true })
  emit(run, { type: 'verify', purpose: 'approve' })
}

function onResumed(run: Run): void {
  const { s } = run
  if (isSignable(s.state)) {
    // partials that are out count whatever happened here: only an attempt without them is broken off
    set(run, { interrupted: sameAttempt(s.last, s.released?.partials.attempt) ? undefined : s.last })
    emit(run, { type: 'verify', purpose: 'show' })
  }
  if (s.state === 'signed') set(run, { broadcastAt: run.at })
}

function onMessage(run: Run, from: MemberIndex, message: SignedMessage): void {
  const { s } = run
  const sender = memberOf(s, message)
  const { body } = message
  if (sender < 0 || message.session !== s.id || message.walletId !== s.walletId) return
  if ('digest' in body && body.digest !== s.digest) {
    // who does not know the session asks about the digest that it was told (`askAbout`): that lie is another's
    return isBody(message, 'sync') ? undefined : offence(run, sender, 'digest', message)
  }
  if (!isLive(s.state) && !(mayComeBack(s) && isBody(message, 'final'))) return onMessageAfterEnd(run, from, message)
  if (isBody(message, 'propose')) return onPropose(run, sender, message)
  if (isBody(message, 'vote')) return onVote(run, from, message)
  if (isBody(message, 'cancel')) return onCancel(run, from, message)
  if (isBody(message, 'sync')) return onSync(run, from, message)
  if (isBody(message, 'final')) return onFinal(run, sender, message)
  const { attempt } = message
  if (!attempt || attempt.counter < 1 || attempt.counter > LIMITS.attempts || attempt.hub >= s.members.length)
    return offence(run, sender, 'attempt-malformed', message)
  // nobody needs another's contribution to his attempt but that hub, and mine come from me
  if (sender === s.self) return
  if (isBody(message, 'begin')) return onBegin(run, message)
  if (isBody(message, 'nonces')) return onNonces(run, message)
  if (isBody(message, 'pubnonces')) return receivePubnonces(run, message)
  if (isBody(message, 'partials')) return receivePartials(run, message)
  if (isBody(message, 'fail'))
    return sender === attempt.hub ? onFailFromHub(run, message) : onFailFromMember(run, message)
}

/**
 * Called off here, while another computer of mine may have signed it. A practice text has no payment that could go out.
 */
const mayComeBack = (s: Session): boolean => isCalledOff(s.state) && s.proposal.kind === 'spend'

function onPropose(run: Run, sender: MemberIndex, message: SignedMessage): void {
  if (sender !== proposerOf(run.s)) return offence(run, sender, 'propose-not-proposer', message)
  if (run.s.propose) return
  set(run, { propose: message, unapproved: sender === run.s.self })
  emit(run, { type: 'store' }, { type: 'verify', purpose: 'show' }, { type: 'notify', what: 'request' })
  // whoever was told something else, or nothing, learns of it now and not when the first has said yes
  const others = run.s.connected.filter(m => m !== sender)
  if (others.length > 0 && !run.s.locked) sign(run, syncBody(run.s, false), others)
}

function onFinal(run: Run, sender: MemberIndex, message: SignedMessage): void {
  if (
    message.body.type !== 'final' ||
    !(isSignable(run.s.state) || mayComeBack(run.s)) ||
    run.s.signed ||
    run.s.pendingFinal
  )
    return
  if (message.body.signatures.length !== signatureCount(run.s.proposal))
    return offence(run, sender, 'final-malformed', message)
  set(run, { pendingFinal: message })
  emit(run, { type: 'finalize', signatures: message.body.signatures, from: sender })
}

function onFinalizeFailed(run: Run, from: MemberIndex, input: number): void {
  const { pendingFinal } = run.s
  set(run, { pendingFinal: undefined })
  if (from === run.s.self) {
    // what a chain server called our transaction may be anything: only my own aggregate spoils my attempt
    if (run.s.live?.hub?.step === 'finalizing') failAttempt(run, 'signature-invalid', undefined, input)
  } else offence(run, from, 'final-invalid', ...(pendingFinal ? [pendingFinal] : []))
}

function onVerdict(
  run: Run,
  event: {
    readonly purpose: VerifyPurpose
    readonly attempt?: { readonly counter: number; readonly hub: MemberIndex }
    readonly verdict: Verdict
  },
): void {
  const { purpose, verdict } = event
  if (purpose === 'nonces' || purpose === 'partials') return onAttemptVerdict(run, purpose, event.attempt, verdict)
  set(run, { verdict })
  // only a proposal that has passed the check is put before the person
  emit(run, {
    type: 'notify',
    what: purpose === 'show' && voteOf(run.s, run.s.self) === undefined ? 'request' : 'progress',
  })
  if (purpose !== 'approve' || !run.s.approving) return
  if (verdict.kind === 'ok' && isOpen(run.s.state) && !isExpired(run.s, run.at)) return emit(run, { type: 'approve' })
  stopApproving(
    run,
    verdict.kind === 'wrong' ? `check:${verdict.rule}` : verdict.kind === 'ok' ? 'expired' : 'not-yet-seen',
  )
}

/** My yes did not come about. A proposal of mine that nobody has heard of ends here. */
function stopApproving(run: Run, code: string): void {
  set(run, { approving: false })
  if (run.s.self === proposerOf(run.s) && !run.s.propose) end(run, 'failed', { code, by: run.s.members[run.s.self] })
  else emit(run, { type: 'notify', what: 'progress' })
}

function onApproved(run: Run, message: SignedMessage): void {
  const { s } = run
  // it ended or I left in the meantime: the vault must not keep the yes
  if (!isOpen(s.state) || s.leaving !== undefined) return emit(run, { type: 'retract' })
  if (!s.approving || !isBody(message, 'vote')) return
  const again = s.unapproved
  set(run, { votes: s.votes.map((v, m) => (m === s.self ? message : v)), unapproved: false })
  if (again) set(run, { stopped: undefined })
  if (!s.propose) return sign(run, { type: 'propose', proposal: s.proposal }, everybodyElse(s))
  set(run, { approving: false })
  emit(run, { type: 'store' }, { type: 'holds', held: true }, { type: 'notify', what: 'progress' })
  send(run, everybodyElse(s), message)
}

/** A message of mine is signed: only now it counts, and only if it still fits. */
function onSigned(run: Run, message: SignedMessage, to: readonly MemberIndex[]): void {
  const { s } = run
  if (isBody(message, 'propose')) {
    if (!isOpen(s.state) || s.propose || s.leaving !== undefined) return
    set(run, { propose: message, approving: false })
    emit(run, { type: 'store' }, { type: 'holds', held: true }, { type: 'notify', what: 'state' })
    return send(run, to, message)
  }
  if (isBody(message, 'vote') || isBody(message, 'cancel')) return finishLeaving(run, message)
  if (isBody(message, 'begin')) return onOwnBegin(run, message, to)
  if (isBody(message, 'nonces')) return onOwnNonces(run, message)
  if (isBody(message, 'final')) {
    if (!s.signed) return
    if (!s.final) {
      set(run, { final: message })
      emit(run, { type: 'store' })
    }
    return send(run, to, message)
  }
  if (isBody(message, 'sync') || isBody(message, 'fail')) send(run, to, message)
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
  run: Run,
  event: {
    readonly request: SignerRequest
    readonly attempt?: { readonly counter: number; readonly hub: MemberIndex }
    readonly code: string
  },
): void {
  const { request, code } = event
  if (code === 'locked') set(run, { locked: true })
  switch (request) {
    case 'approve':
      if (code === 'expired' && isOpen(run.s.state)) return end(run, 'expired', { code: 'expired' })
      return run.s.approving ? stopApproving(run, `signer-${code}`) : undefined
    case 'sign':
      // one of possibly several signatures was refused: a locked or broken vault refuses them all. Asked again at once
      // a broken one would say the same
      set(run, {
        beginPending: false,
        stopped: run.s.beginPending && code !== 'locked' ? `signer-${code}` : run.s.stopped,
      })
      finishLeaving(run)
      return run.s.approving && !run.s.propose ? stopApproving(run, `signer-${code}`) : undefined
    case 'nonces':
    case 'partials':
      if (!sameAttempt(run.s.live?.name, event.attempt)) return
      if (code === 'not-approved') set(run, { unapproved: true })
      return giveUp(run, REFUSALS[code] ?? `signer-${code}`)
  }
}

function onEvidence(run: Run, attempt: AttemptName, proven: boolean): void {
  const failure = run.s.lastFailure
  // a late answer about an earlier attempt proves nothing of the culprit of this one
  if (!failure || failure.culprit === undefined || !proven || !sameAttempt(attempt, run.s.last)) return
  set(run, { lastFailure: { ...failure, proven: true } })
  emit(run, { type: 'store' }, { type: 'notify', what: 'progress' })
}

function onUnlocked(run: Run): void {
  if (!run.s.locked) return
  set(run, { locked: false })
  if (!isSignable(run.s.state)) return
  tellInterrupted(run)
  if (run.s.propose && run.s.connected.length > 0) sign(run, syncBody(run.s, true), run.s.connected)
}

/**
 * Nonces are gone with the lock. No attempt is burnt while it lasts: the others are told, if there is still time to
 * sign.
 */
function onLocked(run: Run): void {
  const { s } = run
  if (s.locked) return
  const broken = s.live && s.live.phase !== 'done' ? s.live.name : undefined
  set(run, { locked: true, approving: false, interrupted: broken ?? s.interrupted })
  emit(run, { type: 'notify', what: 'progress' })
  if (broken) dropAttempt(run, { code: 'locked', by: s.self, culprit: undefined, input: undefined, proven: true })
  if (isSignable(s.state) && s.propose && s.connected.length > 0) sign(run, syncBody(run.s, false), s.connected)
}
