import type { MemberIndex, Txid } from '../../domain/ids'
import type { AttemptName } from '../../domain/proposal'
import type { Verdict } from '../../domain/signing-state'
import type { SignBody, SignedMessage } from '../../wire/messages'

/**
 * What happens to a session (facts) and what it wants done (effects). `step(session, event)` in step.ts decides;
 * whoever owns the session (the door) does the effects and feeds their outcome back as facts.
 *
 * How to drive a session
 * 1. Events of one session are stepped one after the other; `at` is the own clock when the fact was learned.
 * 2. The effects of one step are carried out in order. `store` is awaited before the next effect of that step is begun:
 *    a
 * message that is sent, or a transaction that is broadcast, was stored before. Effects that answer (listed below with
 * their answer) are started in order and not awaited; their answer is a later event. Those of them that only ask
 * (`sign`,
 * `verify`, `aggregate-...`, `finalize`, `check-evidence`) may be begun before the write; the answer is stepped after
 * it.
 * 3. A message is handed in after its signature was verified and its sender found in the roster; `from` is the member
 *    at
 *    the other end of the stream, who may pass on what others signed.
 * 4. Nothing here is secret: nonces stay behind the vault's handles, the rest goes to members anyway.
 */
export type Fact =
  /** first event of a session that I propose: checks it, approves it in the vault, signs `propose`, sends it */
  | { readonly type: 'opened' }
  /** first event of a session that was read from the store; `connected` starts empty, a `peers` event follows */
  | { readonly type: 'resumed' }
  | { readonly type: 'message'; readonly from: MemberIndex; readonly message: SignedMessage }
  /** answer to `verify`. `attempt` is given back as it was asked */
  | {
      readonly type: 'verdict'
      readonly purpose: VerifyPurpose
      readonly attempt?: AttemptName
      readonly verdict: Verdict
    }
  | { readonly type: 'user'; readonly action: UserAction; readonly reason?: string }
  /** answer to `sign` */
  | { readonly type: 'signed'; readonly message: SignedMessage; readonly to: readonly MemberIndex[] }
  /** answer to `approve`: the signed yes, which the vault has stored */
  | { readonly type: 'approved'; readonly message: SignedMessage }
  /** answer to `make-nonces`: a signed `pubnonces` */
  | { readonly type: 'nonces-made'; readonly message: SignedMessage }
  /** answer to `make-partials`: a signed `partials` */
  | { readonly type: 'partials-made'; readonly message: SignedMessage }
  /** the vault refused what `request` asked; `code` is SignerError.code */
  | { readonly type: 'refused'; readonly request: SignerRequest; readonly attempt?: AttemptName; readonly code: string }
  /** answers to `aggregate-nonces` and `aggregate-partials` */
  | { readonly type: 'nonces-aggregated'; readonly attempt: AttemptName; readonly aggregates: readonly Uint8Array[] }
  | { readonly type: 'partials-aggregated'; readonly attempt: AttemptName; readonly signatures: readonly Uint8Array[] }
  | {
      readonly type: 'aggregation-failed'
      readonly attempt: AttemptName
      readonly phase: 'nonces' | 'partials'
      readonly member?: MemberIndex
      readonly input: number
    }
  /** answer to `finalize`: every signature is valid. `raw` and `txid` are absent for a practice text */
  | {
      readonly type: 'finalized'
      readonly signatures: readonly Uint8Array[]
      readonly raw?: Uint8Array
      readonly txid?: Txid
    }
  | { readonly type: 'finalize-failed'; readonly from: MemberIndex; readonly input: number }
  /** answer to `check-evidence` */
  | { readonly type: 'evidence-checked'; readonly attempt: AttemptName; readonly proven: boolean }
  /** members (never me) to whom a live connection exists now; a full list each time */
  | { readonly type: 'peers'; readonly connected: readonly MemberIndex[] }
  /** time has passed; given at the time that `timer` named, may come at any other time too */
  | { readonly type: 'tick' }
  | { readonly type: 'chain'; readonly fact: ChainFact }
  /** answer to `broadcast`: ok also when the server had it already. `code` is ChainError.code */
  | { readonly type: 'broadcast-done'; readonly ok: boolean; readonly code?: string; readonly detail?: string }
  | { readonly type: 'unlocked' }
  /** the vault is locked: its nonces are gone, signing requests will be refused */
  | { readonly type: 'locked' }

/** `at`: unix milliseconds by the own clock. */
export type SigningEvent = Fact & { readonly at: number }

export type UserAction =
  /** my yes; only after a verdict `ok` */
  | 'approve'
  /** my no, before my yes */
  | 'decline'
  /** my yes is taken back, before `released` */
  | 'withdraw'
  /** proposer only, before `released` */
  | 'cancel'
  /** a new attempt after the automatic ones were used up or stopped */
  | 'retry'
  /** run the check again ("not yet seen") */
  | 'recheck'

/** What the transaction of this session, or one that spends one of its inputs, was seen to do on the own chain view. */
export type ChainFact =
  | { readonly kind: 'seen'; readonly raw?: Uint8Array }
  /** `tip` is the height of the best block, so that confirmations can be counted; repeated as the tip grows */
  | { readonly kind: 'confirmed'; readonly height: number; readonly tip: number; readonly raw?: Uint8Array }
  /** the server does not know the transaction (404 twice) although it was seen before: evicted */
  | { readonly kind: 'missing' }
  /** it was confirmed and its block is gone */
  | { readonly kind: 'reorged' }
  /**
   * another transaction that spends one of the inputs is confirmed; `replacement`: it is one of ours that names this
   * one in `replaces`
   */
  | { readonly kind: 'conflict'; readonly txid: Txid; readonly replacement: boolean }
  /** the conflicting transaction was confirmed and its block is gone */
  | { readonly kind: 'conflict-gone' }
  /** a new block, or new coins seen: what was not yet seen may be there now */
  | { readonly kind: 'tip' }

/** `show`: first look and rechecks; `approve`: before my yes; `nonces` and `partials`: before each contribution. */
export type VerifyPurpose = 'show' | 'approve' | 'nonces' | 'partials'

export type SignerRequest = 'sign' | 'approve' | 'nonces' | 'partials'

export type Effect =
  /** write encodeSession(session) as it is after this step, before the next effect */
  | { readonly type: 'store' }
  /** to those of `to` who are connected; a lost message is made good by `sync` */
  | { readonly type: 'send'; readonly to: readonly MemberIndex[]; readonly message: SignedMessage }
  /** Signer.signMessage -> `signed` (with `to` given back) or `refused` 'sign' */
  | {
      readonly type: 'sign'
      readonly body: SignBody
      readonly attempt?: AttemptName
      readonly to: readonly MemberIndex[]
    }
  /** Signer.approve -> `approved` or `refused` 'approve' */
  | { readonly type: 'approve' }
  /** Signer.retract: the stored yes is void for good */
  | { readonly type: 'retract' }
  /** Signer.makeNonces -> `nonces-made` or `refused` 'nonces' */
  | { readonly type: 'make-nonces'; readonly attempt: AttemptName }
  /** Signer.makePartials -> `partials-made` or `refused` 'partials' */
  | { readonly type: 'make-partials'; readonly attempt: AttemptName; readonly nonces: SignedMessage }
  /** Signer.eraseNonces of this session */
  | { readonly type: 'erase-nonces' }
  /** the co-signer's full check on the own chain view -> `verdict` */
  | { readonly type: 'verify'; readonly purpose: VerifyPurpose; readonly attempt?: AttemptName }
  /** Aggregator.aggregateNonces; entries in roster order -> `nonces-aggregated` or `aggregation-failed` */
  | {
      readonly type: 'aggregate-nonces'
      readonly attempt: AttemptName
      readonly pubnonces: ReadonlyArray<readonly Uint8Array[]>
    }
  /** Aggregator.aggregatePartials -> `partials-aggregated` or `aggregation-failed` */
  | {
      readonly type: 'aggregate-partials'
      readonly attempt: AttemptName
      readonly pubnonces: ReadonlyArray<readonly Uint8Array[]>
      readonly partials: ReadonlyArray<readonly Uint8Array[]>
    }
  /**
   * Aggregator.finalize -> `finalized` or `finalize-failed`; `from` is who sent the signatures (me when I am the hub)
   */
  | { readonly type: 'finalize'; readonly signatures: readonly Uint8Array[]; readonly from: MemberIndex }
  /**
   * Aggregator.checkEvidence: decodes and verifies the signed messages, and makes the curve check again ->
   * `evidence-checked`
   */
  | {
      readonly type: 'check-evidence'
      readonly attempt: AttemptName
      readonly culprit: MemberIndex
      readonly input?: number
      readonly evidence: readonly Uint8Array[]
    }
  /** Chain.broadcast -> `broadcast-done` */
  | { readonly type: 'broadcast'; readonly raw: Uint8Array }
  /** my coins of this proposal are held from now on, or no longer (`holdsOf` in wallet-sessions.ts is the truth) */
  | { readonly type: 'holds'; readonly held: boolean }
  /** give a `tick` at this time (unix ms); replaces the earlier timer of this session; undefined: none is wanted */
  | { readonly type: 'timer'; readonly at: number | undefined }
  /** something that is legal in no state, with what proves it: disconnect `member` for 60 s, then back off */
  | {
      readonly type: 'offence'
      readonly member: MemberIndex
      readonly code: string
      readonly evidence: readonly SignedMessage[]
    }
  /**
   * screens: `request` asks the person for a vote, `state` and `end` are changes of the state, `progress` is all else
   */
  | { readonly type: 'notify'; readonly what: 'request' | 'progress' | 'state' | 'end' }
