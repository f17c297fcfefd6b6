import type { MemberIndex } from '../../domain/ids'
import { sameAttempt } from '../../domain/proposal'
import { LIMITS } from '../../wire/limits'
import type { SignBody, SignedMessage } from '../../wire/messages'
import { isOvertaken, showSignatures } from './ends'
import { onMemberLeft } from './hub'
import { emit, memberOf, send, set, sign, syncBody, type StepContext } from './step-context'
import { proposerOf, type Session, type SignedOf } from './state'
import { isCalledOff, isLive, isOpen, isSessionState, isSignable } from './table'

/**
 * Making members equal after a reload, a lost message or a broken connection.
 *
 * `sync` says what its sender has; whoever receives it sends what the sender lacks. `reply: true` also asks for the
 * other's state, because nobody can know whether the other noticed anything: a stream may end, with what was under way
 * on it, that only its sender sees, while the other's own stream goes on. So it is said on every new stream, after an
 * unlock, every minute while waiting, and when an attempt counter jumps.
 *
 * Invariants
 * 1. A `sync` with `reply: true` is answered by one with `reply: false`; that one is never answered by a `sync`. No
 *    ping-pong.
 * 2. What is passed on are the messages as their senders signed them, each at most once per `sync` received.
 * 3. An ended session answers everything that asks for more with what proves its end, and stays ended; signatures alone
 *    bring one back that was called off.
 */
export function onSync(context: StepContext, from: MemberIndex, message: SignedOf<'sync'>): void {
  const { s } = context
  const { body } = message
  // a state that was passed on is somebody's past
  if (memberOf(s, message) !== from) return
  if (body.attempt && body.attempt.counter <= LIMITS.attempts && body.attempt.counter > s.seen)
    set(context, { seen: body.attempt.counter })
  const lockedMembers = s.lockedMembers.filter(m => m !== from)
  set(context, { lockedMembers: body.locked ? [...lockedMembers, from].sort((a, b) => a - b) : lockedMembers })
  for (const lacking of lackedBy(context.s, from, body)) send(context, [from], lacking)
  // stored, but broken off before `final` was signed
  if (s.signed && !s.final && lacksFinal(body.state) && !s.locked)
    sign(context, { type: 'final', digest: s.digest, signatures: s.signed.signatures }, [from])
  if (body.reply && !context.s.locked) sign(context, syncBody(context.s, false), [from])
  // a member that will not sign any more leaves nothing to try; its own end is for it to prove
  if (isOpen(context.s.state) && isSessionState(body.state) && !isLive(body.state) && context.s.stopped === undefined)
    set(context, { stopped: `member-${body.state}` })
  emit(context, { type: 'notify', what: 'progress' })
}

function lackedBy(s: Session, other: MemberIndex, body: Extract<SignBody, { readonly type: 'sync' }>): SignedMessage[] {
  if (isSessionState(body.state) && !isLive(body.state))
    return s.final && lacksFinal(body.state) && !isOvertaken(s) && s.proposal.kind === 'spend' ? [s.final] : []
  const proof = endProof(s)
  const out: SignedMessage[] = []
  if (body.state === 'unknown' && s.propose) out.push(s.propose)
  if (!isLive(s.state)) return proof ? [...out, proof] : out
  const have = new Set(body.have)
  for (const [m, vote] of s.votes.entries()) {
    const known = have.has(s.members[m] ?? '')
    // who gets the signatures needs no end that they undo
    if (
      vote &&
      !(s.final && vote.body.choice !== 'yes') &&
      !(known && vote.body.choice === 'yes') &&
      !(m === proposerOf(s) && vote.body.choice === 'yes')
    )
      out.push(vote)
  }
  if (s.final && lacksFinal(body.state)) out.push(s.final)
  return [...out, ...liveMessagesFor(s, other)]
}

const lacksFinal = (state: string): boolean =>
  state === 'unknown' || (isSessionState(state) && (isSignable(state) || isCalledOff(state)))

/** What the other side of the live attempt may not have got. */
function liveMessagesFor(s: Session, other: MemberIndex): SignedMessage[] {
  const { live } = s
  if (!live) return []
  if (live.hub) {
    if (live.hub.pubnonces[other] === undefined) return [live.begin]
    return live.hub.nonces && live.hub.partials[other] === undefined ? [live.hub.nonces] : []
  }
  if (live.name.hub !== other) return []
  if (live.phase === 'done' && s.released && sameAttempt(s.released.partials.attempt, live.name))
    return [s.released.partials]
  return live.pubnonces ? [live.pubnonces] : []
}

/** The signed message by which the session ended, where there is one. */
function endProof(s: Session): SignedMessage | undefined {
  switch (s.state) {
    case 'declined':
    case 'withdrawn':
      return s.votes.find(v => v !== undefined && v.body.choice !== 'yes')
    case 'cancelled':
      return s.cancel
    default:
      return s.final
  }
}

/** A message for a session that has ended here: the other learns the end, nothing else happens. */
export function onMessageAfterEnd(context: StepContext, from: MemberIndex, message: SignedMessage): void {
  const { s } = context
  switch (message.body.type) {
    case 'sync':
      return onSync(context, from, message as SignedOf<'sync'>)
    case 'vote':
      if (message.body.choice !== 'yes') return showSignatures(context, from, message)
      break
    case 'cancel':
      return showSignatures(context, from, message)
    case 'final':
    case 'fail':
      return
    default:
  }
  const proof = endProof(s)
  if (proof) send(context, [from], proof)
  else if (!s.locked) sign(context, syncBody(s, false), [from])
}

/**
 * What a device answers that has never heard of the session which `message` names; undefined when nothing is to be
 * asked.
 */
export function askAbout(message: SignedMessage): Extract<SignBody, { readonly type: 'sync' }> | undefined {
  if (message.body.type === 'propose' || !('digest' in message.body)) return undefined
  if (
    message.body.type === 'sync' &&
    (message.body.state === 'unknown' || (isSessionState(message.body.state) && !isLive(message.body.state)))
  )
    return undefined
  return { type: 'sync', digest: message.body.digest, state: 'unknown', have: [], locked: false, reply: false }
}

/** The members that can be reached now. Who is new is told my state; who is gone is not waited for. */
export function onPeers(context: StepContext, connected: readonly MemberIndex[]): void {
  const { s } = context
  const now = s.members.map((_, m) => m).filter(m => m !== s.self && connected.includes(m))
  const fresh = now.filter(m => !s.connected.includes(m))
  const gone = s.connected.filter(m => !now.includes(m))
  if (fresh.length === 0 && gone.length === 0) return
  set(context, { connected: now, lockedMembers: s.lockedMembers.filter(m => !gone.includes(m)), idleSince: undefined })
  onMemberLeft(context, gone)
  tellInterrupted(context)
  if (fresh.length > 0 && isLive(context.s.state) && context.s.propose && !context.s.locked)
    sign(context, syncBody(context.s, true), fresh)
  if (isLive(context.s.state)) emit(context, { type: 'notify', what: 'progress' })
}

/** The hub of an attempt that my reload or lock broke off need not wait for its deadline. */
export function tellInterrupted(context: StepContext): void {
  const { interrupted, connected, locked, state, self } = context.s
  if (!interrupted || locked || !isSignable(state)) return
  if (interrupted.hub === self) return set(context, { interrupted: undefined })
  if (!connected.includes(interrupted.hub)) return
  set(context, { interrupted: undefined })
  sign(context, { type: 'fail', code: 'reloaded', evidence: [] }, [interrupted.hub], interrupted)
}
