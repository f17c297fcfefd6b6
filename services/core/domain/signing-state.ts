import type { AccountKey, MemberIndex, Txid } from './ids'

/** States of protocol.md, "Votes, holds and states". `draft` and `connecting` are before a session exists. */
export type LiveState = 'proposed' | 'signing' | 'released' | 'signed' | 'broadcast'
export type EndState =
  'declined' | 'withdrawn' | 'cancelled' | 'expired' | 'failed' | 'confirmed' | 'replaced' | 'conflicted'
export type SessionState = LiveState | EndState

/** Why a session ended or an attempt failed; codes only, the sentences are in locales/. */
export interface EndReason {
  readonly code: string
  readonly by?: AccountKey
  readonly txid?: Txid
  /** input index */
  readonly input?: number
}

export type Verdict =
  | { readonly kind: 'ok' }
  /** blames nobody: retried at each tip and on demand */
  | { readonly kind: 'not-yet-seen'; readonly what: 'input' | 'chain' }
  | { readonly kind: 'wrong'; readonly rule: ProposalRule; readonly input?: number; readonly output?: number }

/** Every rule of the co-signer's check, by name (protocol.md, "A spend"). */
export const PROPOSAL_RULES = [
  'malformed-transaction',
  'version',
  'sequence',
  'locktime',
  'no-inputs',
  'too-many-inputs',
  'duplicate-input',
  'inputs-mismatch',
  'not-ours',
  'input-amount',
  'input-script',
  'input-spent',
  'input-immature',
  'change-not-ours',
  'change-branch',
  'change-index',
  'change-reused',
  'output-dust',
  'output-nonstandard',
  'no-recipient',
  'overspend',
  'fee-too-low',
  'fee-too-high',
  'replaces-unknown',
  'replaces-no-shared-input',
  'replaces-fee',
  'note-too-long',
  'expiry',
  'proposer',
  'practice-text',
  'equivocation',
] as const
export type ProposalRule = (typeof PROPOSAL_RULES)[number]

/**
 * Why an attempt ends, as a `fail` says it. Beside these `check:RULE` (the check before a contribution found a broken
 * rule) and `signer-CODE` (the vault refused). What a peer sends may be anything.
 */
export const ATTEMPT_FAILURES = [
  // somebody is not there, or not ready
  'late',
  'stalled',
  'member-left',
  'reloaded',
  'nonces-gone',
  'locked',
  'leaving',
  'not-approved',
  'not-yet-seen',
  'expired',
  'superseded',
  // a member's contribution is wrong, with the signed messages
  'pubnonce-invalid',
  'pubnonces-count',
  'partial-invalid',
  'partials-count',
  'partials-equivocation',
  'nonces-without-mine',
  // together they do not fit, and it is not known whose fault it is
  'partials-other-nonces',
  'nonces-invalid',
  'partials-invalid',
  'signature-invalid',
] as const
export type AttemptFailureCode = (typeof ATTEMPT_FAILURES)[number] | `check:${ProposalRule}` | `signer-${string}`

export type Choice = 'yes' | 'no' | 'withdraw'

/** What each member has done in the live attempt, for the progress list. */
export interface MemberProgress {
  readonly member: MemberIndex
  readonly accountKey: AccountKey
  readonly vote?: Choice
  readonly nonces: boolean
  readonly signed: boolean
}
