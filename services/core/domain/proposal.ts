import type { Hex } from './bytes'
import type { AccountKey, Branch, MemberIndex, SessionId, Txid, WalletId } from './ids'

/** What members need to know of one input beside the transaction itself; the rest is re-derived by each. */
export interface ProposalInput {
  /** satoshis, claimed; each co-signer takes the truth from its own chain view */
  readonly amountSats: bigint
  readonly branch: Branch
  readonly index: number
}

/** An output that pays back to the wallet. */
export interface OwnOutput {
  readonly vout: number
  readonly branch: Branch
  readonly index: number
}

interface ProposalCommon {
  readonly walletId: WalletId
  readonly proposer: AccountKey
  /** unix seconds; tested by one's own clock before a yes and before partials only */
  readonly expiresAt: number
  /** shown to every member, at most LIMITS.noteBytes of UTF-8 */
  readonly note: string
  /** 32 random bytes hex, so that the same payment proposed twice has two session ids */
  readonly salt: Hex
}

export interface SpendProposal extends ProposalCommon {
  readonly kind: 'spend'
  /** unsigned transaction, no witness (BIP144 legacy serialisation) */
  readonly tx: Uint8Array
  /** one per transaction input, in order */
  readonly inputs: readonly ProposalInput[]
  readonly ownOutputs: readonly OwnOutput[]
  /** the unconfirmed transaction that this one replaces */
  readonly replaces?: Txid
}

/** The only other signable thing: a text that every member is shown, never a valid transaction hash. */
export interface PracticeProposal extends ProposalCommon {
  readonly kind: 'practice'
  readonly text: string
}

/** Closed union: what a wallet can sign. */
export type Proposal = SpendProposal | PracticeProposal

/** An attempt is named by its counter and the member who is its hub. */
export interface AttemptName {
  readonly counter: number
  readonly hub: MemberIndex
}

/** Proposal with its derived names. `digest` is 32 bytes hex and feeds the spend code. */
export interface NamedProposal {
  readonly proposal: Proposal
  readonly digest: Hex
  readonly sessionId: SessionId
}

/** Do both name the same attempt? Two that are undefined do not. */
export const sameAttempt = (a: AttemptName | undefined, b: AttemptName | undefined): boolean =>
  a !== undefined && b !== undefined && a.counter === b.counter && a.hub === b.hub
