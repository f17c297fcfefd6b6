import type { AccountKey, SessionId } from '../../domain/ids'
import type { EndReason, SessionState, Verdict } from '../../domain/signing-state'
import type { ReviewView, WalletView } from '../../domain/views'
import type { SessionCard } from './cards'
import { isLive } from '../protocol/table'
import { sessionProgress, type ProgressStep } from './progress-list'
import { iconOf, type SessionIcon, type Tone } from './session-row'
import { nameOf, type Who } from './who'

/**
 * What the screen of one session says, as plain data: codes instead of sentences, so that no view decides anything.
 *
 * The sentences are in locales/, the drawings in components/musig2/.
 */
export interface SessionScreen {
  readonly status: {
    readonly tone: Tone
    readonly icon: SessionIcon
    readonly title: StatusTitle
    readonly sentences: readonly StatusSentence[]
    /** the session that is to take the place of this one */
    readonly see?: SessionId
  }
  readonly notices: readonly SessionNotice[]
  readonly subject:
    | { readonly kind: 'payment'; readonly review: ReviewView }
    | { readonly kind: 'practice'; readonly text: string }
    /** the payment is not read from the chain yet */
    | { readonly kind: 'unread' }
  /** the card with spend code and actions; undefined once nothing is to be compared or done */
  readonly answer?: { readonly offers: readonly SessionOffer[]; readonly expires: boolean }
  readonly progress: readonly ProgressStep[]
  /** the connections to the others matter */
  readonly connections: boolean
}

export type StatusTitle =
  | { readonly code: 'asks-you'; readonly proposer: string }
  | { readonly code: 'away' }
  | { readonly code: 'being-replaced' }
  | { readonly code: 'state'; readonly state: SessionState }

export type StatusSentence =
  | { readonly code: 'failed'; readonly reason: EndReason; readonly by: Who }
  | { readonly code: 'away'; readonly who: readonly Who[] }
  | { readonly code: 'being-replaced' }
  | { readonly code: 'not-in-time' }
  | { readonly code: 'state'; readonly state: SessionState; readonly by: Who }
  | { readonly code: 'waiting-for-you' }
  | { readonly code: 'waiting-for'; readonly who: readonly Who[] }

/** What stands below the status, in this order. */
export interface SessionNotice {
  readonly tone: Tone
  readonly icon: SessionIcon
  readonly message: NoticeMessage
  /** to be read out at once */
  readonly alert?: true
  readonly offer?: 'recheck'
  /** other sessions that it is about */
  readonly see: readonly SessionId[]
}

export type NoticeMessage =
  | { readonly code: 'verdict'; readonly verdict: Verdict }
  | { readonly code: 'attempt-failed'; readonly attempt: FailedAttempt }
  | { readonly code: 'locked'; readonly who: readonly Who[] }
  /** another session spends the same coins: this one may still go out, or the other may */
  | { readonly code: 'paid-again' }
  | { readonly code: 'earlier-out' }
  /** open proposals for the same coins: a yes here takes the yes from there */
  | { readonly code: 'rivals' }
  | {
      readonly code: 'replaces'
      readonly kind: 'faster' | 'back' | 'other' | 'unknown'
      readonly sentSats: bigint
      readonly done: boolean
    }

/** Why an attempt did not work, as far as a person wants to know it. */
export interface FailedAttempt {
  readonly code: string
  /** whose doing it is */
  readonly who: Who
  readonly step?: 'nonces' | 'signatures'
  /** index of the input that it is about */
  readonly input?: number
  readonly proven: boolean
  /** the member whose word it is, when nothing proves it */
  readonly reportedBy?: Who
  /** tried again by itself; false: a person decides */
  readonly again: boolean
}

export type SessionAction = 'approve' | 'decline' | 'retry' | 'withdraw' | 'cancel'
export type ReplaceWay = 'speed-up' | 'take-back' | 'pay-again'

/** What this person may do now. Nothing is offered that would be refused. */
export type SessionOffer =
  | { readonly action: SessionAction; readonly weight: 'main' | 'answer' | 'other' }
  /** leads to a page of its own */
  | { readonly way: ReplaceWay; readonly weight: 'other' }

/** What the card does not say itself. */
export interface Beside {
  /** the other sessions of this profile, those of this wallet among them */
  readonly others: readonly SessionCard[]
  /** "signed by me, not complete" has lasted longer than `LINGER_MS` */
  readonly lingers: boolean
}

/**
 * Milliseconds in `released` before it is worth a warning. Signing takes less than a second, so only a payment that
 * stays between "signed by me" and "complete" is one that may still go out.
 */
export const LINGER_MS = 5_000

/** The card, and what is concluded from it in more than one place. */
interface Facts {
  readonly card: SessionCard
  readonly beside: Beside
  readonly who: (key: AccountKey | undefined) => Who
  readonly live: boolean
  /** complete and on its way to a block */
  readonly out: boolean
  /** the state as it is for people */
  readonly state: SessionState
  /** all have approved, and these are missing */
  readonly away: readonly Who[]
  /** out, and another payment may take its place */
  readonly mayBeReplaced: boolean
}

export function sessionScreen(card: SessionCard, wallet: Pick<WalletView, 'members'>, beside: Beside): SessionScreen {
  const facts = factsOf(card, wallet, beside)
  const { view } = card
  return {
    status: statusOf(facts),
    notices: noticesOf(facts),
    subject: subjectOf(card),
    ...(facts.live || view.state === 'confirmed'
      ? { answer: { offers: sessionOffers(card), expires: view.state === 'proposed' } }
      : {}),
    progress: sessionProgress(view, wallet.members),
    connections: facts.live,
  }
}

function factsOf(card: SessionCard, wallet: Pick<WalletView, 'members'>, beside: Beside): Facts {
  const { view } = card
  const who = nameOf(wallet.members)
  const out = view.state === 'signed' || view.state === 'broadcast'
  const state = stateForPeople(card, beside.lingers)
  return {
    card,
    beside,
    who,
    live: isLive(view.state),
    out,
    state,
    away:
      state === 'signing' && view.state !== 'released'
        ? view.members.filter(m => !m.connected).map(m => who(m.accountKey))
        : [],
    mayBeReplaced: card.replacedBy !== undefined && out,
  }
}

/** Between the last yes and the first nonce it is signing for people too, and so is the moment after my signature. */
function stateForPeople({ view, canPayAgain }: SessionCard, lingers: boolean): SessionState {
  const { state } = view
  if (state === 'released' && !lingers && !view.stopped && !canPayAgain) return 'signing'
  return state === 'proposed' && view.members.every(m => m.vote === 'yes') ? 'signing' : state
}

function statusOf(facts: Facts): SessionScreen['status'] {
  const { card, state, away, mayBeReplaced } = facts
  const { view } = card
  return {
    tone: toneOf(state, view.canApprove),
    icon: state === 'signing' && away.length > 0 ? 'wait' : iconOf(state, view.canApprove),
    title:
      view.state === 'proposed' && view.canApprove
        ? { code: 'asks-you', proposer: card.proposerName }
        : away.length > 0
          ? { code: 'away' }
          : mayBeReplaced
            ? { code: 'being-replaced' }
            : { code: 'state', state },
    sentences: [...whyItFailed(facts), whatIsHappening(facts), ...whoseTurn(facts)],
    ...(mayBeReplaced ? { see: card.replacedBy } : {}),
  }
}

function toneOf(state: SessionState, canApprove: boolean): Tone {
  switch (state) {
    case 'confirmed':
      return 'success'
    case 'released':
      return 'warning'
    case 'failed':
    case 'conflicted':
      return 'error'
    case 'proposed':
      return canApprove ? 'primary' : 'neutral'
    default:
      return 'neutral'
  }
}

function whyItFailed({ card: { view }, who }: Facts): StatusSentence[] {
  const { endReason: reason } = view
  return view.state === 'failed' && reason !== undefined ? [{ code: 'failed', reason, by: who(reason.by) }] : []
}

function whatIsHappening({ card, state, away, mayBeReplaced, who }: Facts): StatusSentence {
  if (away.length > 0) return { code: 'away', who: away }
  if (mayBeReplaced) return { code: 'being-replaced' }
  if (card.canPayAgain) return { code: 'not-in-time' }
  return { code: 'state', state, by: who(card.view.endReason?.by) }
}

function whoseTurn({ card: { view }, state, who }: Facts): StatusSentence[] {
  if (state !== 'proposed') return []
  if (view.canApprove) return [{ code: 'waiting-for-you' }]
  const missing = view.members.filter(m => m.vote !== 'yes' && !m.self).map(m => who(m.accountKey))
  return missing.length > 0 ? [{ code: 'waiting-for', who: missing }] : []
}

function noticesOf(facts: Facts): SessionNotice[] {
  return [
    ...verdictNotice(facts),
    ...attemptNotice(facts),
    ...lockedNotice(facts),
    ...overlapNotices(facts),
    ...replacesNotice(facts),
  ]
}

/** An old verdict is of no interest once the payment is out. */
function verdictNotice({ card: { view }, live, out }: Facts): SessionNotice[] {
  const { verdict } = view
  if (!live || out || verdict === undefined || verdict.kind === 'ok') return []
  const message = { code: 'verdict', verdict } as const
  return verdict.kind === 'wrong'
    ? [{ tone: 'error', icon: 'forbid', message, alert: true, see: [] }]
    : [{ tone: 'warning', icon: 'look', message, alert: true, offer: 'recheck', see: [] }]
}

/** A failed attempt is of no interest once another has succeeded, or none can follow. */
function attemptNotice({ card, live, out, who }: Facts): SessionNotice[] {
  const { failure, stopped, members } = card.view
  if (failure === undefined || !live || out || card.canPayAgain) return []
  const self = members.find(m => m.self)?.accountKey
  const attempt = failedAttempt(failure, stopped, who, self)
  return [{ tone: 'warning', icon: 'again', message: { code: 'attempt-failed', attempt }, see: [] }]
}

export function failedAttempt(
  { code, by, culprit, input, proven }: NonNullable<SessionCard['view']['failure']>,
  stopped: boolean,
  who: (key: AccountKey) => Who,
  self: AccountKey | undefined,
): FailedAttempt {
  const step = code.startsWith('pubnonce') ? 'nonces' : code.startsWith('partial') ? 'signatures' : undefined
  return {
    code,
    who: who(culprit ?? by),
    ...(step === undefined ? {} : { step }),
    ...(input === undefined ? {} : { input }),
    proven: proven && culprit !== undefined,
    // what I saw myself needs no reporter
    ...(!proven && culprit !== undefined && by !== self ? { reportedBy: who(by) } : {}),
    again: !stopped,
  }
}

function lockedNotice({ card: { view }, live, who }: Facts): SessionNotice[] {
  const locked = view.members.filter(m => m.locked && !m.self).map(m => who(m.accountKey))
  if (!live || locked.length === 0) return []
  return [{ tone: 'neutral', icon: 'lock', message: { code: 'locked', who: locked }, see: [] }]
}

/** Other live sessions for the same coins. A yes takes my yes from the open ones; the rest may still go out. */
function overlapNotices({ card, beside, live, out }: Facts): SessionNotice[] {
  const { view } = card
  const others = card.overlapsWith.flatMap(id => beside.others.find(other => other.id === id) ?? [])
  const open = others.filter(o => !o.view.mayStillGoOut).map(o => o.id)
  const mayGoOut = others.filter(o => o.view.mayStillGoOut).map(o => o.id)
  const shown = !live || out ? [] : view.mayStillGoOut ? [...open, ...mayGoOut] : mayGoOut
  const code = view.mayStillGoOut ? 'paid-again' : 'earlier-out'
  return [
    ...shown.map((id): SessionNotice => ({ tone: 'warning', icon: 'compare', message: { code }, see: [id] })),
    ...(live && !view.mayStillGoOut && open.length > 0
      ? [{ tone: 'warning', icon: 'compare', message: { code: 'rivals' }, see: open } as const]
      : []),
  ]
}

/** Said as long as it may come to that, and after it has. */
function replacesNotice({ card, live }: Facts): SessionNotice[] {
  const { replaces: earlier } = card
  const done = card.view.state === 'confirmed'
  if (earlier === undefined || (!live && !done)) return []
  return [
    {
      tone: live ? 'warning' : 'neutral',
      icon: 'replace',
      message: { code: 'replaces', kind: earlier.kind ?? 'unknown', sentSats: earlier.sentSats ?? 0n, done },
      see: earlier.session === undefined ? [] : [earlier.session],
    },
  ]
}

function subjectOf({ review, replaces, practiceText }: SessionCard): SessionScreen['subject'] {
  if (review !== null) return { kind: 'payment', review: replaces === undefined ? review : { ...review, replaces } }
  return practiceText === undefined ? { kind: 'unread' } : { kind: 'practice', text: practiceText }
}

function sessionOffers(card: SessionCard): SessionOffer[] {
  const { view } = card
  const takenBack = card.replaces?.kind === 'back'
  const offers: ReadonlyArray<readonly [boolean, SessionOffer]> = [
    [view.canApprove, { action: 'approve', weight: 'main' }],
    [view.canDecline, { action: 'decline', weight: 'answer' }],
    [view.canRetry, { action: 'retry', weight: 'main' }],
    [view.canWithdraw, { action: 'withdraw', weight: 'other' }],
    [card.canReplace, { way: 'speed-up', weight: 'other' }],
    // what brings everything back already cannot be taken back
    [card.canReplace && !takenBack, { way: 'take-back', weight: 'other' }],
    [card.canPayAgain, { way: 'pay-again', weight: 'other' }],
    [view.canCancel, { action: 'cancel', weight: 'other' }],
  ]
  return offers.flatMap(([may, offer]) => (may ? [offer] : []))
}
