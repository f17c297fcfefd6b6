/** What a person asks for, and what comes of it. Amounts are satoshis, fee rates sat/vB. */
import type { SessionId, Txid, WalletId } from '../domain/ids'
import type { SpendProposal } from '../domain/proposal'
import type { FieldError, ReviewView } from '../domain/views'
import type { SpendError } from './build'

/** A payment; `recipient` as typed. */
export interface PaymentRequest {
  readonly walletId: WalletId
  readonly recipient: string
  readonly amountSats: bigint
  readonly all?: boolean
  readonly feeRate?: number
  readonly coins?: readonly string[]
  readonly note?: string
  /** the transaction that a person has looked at (`ReviewView.txid`): no other is proposed */
  readonly reviewed?: Txid
}

/** Another payment in the place of one that is sent and not in a block. */
export interface ReplacementRequest {
  readonly walletId: WalletId
  /** of the earlier payment; recipients, amounts and note are its own */
  readonly replaces: SessionId
  /** pays nobody: all of its coins come back to the wallet */
  readonly takeBack?: boolean
  /** the least that takes its place, or the usual rate when that is higher, when omitted */
  readonly feeRate?: number
  readonly reviewed?: Txid
}

/**
 * The same payment anew, after its time is over and parts of it are out. It spends all of those coins too, so that of
 * the two one at most can be mined.
 */
export interface RepeatRequest {
  readonly walletId: WalletId
  /** of the earlier proposal; recipients, amounts and note are its own */
  readonly again: SessionId
  /** the usual rate when omitted */
  readonly feeRate?: number
  readonly reviewed?: Txid
}

export type SpendRequest = PaymentRequest | ReplacementRequest | RepeatRequest

/** The session that a request is about: that of the payment which it replaces or repeats. */
export const earlierSessionOf = (request: SpendRequest): SessionId | undefined =>
  'replaces' in request ? request.replaces : 'again' in request ? request.again : undefined

/** The earlier payment of a `ReplacementRequest` or a `RepeatRequest`. */
export interface EarlierSpend {
  readonly session: SessionId
  readonly proposal: SpendProposal
}

/** A finished transaction as a person looks at it, and as it is proposed. */
export interface ReviewedSpend {
  readonly review: ReviewView
  /** expiry, note and salt are made anew when it is proposed */
  readonly draft: SpendProposal
}

export type SpendRefusal = FieldError &
  Partial<Pick<SpendError, 'missingSats' | 'heldSats' | 'minSats' | 'maxSats' | 'minRate'>>
