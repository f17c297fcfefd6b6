import type { AccountKey, MemberIndex, SessionId, Txid, WalletId } from '../../domain/ids'
import type { AttemptName, Proposal } from '../../domain/proposal'
import type { EndReason, MemberProgress, SessionState, Verdict } from '../../domain/signing-state'
import { canApprove, canCancel, canDecline, canRetry, canWithdraw } from '../protocol/ends'
import { voteOf, type Session } from '../protocol/state'
import { isLive, isOpen } from '../protocol/table'

/** One session as screens show it: plain data, codes instead of sentences. */
export interface SessionView {
  readonly id: SessionId
  readonly walletId: WalletId
  readonly state: SessionState
  readonly live: boolean
  readonly proposal: Proposal
  readonly digest: string
  readonly proposer: AccountKey
  readonly mine: boolean
  readonly members: ReadonlyArray<
    MemberProgress & { readonly self: boolean; readonly connected: boolean; readonly locked: boolean }
  >
  readonly attempt?: AttemptName
  readonly verdict?: Verdict
  /** my own yes is being checked and signed */
  readonly approving: boolean
  readonly canApprove: boolean
  readonly canDecline: boolean
  readonly canWithdraw: boolean
  readonly canCancel: boolean
  readonly canRetry: boolean
  /** my part is out, or the payment is complete, and it is not confirmed yet */
  readonly mayStillGoOut: boolean
  readonly endReason?: EndReason
  /** why the last attempt failed; `proven` is false for what only the hub reports */
  readonly failure?: {
    readonly code: string
    readonly by: AccountKey
    readonly culprit?: AccountKey
    readonly input?: number
    readonly proven: boolean
  }
  /** no automatic attempt any more: a person decides */
  readonly stopped: boolean
  readonly txid?: Txid
  readonly confirmations?: number
  /** unix seconds */
  readonly expiresAt: number
  readonly note: string
}

/** `now`: unix milliseconds. */
export function sessionView(s: Session, now: number): SessionView {
  const key = (m: MemberIndex): AccountKey => s.members[m] ?? ''
  const { lastFailure: failure } = s
  return {
    id: s.id,
    walletId: s.walletId,
    state: s.state,
    live: isLive(s.state),
    proposal: s.proposal,
    digest: s.digest,
    proposer: s.proposal.proposer,
    mine: s.members[s.self] === s.proposal.proposer,
    members: s.members.map((accountKey, m) => ({
      member: m,
      accountKey,
      vote: voteOf(s, m),
      ...contributed(s, m),
      self: m === s.self,
      connected: m === s.self || s.connected.includes(m),
      locked: m === s.self ? s.locked : s.lockedMembers.includes(m),
    })),
    attempt: s.live?.name ?? s.last,
    verdict: s.verdict,
    approving: s.approving,
    canApprove: canApprove(s, now),
    canDecline: canDecline(s),
    canWithdraw: canWithdraw(s),
    canCancel: canCancel(s),
    canRetry: canRetry(s, now),
    mayStillGoOut: isLive(s.state) && !isOpen(s.state),
    endReason: s.end,
    failure: failure && {
      code: failure.code,
      by: key(failure.by),
      culprit: failure.culprit === undefined ? undefined : key(failure.culprit),
      input: failure.input,
      proven: failure.proven,
    },
    stopped: s.stopped !== undefined,
    txid: s.signed?.txid,
    confirmations: s.height === undefined || s.tip === undefined ? undefined : Math.max(0, s.tip - s.height + 1),
    expiresAt: s.proposal.expiresAt,
    note: s.proposal.note,
  }
}

/** What this device knows of a member's contributions: the hub all, the others their own until the end. */
function contributed(s: Session, m: MemberIndex): { readonly nonces: boolean; readonly signed: boolean } {
  if (s.signed || s.state === 'broadcast' || s.state === 'confirmed') return { nonces: true, signed: true }
  const work = s.live?.hub
  const mine = m === s.self
  const signed = work?.partials[m] !== undefined || (mine && s.released !== undefined)
  // the hub's `nonces` proves that everybody sent his
  const nonces =
    signed ||
    work?.pubnonces[m] !== undefined ||
    s.live?.nonces !== undefined ||
    (mine && s.live?.pubnonces !== undefined)
  return { nonces, signed }
}
