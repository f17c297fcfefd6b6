import { equalBytes } from '../domain/bytes'
import type { MemberIndex } from '../domain/ids'
import type { AttemptName } from '../domain/proposal'
import type { AttemptFailureCode } from '../domain/signing-state'
import { messageHash, pubnoncesHash } from '../crypto/message-hash'
import { LIMITS } from '../wire/limits'
import type { SignedMessage } from '../wire/messages'
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
  type Run,
} from './run'
import {
  beats,
  holdsCoins,
  hubOf,
  sameAttempt,
  signatureCount,
  type HubWork,
  type Session,
  type SignedOf,
} from './state'
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
export function driveAttempt(run: Run): number | undefined {
  const { s, at } = run
  const work = s.live?.hub
  if (work && at >= work.deadline) {
    const late = s.members.findIndex(
      (_, m) => m !== s.self && (work.step === 'pubnonces' ? work.pubnonces : work.partials)[m] === undefined,
    )
    failAttempt(run, late < 0 ? 'stalled' : 'late', late < 0 ? undefined : late)
  } else if (s.live && !work && at >= s.live.startedAt + LIMITS.nonceLifeS * 1000) {
    // the vault has erased the nonces by now
    dropAttempt(run, { code: 'stalled', by: s.self, culprit: s.live.name.hub, input: undefined, proven: false })
  }
  return beginWhenReady(run)
}

function beginWhenReady(run: Run): number | undefined {
  const { s, at } = run
  if (!canAttempt(s, at)) {
    if (s.idleSince !== undefined) set(run, { idleSince: undefined })
    return s.live ? (s.live.hub?.deadline ?? s.live.startedAt + LIMITS.nonceLifeS * 1000) : undefined
  }
  const mine = hubOf(s) === s.self
  if (!s.takeover && !mayTryAgain(s)) return undefined
  if (s.idleSince === undefined) set(run, { idleSince: at })
  const due = s.takeover
    ? at
    : mine
      ? s.nextAttemptAt
      : (run.s.idleSince ?? at) + LIMITS.hubTimeoutS * 1000 + takeoverRank(s) * TIMES.takeoverStep
  if (at < due) return due
  set(run, { beginPending: true, takeover: false })
  sign(run, { type: 'begin', digest: s.digest }, s.connected, { counter: s.seen + 1, hub: s.self })
  return undefined
}

/** 0 for the lowest index among those who are here and are not the silent hub. */
const takeoverRank = (s: Session): number => [...s.connected, s.self].filter(m => m !== hubOf(s) && m < s.self).length

/** My `begin` is signed: it is my own attempt too. */
export function onOwnBegin(run: Run, message: SignedOf<'begin'>, to: readonly MemberIndex[]): void {
  const name = message.attempt
  set(run, { beginPending: false })
  if (!name || !canAttempt(run.s, run.at) || !beats(name, run.s.last) || name.counter !== run.s.seen + 1) return
  enter(run, message, name)
  const nobody = run.s.members.map(() => undefined)
  setLive(run, {
    hub: { step: 'pubnonces', pubnonces: nobody, partials: nobody, nonces: undefined, deadline: run.at + TIMES.phase },
  })
  send(run, to, message)
}

const setWork = (run: Run, change: Partial<HubWork>): void => {
  const work = run.s.live?.hub
  if (work) setLive(run, { hub: { ...work, ...change } })
}

/** The work on this attempt, when it is mine and still going on. */
function workOn(s: Session, attempt: AttemptName | undefined): HubWork | undefined {
  return sameAttempt(s.live?.name, attempt) ? s.live?.hub : undefined
}

/** The list when nothing is missing in it. */
const complete = <T>(list: ReadonlyArray<T | undefined>): readonly T[] | undefined =>
  list.includes(undefined) ? undefined : list.filter(item => item !== undefined)
const put = <T>(list: readonly T[], index: number, item: T): T[] => list.map((old, i) => (i === index ? item : old))

export function receivePubnonces(run: Run, message: SignedOf<'pubnonces'>): void {
  const work = workOn(run.s, message.attempt)
  if (!work) return
  const member = memberOf(run.s, message)
  const before = work.pubnonces[member]
  if (before) {
    // a disk that was set back has lost the first, with the nonces behind it: as if the member had said so
    if (!equalBytes(messageHash(before), messageHash(message)))
      return partGone(run, member, 'nonces-gone', member, everybodyElse(run.s))
    if (work.nonces) send(run, [member], work.nonces)
    return
  }
  if (message.body.pubnonces.length !== signatureCount(run.s.proposal))
    return spoiled(run, 'pubnonces-count', member, undefined, [message])
  const pubnonces = put(work.pubnonces, member, message)
  setWork(run, { pubnonces })
  emit(run, { type: 'notify', what: 'progress' })
  const all = complete(pubnonces)
  if (!all || !run.s.live) return
  setWork(run, { step: 'aggregating-nonces' })
  emit(run, { type: 'aggregate-nonces', attempt: run.s.live.name, pubnonces: all.map(p => p.body.pubnonces) })
}

export function onNoncesAggregated(run: Run, attempt: AttemptName, aggregates: readonly Uint8Array[]): void {
  const work = workOn(run.s, attempt)
  const all = work && complete(work.pubnonces)
  if (!all || work.step !== 'aggregating-nonces') return
  const hashes = all.map(p => pubnoncesHash(p.body.pubnonces))
  sign(run, { type: 'nonces', digest: run.s.digest, aggregates, hashes }, everybodyElse(run.s), attempt)
}

/** My `nonces` is signed. It is never made twice for one attempt. */
export function onOwnNonces(run: Run, message: SignedOf<'nonces'>): void {
  const work = workOn(run.s, message.attempt)
  if (!work || work.step !== 'aggregating-nonces' || work.nonces) return
  setWork(run, { step: 'partials', nonces: message, deadline: run.at + TIMES.phase })
  send(run, everybodyElse(run.s), message)
  onNonces(run, message)
}

export function receivePartials(run: Run, message: SignedOf<'partials'>): void {
  const work = workOn(run.s, message.attempt)
  if (!work?.nonces) return
  const member = memberOf(run.s, message)
  const before = work.partials[member]
  // perhaps those of this very attempt that I sent before my disk was set back: nobody's offence, and of no use
  if (!equalBytes(message.body.noncesHash, messageHash(work.nonces)))
    return before ? undefined : failAttempt(run, 'partials-other-nonces')
  if (before) {
    if (!equalBytes(messageHash(before), messageHash(message)))
      spoiled(run, 'partials-equivocation', member, undefined, [before, message])
    return
  }
  const evidence = [work.pubnonces[member], work.nonces, message].filter(m => m !== undefined)
  if (message.body.partials.length !== signatureCount(run.s.proposal))
    return spoiled(run, 'partials-count', member, undefined, evidence)
  const partials = put(work.partials, member, message)
  setWork(run, { partials })
  emit(run, { type: 'notify', what: 'progress' })
  signWhenLast(run)
  const allPartials = complete(partials)
  const allNonces = complete(work.pubnonces)
  if (!allPartials || !allNonces || !run.s.live) return
  setWork(run, { step: 'aggregating-partials' })
  emit(run, {
    type: 'aggregate-partials',
    attempt: run.s.live.name,
    pubnonces: allNonces.map(p => p.body.pubnonces),
    partials: allPartials.map(p => p.body.partials),
  })
}

export function onPartialsAggregated(run: Run, attempt: AttemptName, signatures: readonly Uint8Array[]): void {
  const work = workOn(run.s, attempt)
  if (!work || work.step !== 'aggregating-partials') return
  setWork(run, { step: 'finalizing' })
  emit(run, { type: 'finalize', signatures, from: run.s.self })
}

export function onAggregationFailed(
  run: Run,
  attempt: AttemptName,
  phase: 'nonces' | 'partials',
  member: MemberIndex | undefined,
  input: number,
): void {
  const work = workOn(run.s, attempt)
  if (!work) return
  if (member === undefined) return failAttempt(run, `${phase}-invalid`, undefined, input)
  const evidence =
    phase === 'nonces' ? [work.pubnonces[member]] : [work.pubnonces[member], work.nonces, work.partials[member]]
  spoiled(
    run,
    `${phase === 'nonces' ? 'pubnonce' : 'partial'}-invalid`,
    member,
    input,
    evidence.filter(m => m !== undefined),
  )
}

/** A member's contribution is wrong: everybody hears who, where and why, with the signed messages. */
function spoiled(
  run: Run,
  code: AttemptFailureCode,
  member: MemberIndex,
  input: number | undefined,
  evidence: readonly SignedMessage[],
): void {
  offence(run, member, code, ...evidence)
  failAttempt(run, code, member, input, evidence)
}

/** Ends my attempt for everybody. */
export function failAttempt(
  run: Run,
  code: AttemptFailureCode,
  culprit?: MemberIndex,
  input?: number,
  evidence: readonly SignedMessage[] = [],
): void {
  const live = run.s.live
  if (!live?.hub) return
  sign(run, blame(code, culprit, input, evidence), everybodyElse(run.s), live.name)
  dropAttempt(run, { code, by: run.s.self, culprit, input, proven: evidence.length > 0 })
}

/** A member cannot go on with my attempt. */
export function onFailFromMember(run: Run, message: SignedOf<'fail'>): void {
  const live = run.s.live
  const member = memberOf(run.s, message)
  const { code } = message.body
  if (code === 'superseded' && sameAttempt(live?.name, message.attempt)) {
    // another attempt has won: mine ends without a word, its hub goes on
    return dropAttempt(run, { code, by: member, culprit: undefined, input: undefined, proven: false })
  }
  // what it says of itself is told as its own; whom it accuses is not: in my report it would read as mine
  if (workOn(run.s, message.attempt))
    partGone(
      run,
      member,
      code,
      message.body.culprit === undefined ? member : undefined,
      everybodyElse(run.s).filter(m => m !== member),
    )
}

/**
 * A member's part of my attempt will not come. `about`: whom my report names, without a proof; `told`: who does not
 * know it yet.
 */
function partGone(
  run: Run,
  member: MemberIndex,
  code: string,
  about: MemberIndex | undefined,
  told: readonly MemberIndex[],
): void {
  const { live } = run.s
  // its part is here already: what happened to it since does not matter
  if (!live?.hub || live.hub.partials[member] !== undefined) return
  sign(run, { type: 'fail', code, ...(about === undefined ? {} : { culprit: about }), evidence: [] }, told, live.name)
  dropAttempt(run, { code, by: member, culprit: undefined, input: undefined, proven: false })
}

/**
 * A connection is gone: an attempt that still waits for that member cannot be completed, so the next is not delayed by
 * it.
 */
export function onMemberLeft(run: Run, gone: readonly MemberIndex[]): void {
  const work = run.s.live?.hub
  if (!work) return
  const left = gone.find(m => work.partials[m] === undefined)
  if (left !== undefined) failAttempt(run, 'member-left', left)
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
  run: Run,
  fact: { readonly signatures: readonly Uint8Array[]; readonly raw?: Uint8Array; readonly txid?: string },
): void {
  const { s } = run
  if (s.signed || isChainEnd(s.state)) return
  const made = s.live?.hub?.step === 'finalizing'
  const held = holdsCoins(s)
  if (s.state !== 'broadcast' && !move(run, 'signed')) return
  set(run, {
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
  emit(run, { type: 'store' })
  if (held !== holdsCoins(run.s)) emit(run, { type: 'holds', held: !held })
  emit(run, { type: 'notify', what: 'state' })
  if (s.proposal.kind === 'spend' && run.s.state === 'signed') {
    if (made && fact.raw) emit(run, { type: 'broadcast', raw: fact.raw })
    else set(run, { broadcastAt: run.at + TIMES.broadcastWait })
  }
  if (!run.s.final) sign(run, { type: 'final', digest: s.digest, signatures: fact.signatures }, everybodyElse(s))
  // a text never reaches the chain: this is its end
  if (s.proposal.kind === 'practice' && move(run, 'confirmed'))
    emit(run, { type: 'store' }, { type: 'notify', what: 'end' })
}
