import { equalBytes } from '../domain/bytes'
import { contradict, messageHash, pubnoncesHash } from '../crypto/message-hash'
import type { AttemptFailureCode, Verdict } from '../domain/signing-state'
import type { AttemptName } from '../domain/proposal'
import { LIMITS } from '../wire/limits'
import type { SignBody, SignedMessage } from '../wire/messages'
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
  type Run,
} from './run'
import {
  beats,
  sameAttempt,
  signatureCount,
  voteOf,
  type AttemptFailure,
  type LiveAttempt,
  type SignedOf,
} from './state'

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
export function onBegin(run: Run, message: SignedOf<'begin'>): void {
  const { s } = run
  const name = message.attempt
  const hub = memberOf(s, message)
  if (!name || name.hub !== hub || name.counter < 1 || name.counter > LIMITS.attempts)
    return offence(run, hub, 'begin-malformed', message)
  if (s.live && sameAttempt(name, s.live.name) && equalBytes(message.signature, s.live.begin.signature)) {
    // at-least-once: the hub did not get what I sent
    if (s.live.pubnonces) send(run, [hub], s.live.pubnonces)
    return
  }
  if (s.leaving !== undefined || s.signed) return
  if (s.locked) return
  if (voteOf(s, s.self) !== 'yes' || s.unapproved) return refuseTo(run, name, 'not-approved')
  if (!beats(name, s.last)) {
    // an old one, a tie that went to another, or this very name once more, signed anew: its hub has lost what it knew
    // (a disk that was set back), and contributions to the two must not be taken for each other. Tell it what is newer
    refuseTo(run, name, 'superseded')
    return sign(run, syncBody(s, false), [hub])
  }
  // too far ahead: ask for what was missed instead of believing it
  if (name.counter > s.seen + 1) return sign(run, syncBody(s, true), [hub])
  enter(run, message, name)
}

/** Makes `begin` my live attempt. */
export function enter(run: Run, begin: SignedMessage, name: AttemptName): void {
  const old = run.s.live
  if (old) {
    emit(run, { type: 'erase-nonces' })
    if (old.name.hub !== run.s.self && old.name.hub !== name.hub) refuseTo(run, old.name, 'superseded')
  }
  const live: LiveAttempt = {
    name,
    begin,
    phase: 'checking',
    startedAt: run.at,
    pubnonces: undefined,
    nonces: undefined,
    hub: undefined,
  }
  set(run, {
    live,
    last: name,
    seen: Math.max(run.s.seen, name.counter),
    beginPending: false,
    idleSince: undefined,
    interrupted: undefined,
  })
  const changed = run.s.state === 'proposed' && move(run, 'signing')
  // the check is only begun before the write: its answer waits in the queue behind it
  emit(
    run,
    { type: 'verify', purpose: 'nonces', attempt: name },
    { type: 'store' },
    { type: 'notify', what: changed ? 'state' : 'progress' },
  )
}

const refuseTo = (run: Run, attempt: AttemptName, code: AttemptFailureCode): void =>
  sign(run, { type: 'fail', code, evidence: [] }, [attempt.hub], attempt)

/** My part of the live attempt cannot go on: its hub is told, and the next one will be a new attempt. */
export function giveUp(run: Run, code: AttemptFailureCode): void {
  const live = run.s.live
  if (!live) return
  if (live.name.hub === run.s.self) sign(run, { type: 'fail', code, evidence: [] }, run.s.connected, live.name)
  else refuseTo(run, live.name, code)
  dropAttempt(run, ownFailure(run, code))
}

const ownFailure = (run: Run, code: AttemptFailureCode): AttemptFailure => ({
  code,
  by: run.s.self,
  culprit: undefined,
  input: undefined,
  proven: true,
})

/** The full check before a contribution has its answer. */
export function onAttemptVerdict(
  run: Run,
  purpose: 'nonces' | 'partials',
  attempt: AttemptName | undefined,
  verdict: Verdict,
): void {
  const live = run.s.live
  if (!live || !sameAttempt(live.name, attempt) || run.s.leaving !== undefined) return
  set(run, { verdict })
  if (live.phase !== (purpose === 'nonces' ? 'checking' : 'signing')) return
  if (verdict.kind !== 'ok') return giveUp(run, verdict.kind === 'wrong' ? `check:${verdict.rule}` : 'not-yet-seen')
  if (purpose === 'nonces') return emit(run, { type: 'make-nonces', attempt: live.name })
  if (isExpired(run.s, run.at)) return giveUp(run, 'expired')
  setLive(run, { checked: true })
  signWhenLast(run)
}

/**
 * A co-signer signs at once, a hub after all others: then nobody can leave it behind with its partials out and no
 * signature to come of them. Until then it can still withdraw.
 */
export function signWhenLast(run: Run): void {
  const { live, self } = run.s
  if (!live?.nonces || !live.checked || live.phase !== 'signing') return
  if (live.hub?.partials.some((partials, m) => m !== self && partials === undefined)) return
  setLive(run, { checked: false })
  emit(run, { type: 'make-partials', attempt: live.name, nonces: live.nonces })
}

export function onNoncesMade(run: Run, message: SignedOf<'pubnonces'>): SignedOf<'pubnonces'> | undefined {
  const live = run.s.live
  if (!live || live.phase !== 'checking' || !sameAttempt(live.name, message.attempt) || run.s.leaving !== undefined)
    return undefined
  setLive(run, { phase: 'nonces', pubnonces: message })
  emit(run, { type: 'notify', what: 'progress' })
  if (live.name.hub === run.s.self) return message
  send(run, [live.name.hub], message)
  return undefined
}

export function onNonces(run: Run, message: SignedOf<'nonces'>): void {
  const { s } = run
  const name = message.attempt
  const hub = memberOf(s, message)
  if (!name || name.hub !== hub || !isWellFormed(message.body, signatureCount(s.proposal), s.members.length))
    return offence(run, hub, 'nonces-malformed', message)
  if (sameAttempt(name, s.released?.partials.attempt) && s.released) {
    if (sameMessage(message, s.released.nonces)) return send(run, [hub], s.released.partials)
    return onOtherNonces(run, name, message, s.released.nonces)
  }
  const live = s.live
  if (!live || !sameAttempt(name, live.name) || s.leaving !== undefined) return
  if (live.nonces) {
    return sameMessage(message, live.nonces) ? undefined : onOtherNonces(run, name, message, live.nonces)
  }
  const own = live.pubnonces
  const hash = message.body.hashes[s.self]
  if (live.phase !== 'nonces' || !own || !hash || !equalBytes(hash, pubnoncesHash(own.body.pubnonces))) {
    // the handle stays as it is: nothing was signed, and nothing will be for these aggregates
    return sign(run, blame('nonces-without-mine', hub, undefined, own ? [message, own] : [message]), s.connected, name)
  }
  setLive(run, { phase: 'signing', nonces: message })
  emit(run, { type: 'verify', purpose: 'partials', attempt: name })
}

/**
 * Never signed, whatever they are: one attempt has one `nonces`. A hub that runs on a second computer now, or lost what
 * it knew, means no harm by them.
 */
function onOtherNonces(run: Run, name: AttemptName, message: SignedOf<'nonces'>, before: SignedMessage): void {
  if (contradict(message, before)) return offence(run, name.hub, 'nonces-equivocation', message, before)
  refuseTo(run, name, 'superseded')
  sign(run, syncBody(run.s, false), [name.hub])
}

const isWellFormed = (body: Extract<SignBody, { readonly type: 'nonces' }>, inputs: number, members: number): boolean =>
  body.aggregates.length === inputs && body.hashes.length === members

/** BIP340 signatures are randomised: what counts is what was signed. */
const sameMessage = (a: SignedMessage, b: SignedMessage): boolean => equalBytes(messageHash(a), messageHash(b))

/** From here on the payment may go out whatever happens: `released`. */
export function onPartialsMade(run: Run, message: SignedOf<'partials'>): SignedOf<'partials'> | undefined {
  const live = run.s.live
  if (
    !live?.nonces ||
    live.phase !== 'signing' ||
    !sameAttempt(live.name, message.attempt) ||
    run.s.leaving !== undefined
  )
    return undefined
  if (run.s.state !== 'released' && !move(run, 'released')) return undefined
  setLive(run, { phase: 'done' })
  set(run, { released: { nonces: live.nonces, partials: message } })
  emit(run, { type: 'store' }, { type: 'notify', what: 'state' })
  if (live.name.hub === run.s.self) return message
  send(run, [live.name.hub], message)
  return undefined
}

/** The hub, or a member who took part, says that an attempt is over. */
export function onFailFromHub(run: Run, message: SignedOf<'fail'>): void {
  const live = run.s.live
  if (!live || !sameAttempt(live.name, message.attempt)) return
  const { code, culprit, input, evidence } = message.body
  if (culprit !== undefined && culprit >= run.s.members.length)
    return offence(run, live.name.hub, 'fail-malformed', message)
  dropAttempt(run, { code, by: live.name.hub, culprit, input, proven: false })
  if (culprit !== undefined && evidence.length > 0)
    emit(run, { type: 'check-evidence', attempt: live.name, culprit, input, evidence })
}
