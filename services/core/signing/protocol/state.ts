import type { AccountKey, MemberIndex, SessionId, Txid, WalletId } from '../../domain/ids'
import type { AttemptName, NamedProposal, Proposal } from '../../domain/proposal'
import type { Choice, EndReason, SessionState, Verdict } from '../../domain/signing-state'
import type { SignBody, SignedMessage } from '../../wire/messages'

/** A signed message whose body is of one kind. */
export type SignedOf<T extends SignBody['type']> = SignedMessage & {
  readonly body: Extract<SignBody, { readonly type: T }>
}

export const isBody = <T extends SignBody['type']>(message: SignedMessage, type: T): message is SignedOf<T> =>
  message.body.type === type

/**
 * One member's view of one session.
 *
 * Invariants
 * 1. No secret is in here. Nonces are handles of the vault; what this holds is public to all members.
 * 2. `released` is set in the same step that asks for `store` and only then for `send`: a member whose partials left it
 *    knows so after any crash.
 * 3. `last` never goes down, and `live`, when present, is `last`: a reload forgets `live`, so no attempt is entered
 *    twice.
 * 4. `votes[i]` only changes undefined -> yes -> (no | withdraw): the order of arrival does not matter.
 * 5. `state` changes along table.ts only.
 */
export interface Session {
  // fixed for the life of the session
  readonly walletId: WalletId
  readonly id: SessionId
  readonly digest: string
  readonly proposal: Proposal
  /** account keys in roster order */
  readonly members: readonly AccountKey[]
  readonly self: MemberIndex

  // durable: codec.ts writes these
  readonly state: SessionState
  /** the proposer's signed proposal, passed on to whoever lacks it; undefined until I signed my own */
  readonly propose: SignedMessage | undefined
  /** latest signed vote of each member, by index */
  readonly votes: ReadonlyArray<SignedOf<'vote'> | undefined>
  readonly cancel: SignedMessage | undefined
  /** last attempt that I took part in */
  readonly last: AttemptName | undefined
  /** highest counter that any member was seen to name */
  readonly seen: number
  /** my partials that may be in other hands, with the `nonces` they answer */
  readonly released: { readonly nonces: SignedMessage; readonly partials: SignedMessage } | undefined
  /** valid signatures; `raw` and `txid` unless it is a practice text */
  readonly signed:
    | {
        readonly signatures: readonly Uint8Array[]
        readonly raw: Uint8Array | undefined
        readonly txid: Txid | undefined
      }
    | undefined
  readonly final: SignedMessage | undefined
  /** block of the transaction */
  readonly height: number | undefined
  readonly end: EndReason | undefined
  /** failed attempts since a person last asked for one */
  readonly failures: number
  readonly lastFailure: AttemptFailure | undefined

  // of this run only
  readonly live: LiveAttempt | undefined
  readonly connected: readonly MemberIndex[]
  /** members who said that their vault is locked */
  readonly lockedMembers: readonly MemberIndex[]
  readonly locked: boolean
  readonly verdict: Verdict | undefined
  /** a yes is on its way: check, then vault */
  readonly approving: boolean
  /** an end by me is on its way: its message is being signed; nothing new is begun */
  readonly leaving: 'no' | 'withdraw' | 'cancel' | undefined
  readonly leavingReason: string
  /** the vault has no yes although my vote is known (restored from words): I must approve again */
  readonly unapproved: boolean
  readonly beginPending: boolean
  /** an attempt that a reload or a lock of mine broke off; its hub is told once it is reachable */
  readonly interrupted: AttemptName | undefined
  /** no automatic attempt until a person asks for one; the code says why */
  readonly stopped: string | undefined
  /** unix ms before which no attempt is begun (backoff) */
  readonly nextAttemptAt: number
  /** unix ms since when everything was ready and the hub did nothing */
  readonly idleSince: number | undefined
  /** a person asked this member to be the hub */
  readonly takeover: boolean
  readonly nextSyncAt: number | undefined
  readonly broadcastAt: number | undefined
  readonly broadcasts: number
  /** a `final` that is being verified */
  readonly pendingFinal: SignedMessage | undefined
  readonly tip: number | undefined
  readonly timer: number | undefined
}

/** The attempt that I am in. */
export interface LiveAttempt {
  readonly name: AttemptName
  readonly begin: SignedMessage
  /**
   * checking: full check and nonces; nonces: mine are out; signing: the hub's `nonces` accepted; done: my partials are
   * out
   */
  readonly phase: 'checking' | 'nonces' | 'signing' | 'done'
  readonly startedAt: number
  readonly pubnonces: SignedOf<'pubnonces'> | undefined
  readonly nonces: SignedOf<'nonces'> | undefined
  /** the full check before partials has passed, and as hub I wait for the others to sign first */
  readonly checked?: boolean
  /** when I am the hub */
  readonly hub: HubWork | undefined
}

export interface HubWork {
  readonly step: 'pubnonces' | 'aggregating-nonces' | 'partials' | 'aggregating-partials' | 'finalizing'
  readonly pubnonces: ReadonlyArray<SignedOf<'pubnonces'> | undefined>
  readonly partials: ReadonlyArray<SignedOf<'partials'> | undefined>
  readonly nonces: SignedOf<'nonces'> | undefined
  /** unix ms at which the attempt is given up */
  readonly deadline: number
}

export interface AttemptFailure {
  readonly code: string
  /** who reported it */
  readonly by: MemberIndex
  readonly culprit: MemberIndex | undefined
  readonly input: number | undefined
  /** I have verified the evidence myself; otherwise it is the word of `by` */
  readonly proven: boolean
}

/**
 * A session before its first event: `opened` when I propose it, a `propose` message when another does.
 * @throws RangeError when `self` is not in `members` (misuse)
 */
export function newSession(named: NamedProposal, members: readonly AccountKey[], self: AccountKey): Session {
  const index = members.indexOf(self)
  if (index < 0) throw new RangeError('self is not a member')
  return {
    walletId: named.proposal.walletId,
    id: named.sessionId,
    digest: named.digest,
    proposal: named.proposal,
    members,
    self: index,
    state: 'proposed',
    propose: undefined,
    votes: members.map(() => undefined),
    cancel: undefined,
    last: undefined,
    seen: 0,
    released: undefined,
    signed: undefined,
    final: undefined,
    height: undefined,
    end: undefined,
    failures: 0,
    lastFailure: undefined,
    ...freshRun,
  }
}

/** What a new run of the app starts from. */
export const freshRun = {
  live: undefined,
  connected: [],
  lockedMembers: [],
  locked: false,
  verdict: undefined,
  approving: false,
  leaving: undefined,
  leavingReason: '',
  unapproved: false,
  beginPending: false,
  interrupted: undefined,
  stopped: undefined,
  nextAttemptAt: 0,
  idleSince: undefined,
  takeover: false,
  nextSyncAt: undefined,
  broadcastAt: undefined,
  broadcasts: 0,
  pendingFinal: undefined,
  tip: undefined,
  timer: undefined,
} as const

/** Signatures per contribution: one per input, one for a practice text. */
export const signatureCount = (proposal: Proposal): number => (proposal.kind === 'spend' ? proposal.inputs.length : 1)

export const proposerOf = (s: Session): MemberIndex => s.members.indexOf(s.proposal.proposer)

/** A member's vote. The signed proposal is its proposer's yes. */
export function voteOf(s: Session, member: MemberIndex): Choice | undefined {
  const vote = s.votes[member]
  if (vote) return vote.body.choice
  return s.propose && member === proposerOf(s) ? 'yes' : undefined
}

export const allYes = (s: Session): boolean => s.members.every((_, m) => voteOf(s, m) === 'yes')

/** Who begins the next attempt unless it is gone: the hub of the last one, at first the proposer. */
export const hubOf = (s: Session): MemberIndex => s.last?.hub ?? proposerOf(s)

/** The higher counter wins, a tie goes to the lower member index. */
export const beats = (a: AttemptName, b: AttemptName | undefined): boolean =>
  b === undefined || a.counter > b.counter || (a.counter === b.counter && a.hub < b.hub)

/** My yes stands in this session, so its coins are held on this device. */
export function holdsCoins(s: Session): boolean {
  if (s.proposal.kind !== 'spend') return false
  switch (s.state) {
    case 'proposed':
    case 'signing':
      return voteOf(s, s.self) === 'yes' && s.propose !== undefined
    case 'released':
    case 'signed':
    case 'broadcast':
      return true
    default:
      return false
  }
}
