import { equalBytes } from '../../domain/bytes'
import { contradict, messageHash, pubnoncesHash } from '../../crypto/message-hash'
import type { AttemptFailureCode, Verdict } from '../../domain/signing-state'
import { sameAttempt, type AttemptName } from '../../domain/proposal'
import { LIMITS } from '../../wire/limits'
import type { SignBody, SignedMessage } from '../../wire/messages'
import { blame } from './blame'
import {
  dropAttempt,
  emit,
  isExpired,
  memberOf,
  move,
  offence,
  send,
  set,
  setLive,
  sign,
  syncBody,
  type StepContext,
} from './step-context'
import { beats, signatureCount, voteOf, type AttemptFailure, type LiveAttempt, type SignedOf } from './state'

/**
 * What every member does in an attempt, the hub included.
 *
 * Invariants
 * 1. An attempt is entered only with my own yes, at most once (`last` is stored before a nonce is made), and only when
 *    it
 *    beats the one before; the older one's nonces are erased then.
 * 2. Nonces are asked for after the full check, partials after the full check and my own clock said "not expired".
 * 3. `nonces` is answered only when it is of my live attempt, complete, and holds the hash of what I sent; otherwise
 *    the
 *    vault is not called and its handle is untouched.
 * 4. `released`, the partials and what they answer are stored before they are sent. The same `nonces` again gets the
 *    same
 * bytes; another one for that attempt is refused, and is evidence against a hub whose own nonces are the same in both.
 */
export function onBegin(context: StepContext, message: SignedOf<'begin'>): void {
  const { s } = context
  const name = message.attempt
  const hub = memberOf(s, message)
  if (!name || name.hub !== hub || name.counter < 1 || name.counter > LIMITS.attempts)
    return offence(context, hub, 'begin-malformed', message)
  if (s.live && sameAttempt(name, s.live.name) && equalBytes(message.signature, s.live.begin.signature)) {
    // at-least-once: the hub did not get what I sent
    if (s.live.pubnonces) send(context, [hub], s.live.pubnonces)
    return
  }
  if (s.leaving !== undefined || s.signed) return
  if (s.locked) return
  if (voteOf(s, s.self) !== 'yes' || s.unapproved) return refuseTo(context, name, 'not-approved')
  if (!beats(name, s.last)) {
    // an old one, a tie that went to another, or this very name once more, signed anew: its hub has lost what it knew
    // (a disk that was set back), and contributions to the two must not be taken for each other. Tell it what is newer
    refuseTo(context, name, 'superseded')
    return sign(context, syncBody(s, false), [hub])
  }
  // too far ahead: ask for what was missed instead of believing it
  if (name.counter > s.seen + 1) return sign(context, syncBody(s, true), [hub])
  enter(context, message, name)
}

/** Makes `begin` my live attempt. */
export function enter(context: StepContext, begin: SignedMessage, name: AttemptName): void {
  const old = context.s.live
  if (old) {
    emit(context, { type: 'erase-nonces' })
    if (old.name.hub !== context.s.self && old.name.hub !== name.hub) refuseTo(context, old.name, 'superseded')
  }
  const live: LiveAttempt = {
    name,
    begin,
    phase: 'checking',
    startedAt: context.at,
    pubnonces: undefined,
    nonces: undefined,
    hub: undefined,
  }
  set(context, {
    live,
    last: name,
    seen: Math.max(context.s.seen, name.counter),
    beginPending: false,
    idleSince: undefined,
    interrupted: undefined,
  })
  const changed = context.s.state === 'proposed' && move(context, 'signing')
  // the check is only begun before the write: its answer waits in the queue behind it
  emit(
    context,
    { type: 'verify', purpose: 'nonces', attempt: name },
    { type: 'store' },
    { type: 'notify', what: changed ? 'state' : 'progress' },
  )
}

const refuseTo = (context: StepContext, attempt: AttemptName, code: AttemptFailureCode): void =>
  sign(context, { type: 'fail', code, evidence: [] }, [attempt.hub], attempt)

/** My part of the live attempt cannot go on: its hub is told, and the next one will be a new attempt. */
export function giveUp(context: StepContext, code: AttemptFailureCode): void {
  const live = context.s.live
  if (!live) return
  if (live.name.hub === context.s.self)
    sign(context, { type: 'fail', code, evidence: [] }, context.s.connected, live.name)
  else refuseTo(context, live.name, code)
  dropAttempt(context, ownFailure(context, code))
}

const ownFailure = (context: StepContext, code: AttemptFailureCode): AttemptFailure => ({
  code,
  by: context.s.self,
  culprit: undefined,
  input: undefined,
  proven: true,
})

/** The full check before a contribution has its answer. */
export function onAttemptVerdict(
  context: StepContext,
  purpose: 'nonces' | 'partials',
  attempt: AttemptName | undefined,
  verdict: Verdict,
): void {
  const live = context.s.live
  if (!live || !sameAttempt(live.name, attempt) || context.s.leaving !== undefined) return
  set(context, { verdict })
  if (live.phase !== (purpose === 'nonces' ? 'checking' : 'signing')) return
  if (verdict.kind !== 'ok') return giveUp(context, verdict.kind === 'wrong' ? `check:${verdict.rule}` : 'not-yet-seen')
  if (purpose === 'nonces') return emit(context, { type: 'make-nonces', attempt: live.name })
  if (isExpired(context.s, context.at)) return giveUp(context, 'expired')
  setLive(context, { checked: true })
  signWhenLast(context)
}

/**
 * A co-signer signs at once, a hub after all others: then nobody can leave it behind with its partials out and no
 * signature to come of them. Until then it can still withdraw.
 */
export function signWhenLast(context: StepContext): void {
  const { live, self } = context.s
  if (!live?.nonces || !live.checked || live.phase !== 'signing') return
  if (live.hub?.partials.some((partials, m) => m !== self && partials === undefined)) return
  setLive(context, { checked: false })
  emit(context, { type: 'make-partials', attempt: live.name, nonces: live.nonces })
}

export function onNoncesMade(context: StepContext, message: SignedOf<'pubnonces'>): SignedOf<'pubnonces'> | undefined {
  const live = context.s.live
  if (!live || live.phase !== 'checking' || !sameAttempt(live.name, message.attempt) || context.s.leaving !== undefined)
    return undefined
  setLive(context, { phase: 'nonces', pubnonces: message })
  emit(context, { type: 'notify', what: 'progress' })
  if (live.name.hub === context.s.self) return message
  send(context, [live.name.hub], message)
  return undefined
}

export function onNonces(context: StepContext, message: SignedOf<'nonces'>): void {
  const { s } = context
  const name = message.attempt
  const hub = memberOf(s, message)
  if (!name || name.hub !== hub || !isWellFormed(message.body, signatureCount(s.proposal), s.members.length))
    return offence(context, hub, 'nonces-malformed', message)
  if (sameAttempt(name, s.released?.partials.attempt) && s.released) {
    if (sameMessage(message, s.released.nonces)) return send(context, [hub], s.released.partials)
    return onOtherNonces(context, name, message, s.released.nonces)
  }
  const live = s.live
  if (!live || !sameAttempt(name, live.name) || s.leaving !== undefined) return
  if (live.nonces) {
    return sameMessage(message, live.nonces) ? undefined : onOtherNonces(context, name, message, live.nonces)
  }
  const own = live.pubnonces
  const hash = message.body.hashes[s.self]
  if (live.phase !== 'nonces' || !own || !hash || !equalBytes(hash, pubnoncesHash(own.body.pubnonces))) {
    // the handle stays as it is: nothing was signed, and nothing will be for these aggregates
    return sign(
      context,
      blame('nonces-without-mine', hub, undefined, own ? [message, own] : [message]),
      s.connected,
      name,
    )
  }
  setLive(context, { phase: 'signing', nonces: message })
  emit(context, { type: 'verify', purpose: 'partials', attempt: name })
}

/**
 * Never signed, whatever they are: one attempt has one `nonces`. A hub that runs on a second computer now, or lost what
 * it knew, means no harm by them.
 */
function onOtherNonces(
  context: StepContext,
  name: AttemptName,
  message: SignedOf<'nonces'>,
  before: SignedMessage,
): void {
  if (contradict(message, before)) return offence(context, name.hub, 'nonces-equivocation', message, before)
  refuseTo(context, name, 'superseded')
  sign(context, syncBody(context.s, false), [name.hub])
}

const isWellFormed = (body: Extract<SignBody, { readonly type: 'nonces' }>, inputs: number, members: number): boolean =>
  body.aggregates.length === inputs && body.hashes.length === members

/** BIP340 signatures are randomised: what counts is what was signed. */
const sameMessage = (a: SignedMessage, b: SignedMessage): boolean => equalBytes(messageHash(a), messageHash(b))

/** From here on the payment may go out whatever happens: `released`. */
export function onPartialsMade(context: StepContext, message: SignedOf<'partials'>): SignedOf<'partials'> | undefined {
  const live = context.s.live
  if (
    !live?.nonces ||
    live.phase !== 'signing' ||
    !sameAttempt(live.name, message.attempt) ||
    context.s.leaving !== undefined
  )
    return undefined
  if (context.s.state !== 'released' && !move(context, 'released')) return undefined
  setLive(context, { phase: 'done' })
  set(context, { released: { nonces: live.nonces, partials: message } })
  emit(context, { type: 'store' }, { type: 'notify', what: 'state' })
  if (live.name.hub === context.s.self) return message
  send(context, [live.name.hub], message)
  return undefined
}

/** The hub, or a member who took part, says that an attempt is over. */
export function onFailFromHub(context: StepContext, message: SignedOf<'fail'>): void {
  const live = context.s.live
  if (!live || !sameAttempt(live.name, message.attempt)) return
  const { code, culprit, input, evidence } = message.body
  if (culprit !== undefined && culprit >= context.s.members.length)
    return offence(context, live.name.hub, 'fail-malformed', message)
  dropAttempt(context, { code, by: live.name.hub, culprit, input, proven: false })
  if (culprit !== undefined && evidence.length > 0)
    emit(context, { type: 'check-evidence', attempt: live.name, culprit, input, evidence })
}
