import { equalBytes } from '../../domain/bytes'
import type { MemberIndex } from '../../domain/ids'
import { sameAttempt, type AttemptName } from '../../domain/proposal'
import type { AttemptFailureCode } from '../../domain/signing-state'
import { messageHash, pubnoncesHash } from '../../crypto/message-hash'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import { blame } from './blame'
import { enter, onNonces, signWhenLast } from './cosigner'
import {
  canAttempt,
  dropAttempt,
  emit,
  everybodyElse,
  mayTryAgain,
  memberOf,
  move,
  offence,
  send,
  set,
  setLive,
  sign,
  TIMES,
  type StepContext,
} from './step-context'
import { beats, holdsCoins, hubOf, signatureCount, type HubWork, type Session, type SignedOf } from './state'
import { isChainEnd } from './table'

/**
 * What the member does who collects contributions. It needs no trust (BIP327): it can stall an attempt, never bend it.
 *
 * Invariants
 * 1. `begin` goes out only with n yes votes, n live connections and nobody locked, not in the last 5 minutes before
 *    expiry,
 *    never above 32; its counter is one above the highest seen, stored before it is sent.
 * 2. One contribution of a kind per member and attempt: the same again is answered again, another one is an offence.
 * 3. Signatures are checked as a whole first. Who spoiled them is named with the signed messages; the others check for
 *    themselves.
 * 4. `signed` is stored before it is broadcast and before `final` is sent.
 * 5. Every failed attempt ends by the same path (`failAttempt`), and the next is an ordinary `begin`.
 * 6. It signs last (`signWhenLast`): its own partials are made when all others are there, so that it is never
 *    `released` alone.
 */

/** The one decision when an attempt starts: by whom, and when. Returns the time at which to look again, if any. */
export function driveAttempt(context: StepContext): number | undefined {
  const { s, at } = context
  const work = s.live?.hub
  if (work && at >= work.deadline) {
    const late = s.members.findIndex(
      (_, m) => m !== s.self && (work.step === 'pubnonces' ? work.pubnonces : work.partials)[m] === undefined,
    )
    failAttempt(context, late < 0 ? 'stalled' : 'late', late < 0 ? undefined : late)
  } else if (s.live && !work && at >= s.live.startedAt + LIMITS.nonceLifeS * 1000) {
    // the vault has erased the nonces by now
    dropAttempt(context, { code: 'stalled', by: s.self, culprit: s.live.name.hub, input: undefined, proven: false })
  }
  return beginWhenReady(context)
}

function beginWhenReady(context: StepContext): number | undefined {
  const { s, at } = context
  if (!canAttempt(s, at)) {
    if (s.idleSince !== undefined) set(context, { idleSince: undefined })
    return s.live ? (s.live.hub?.deadline ?? s.live.startedAt + LIMITS.nonceLifeS * 1000) : undefined
  }
  const mine = hubOf(s) === s.self
  if (!s.takeover && !mayTryAgain(s)) return undefined
  if (s.idleSince === undefined) set(context, { idleSince: at })
  const due = s.takeover
    ? at
    : mine
      ? s.nextAttemptAt
      : (context.s.idleSince ?? at) + LIMITS.hubTimeoutS * 1000 + takeoverRank(s) * TIMES.takeoverStep
  if (at < due) return due
  set(context, { beginPending: true, takeover: false })
  sign(context, { type: 'begin', digest: s.digest }, s.connected, { counter: s.seen + 1, hub: s.self })
  return undefined
}

/** 0 for the lowest index among those who are here and are not the silent hub. */
const takeoverRank = (s: Session): number => [...s.connected, s.self].filter(m => m !== hubOf(s) && m < s.self).length

/** My `begin` is signed: it is my own attempt too. */
export function onOwnBegin(context: StepContext, message: SignedOf<'begin'>, to: readonly MemberIndex[]): void {
  const name = message.attempt
  set(context, { beginPending: false })
  if (
    !name ||
    !canAttempt(context.s, context.at) ||
    !beats(name, context.s.last) ||
    name.counter !== context.s.seen + 1
  )
    return
  enter(context, message, name)
  const nobody = context.s.members.map(() => undefined)
  setLive(context, {
    hub: {
      step: 'pubnonces',
      pubnonces: nobody,
      partials: nobody,
      nonces: undefined,
      deadline: context.at + TIMES.phase,
    },
  })
  send(context, to, message)
}

const setWork = (context: StepContext, change: Partial<HubWork>): void => {
  const work = context.s.live?.hub
  if (work) setLive(context, { hub: { ...work, ...change } })
}

/** The work on this attempt, when it is mine and still going on. */
function workOn(s: Session, attempt: AttemptName | undefined): HubWork | undefined {
  return sameAttempt(s.live?.name, attempt) ? s.live?.hub : undefined
}

/** The list when nothing is missing in it. */
const complete = <T>(list: ReadonlyArray<T | undefined>): readonly T[] | undefined =>
  list.includes(undefined) ? undefined : list.filter(item => item !== undefined)
const put = <T>(list: readonly T[], index: number, item: T): T[] => list.map((old, i) => (i === index ? item : old))

export function receivePubnonces(context: StepContext, message: SignedOf<'pubnonces'>): void {
  const work = workOn(context.s, message.attempt)
  if (!work) return
  const member = memberOf(context.s, message)
  const before = work.pubnonces[member]
  if (before) {
    // a disk that was set back has lost the first, with the nonces behind it: as if the member had said so
    if (!equalBytes(messageHash(before), messageHash(message)))
      return partGone(context, member, 'nonces-gone', member, everybodyElse(context.s))
    if (work.nonces) send(context, [member], work.nonces)
    return
  }
  if (message.body.pubnonces.length !== signatureCount(context.s.proposal))
    return spoiled(context, 'pubnonces-count', member, undefined, [message])
  const pubnonces = put(work.pubnonces, member, message)
  setWork(context, { pubnonces })
  emit(context, { type: 'notify', what: 'progress' })
  const all = complete(pubnonces)
  if (!all || !context.s.live) return
  setWork(context, { step: 'aggregating-nonces' })
  emit(context, { type: 'aggregate-nonces', attempt: context.s.live.name, pubnonces: all.map(p => p.body.pubnonces) })
}

export function onNoncesAggregated(
  context: StepContext,
  attempt: AttemptName,
  aggregates: readonly Uint8Array[],
): void {
  const work = workOn(context.s, attempt)
  const all = work && complete(work.pubnonces)
  if (!all || work.step !== 'aggregating-nonces') return
  const hashes = all.map(p => pubnoncesHash(p.body.pubnonces))
  sign(context, { type: 'nonces', digest: context.s.digest, aggregates, hashes }, everybodyElse(context.s), attempt)
}

/** My `nonces` is signed. It is never made twice for one attempt. */
export function onOwnNonces(context: StepContext, message: SignedOf<'nonces'>): void {
  const work = workOn(context.s, message.attempt)
  if (!work || work.step !== 'aggregating-nonces' || work.nonces) return
  setWork(context, { step: 'partials', nonces: message, deadline: context.at + TIMES.phase })
  send(context, everybodyElse(context.s), message)
  onNonces(context, message)
}

export function receivePartials(context: StepContext, message: SignedOf<'partials'>): void {
  const work = workOn(context.s, message.attempt)
  if (!work?.nonces) return
  const member = memberOf(context.s, message)
  const before = work.partials[member]
  // perhaps those of this very attempt that I sent before my disk was set back: nobody's offence, and of no use
  if (!equalBytes(message.body.noncesHash, messageHash(work.nonces)))
    return before ? undefined : failAttempt(context, 'partials-other-nonces')
  if (before) {
    if (!equalBytes(messageHash(before), messageHash(message)))
      spoiled(context, 'partials-equivocation', member, undefined, [before, message])
    return
  }
  const evidence = [work.pubnonces[member], work.nonces, message].filter(m => m !== undefined)
  if (message.body.partials.length !== signatureCount(context.s.proposal))
    return spoiled(context, 'partials-count', member, undefined, evidence)
  const partials = put(work.partials, member, message)
  setWork(context, { partials })
  emit(context, { type: 'notify', what: 'progress' })
  signWhenLast(context)
  const allPartials = complete(partials)
  const allNonces = complete(work.pubnonces)
  if (!allPartials || !allNonces || !context.s.live) return
  setWork(context, { step: 'aggregating-partials' })
  emit(context, {
    type: 'aggregate-partials',
    attempt: context.s.live.name,
    pubnonces: allNonces.map(p => p.body.pubnonces),
    partials: allPartials.map(p => p.body.partials),
  })
}

export function onPartialsAggregated(
  context: StepContext,
  attempt: AttemptName,
  signatures: readonly Uint8Array[],
): void {
  const work = workOn(context.s, attempt)
  if (!work || work.step !== 'aggregating-partials') return
  setWork(context, { step: 'finalizing' })
  emit(context, { type: 'finalize', signatures, from: context.s.self })
}

export function onAggregationFailed(
  context: StepContext,
  attempt: AttemptName,
  phase: 'nonces' | 'partials',
  member: MemberIndex | undefined,
  input: number,
): void {
  const work = workOn(context.s, attempt)
  if (!work) return
  if (member === undefined) return failAttempt(context, `${phase}-invalid`, undefined, input)
  const evidence =
    phase === 'nonces' ? [work.pubnonces[member]] : [work.pubnonces[member], work.nonces, work.partials[member]]
  spoiled(
    context,
    `${phase === 'nonces' ? 'pubnonce' : 'partial'}-invalid`,
    member,
    input,
    evidence.filter(m => m !== undefined),
  )
}

/** A member's contribution is wrong: everybody hears who, where and why, with the signed messages. */
function spoiled(
  context: StepContext,
  code: AttemptFailureCode,
  member: MemberIndex,
  input: number | undefined,
  evidence: readonly SignedMessage[],
): void {
  offence(context, member, code, ...evidence)
  failAttempt(context, code, member, input, evidence)
}

/** Ends my attempt for everybody. */
export function failAttempt(
  context: StepContext,
  code: AttemptFailureCode,
  culprit?: MemberIndex,
  input?: number,
  evidence: readonly SignedMessage[] = [],
): void {
  const live = context.s.live
  if (!live?.hub) return
  sign(context, blame(code, culprit, input, evidence), everybodyElse(context.s), live.name)
  dropAttempt(context, { code, by: context.s.self, culprit, input, proven: evidence.length > 0 })
}

/** A member cannot go on with my attempt. */
export function onFailFromMember(context: StepContext, message: SignedOf<'fail'>): void {
  const live = context.s.live
  const member = memberOf(context.s, message)
  const { code } = message.body
  if (code === 'superseded' && sameAttempt(live?.name, message.attempt)) {
    // another attempt has won: mine ends without a word, its hub goes on
    return dropAttempt(context, { code, by: member, culprit: undefined, input: undefined, proven: false })
  }
  // what it says of itself is told as its own; whom it accuses is not: in my report it would read as mine
  if (workOn(context.s, message.attempt))
    partGone(
      context,
      member,
      code,
      message.body.culprit === undefined ? member : undefined,
      everybodyElse(context.s).filter(m => m !== member),
    )
}

/**
 * A member's part of my attempt will not come. `about`: whom my report names, without a proof; `told`: who does not
 * know it yet.
 */
function partGone(
  context: StepContext,
  member: MemberIndex,
  code: string,
  about: MemberIndex | undefined,
  told: readonly MemberIndex[],
): void {
  const { live } = context.s
  // its part is here already: what happened to it since does not matter
  if (!live?.hub || live.hub.partials[member] !== undefined) return
  sign(
    context,
    { type: 'fail', code, ...(about === undefined ? {} : { culprit: about }), evidence: [] },
    told,
    live.name,
  )
  dropAttempt(context, { code, by: member, culprit: undefined, input: undefined, proven: false })
}

/**
 * A connection is gone: an attempt that still waits for that member cannot be completed, so the next is not delayed by
 * it.
 */
export function onMemberLeft(context: StepContext, gone: readonly MemberIndex[]): void {
  const work = context.s.live?.hub
  if (!work) return
  const left = gone.find(m => work.partials[m] === undefined)
  if (left !== undefined) failAttempt(context, 'member-left', left)
}

/**
 * A `final` that came meanwhile proves this only when it holds these very signatures: passed on, it must convince the
 * others.
 */
const isFinalOf = (message: SignedMessage | undefined, signatures: readonly Uint8Array[]): boolean =>
  message?.body.type === 'final' &&
  message.body.signatures.length === signatures.length &&
  message.body.signatures.every((signature, i) => equalBytes(signature, signatures[i] ?? new Uint8Array()))

/** Every signature is valid, made here or sent by another: from now on the transaction itself is known. */
export function onFinalized(
  context: StepContext,
  fact: { readonly signatures: readonly Uint8Array[]; readonly raw?: Uint8Array; readonly txid?: string },
): void {
  const { s } = context
  if (s.signed || isChainEnd(s.state)) return
  const made = s.live?.hub?.step === 'finalizing'
  const held = holdsCoins(s)
  if (s.state !== 'broadcast' && !move(context, 'signed')) return
  set(context, {
    signed: { signatures: fact.signatures, raw: fact.raw, txid: fact.txid },
    live: undefined,
    beginPending: false,
    idleSince: undefined,
    final: isFinalOf(s.pendingFinal, fact.signatures) ? s.pendingFinal : undefined,
    pendingFinal: undefined,
    nextSyncAt: undefined,
    takeover: false,
    interrupted: undefined,
    approving: false,
    leaving: undefined,
    end: undefined,
  })
  emit(context, { type: 'store' })
  if (held !== holdsCoins(context.s)) emit(context, { type: 'holds', held: !held })
  emit(context, { type: 'notify', what: 'state' })
  if (s.proposal.kind === 'spend' && context.s.state === 'signed') {
    if (made && fact.raw) emit(context, { type: 'broadcast', raw: fact.raw })
    else set(context, { broadcastAt: context.at + TIMES.broadcastWait })
  }
  if (!context.s.final)
    sign(context, { type: 'final', digest: s.digest, signatures: fact.signatures }, everybodyElse(s))
  // a text never reaches the chain: this is its end
  if (s.proposal.kind === 'practice' && move(context, 'confirmed'))
    emit(context, { type: 'store' }, { type: 'notify', what: 'end' })
}
