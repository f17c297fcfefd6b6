import type { ParticipantStatus } from './connectivity'
import type { Hex } from './bytes'
import type { AccountKey, PeerId, SessionId, Txid, WalletId } from './ids'
import type { NetworkName } from './network'
import type { HistoryItem } from './wallet'

/** Plain, serialisable pictures that doors hand to stores. They hold facts and codes; sentences are in locales/. */

export interface MemberView {
  readonly accountKey: AccountKey
  readonly name: string
  readonly peerId: PeerId
  readonly self: boolean
  /** has confirmed the safety number */
  readonly confirmed: boolean
  /** has saved and read back the wallet file, or put it off on the local chain */
  readonly saved: boolean
  /** unix milliseconds of the last sign of life */
  readonly lastSeen?: number
  /** connected, or heard within the last 180 s: somebody may be online and not be reached from here */
  readonly online?: boolean
  /** live link; undefined before the first look */
  readonly link?: ParticipantStatus
  /**
   * has proved another name or peer id since somebody looked here: `name` as it was, `moved` when it is another peer id
   */
  readonly changed?: { readonly name?: string; readonly moved: boolean }
}

export interface BalanceView {
  readonly availableSats: bigint
  readonly pendingSats: bigint
  readonly heldSats: bigint
}

export interface ChainStatusView {
  readonly state: 'idle' | 'syncing' | 'synced' | 'unreachable' | 'wrong-network' | 'reset'
  readonly height?: number
  /** unix milliseconds of the last good sync */
  readonly at?: number
  readonly detail?: string
}

export interface WalletView {
  readonly id: WalletId
  readonly name: string
  readonly network: NetworkName
  /** the local chain: test coins, backups may be put off */
  readonly local: boolean
  readonly phase: 'confirming' | 'active'
  readonly members: readonly MemberView[]
  /** 12 groups of 5 digits */
  readonly safetyNumber: readonly string[]
  readonly iConfirmed: boolean
  readonly iSaved: boolean
  readonly fileDeferred: boolean
  readonly descriptor: string
  readonly balance: BalanceView
  /** newest first */
  readonly history: readonly HistoryItem[]
  readonly chain: ChainStatusView
  readonly createdAt: number
}

export interface SeatView {
  readonly name: string
  /** on a joiner's side one's own only, until the roster is there */
  readonly accountKey?: AccountKey
  readonly state: 'self' | 'creator' | 'asking' | 'admitted'
}

/** A wallet in the making, on the creator's or on a joiner's side. */
export interface DraftView {
  readonly id: Hex
  readonly role: 'creator' | 'joiner'
  readonly name: string
  readonly network: NetworkName
  readonly n: number
  readonly creatorName: string
  readonly state:
    /** creator: taking joiners; joiner: in contact, seat asked for or given */
    | 'gathering'
    /** joiner: the creator's browser is not reachable yet; tried again by itself */
    | 'waiting-for-creator'
    | 'admitted'
    | 'removed'
    | 'full'
    | 'expired'
    | 'refused'
    /** roster is out, some have not acknowledged it yet */
    | 'closing'
  readonly seats: readonly SeatView[]
  /** creator only */
  readonly inviteLink?: string
  /** unix seconds */
  readonly expiresAt: number
  readonly errorCode?: string
}

/** Everything the review screen shows, made from the finished transaction and the own chain view. */
export interface ReviewView {
  readonly recipients: ReadonlyArray<{ readonly address: string; readonly sats: bigint }>
  readonly change: ReadonlyArray<{ readonly address: string; readonly sats: bigint }>
  readonly inputs: ReadonlyArray<{ readonly txid: string; readonly vout: number; readonly sats: bigint }>
  readonly totalSats: bigint
  readonly feeSats: bigint
  /** sat/vB with up to two decimals */
  readonly feeRate: number
  /** fee in per cent of what the recipients get */
  readonly feePercent: number
  readonly vsize: number
  readonly txid: string
  readonly note: string
  readonly replaces?: ReplacedView
}

/** The payment that another one is to take the place of. Only its id is there when this device does not know it. */
export interface ReplacedView {
  readonly txid: Txid
  readonly session?: SessionId
  /** against it, the new one pays the same recipients the same, nobody (all comes back), or something else */
  readonly kind?: 'faster' | 'back' | 'other'
  /** what its recipients were to get */
  readonly sentSats?: bigint
  readonly feeSats?: bigint
  readonly feeRate?: number
}

/** A refusal of an input, at its field. */
export interface FieldError {
  readonly field: string
  readonly code: string
  readonly detail?: string
}
