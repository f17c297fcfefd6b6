import type { Hex } from './bytes'
import type { AccountKey, Branch, OutPoint, PeerId, SessionId, Txid, WalletId } from './ids'
import type { NetworkName } from './network'
import type { Policy } from './policy'

/** Where an account key comes from; stands as the key origin in the descriptor (BIP380). */
export interface KeyOrigin {
  /** master key fingerprint, 4 bytes hex (BIP32) */
  readonly fingerprint: Hex
  /** hardened path without `m/`, with `h`: "87h/1h/1234h" (BIP87) */
  readonly path: string
}

/** One account of this profile, made for one shared wallet. */
export interface AccountInfo {
  readonly accountKey: AccountKey
  readonly origin: KeyOrigin
  /** BIP32 extended public key text (tpub) */
  readonly xpub: string
}

/** A member as everybody stores it. `proof` is a BIP340 signature by the account key over the join statement. */
export interface RosterEntry extends AccountInfo {
  readonly name: string
  readonly peerId: PeerId
  /** 1 at joining; a new peer id carries a higher one, a lower never replaces a higher */
  readonly proofNumber: number
  /** 64 bytes hex */
  readonly proof: Hex
}

/** The signed, numbered list of relays of a wallet (protocol.md, "Reaching each other"). */
export interface RelayList {
  readonly number: number
  readonly relays: readonly string[]
  readonly by: AccountKey
  /** 64 bytes hex */
  readonly signature: Hex
}

/** Everything that members share about a wallet. Stored encrypted, carried by the wallet file. */
export interface WalletRecord {
  readonly id: WalletId
  readonly name: string
  readonly network: NetworkName
  readonly genesis: Hex
  readonly policy: Policy
  /** canonical text with BIP380 checksum */
  readonly descriptor: string
  /** in the order of the account keys */
  readonly roster: readonly RosterEntry[]
  /** 32 bytes hex; keys presence only, signs nothing */
  readonly groupSecret: Hex
  readonly relayList: RelayList
  /** the draft that it came from, 32 bytes hex; part of the join proofs */
  readonly draftId: Hex
  /** which of the roster is me */
  readonly self: AccountKey
  /** signed safety-number confirmations, by account key (64 bytes hex each) */
  readonly confirmations: Readonly<Record<AccountKey, Hex>>
  /** members that have said they saved and read back their wallet file (or put it off on the local chain) */
  readonly saved: readonly AccountKey[]
  /** this member put the wallet file off (local chain only): the reminder stands until it is done */
  readonly fileDeferred: boolean
  /** unix seconds */
  readonly createdAt: number
}

/** A coin of a wallet, as the own chain view gives it. */
export interface Coin extends OutPoint {
  /** satoshis */
  readonly amountSats: bigint
  readonly branch: Branch
  readonly index: number
  /** height of its block; undefined while in the mempool */
  readonly height?: number
  /** created by a transaction of ours (change), which an unconfirmed coin must be to be spent */
  readonly ours: boolean
}

/** What holds a coin on this device: my yes in a live session, or a released one. */
export interface Hold {
  readonly outpoint: string
  readonly session: SessionId
}

/** One line of the history. */
export interface HistoryItem {
  readonly txid: Txid
  /** change of the wallet's balance, satoshis; negative for a spend */
  readonly deltaSats: bigint
  readonly feeSats?: bigint
  readonly height?: number
  /** unix seconds of the block; undefined while in the mempool */
  readonly time?: number
}
