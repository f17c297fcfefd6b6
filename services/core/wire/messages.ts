import type { Hex } from '../domain/bytes'
import type { AccountKey, MemberIndex, PeerId, SessionId, WalletId } from '../domain/ids'
import type { AttemptName, Proposal } from '../domain/proposal'
import type { NetworkName } from '../domain/network'
import type { RelayList, RosterEntry } from '../domain/wallet'
import type { Choice } from '../domain/signing-state'

/** Stream protocols. Each stream opens with `hello` in both directions. */
export const PROTOCOLS = { join: '/tandem/join/1', wallet: '/tandem/wallet/1', sign: '/tandem/sign/1' } as const
export type ProtocolName = keyof typeof PROTOCOLS

/** First frame of each side on every stream. */
export interface Hello {
  readonly type: 'hello'
  readonly versions: readonly number[]
  /** 16 random bytes hex of this run of the app */
  readonly instance: Hex
  /** unix milliseconds: start of this run, and the sender's clock now */
  readonly startedAt: number
  readonly clock: number
  readonly build: string
}

/** What a signed session message says. The signature covers (type, sender, session, attempt, body). */
export type SignBody =
  | { readonly type: 'propose'; readonly proposal: Proposal }
  | { readonly type: 'vote'; readonly digest: Hex; readonly choice: Choice }
  | { readonly type: 'begin'; readonly digest: Hex }
  /** 66 bytes per input (BIP327 pubnonce) */
  | { readonly type: 'pubnonces'; readonly digest: Hex; readonly pubnonces: readonly Uint8Array[] }
  /** aggregates: 66 bytes per input; hashes: per member in roster order, 32 bytes, tagged hash of its pubnonces */
  | {
      readonly type: 'nonces'
      readonly digest: Hex
      readonly aggregates: readonly Uint8Array[]
      readonly hashes: readonly Uint8Array[]
    }
  /** noncesHash: 32 bytes, hash of the signed `nonces` message; partials: 32 bytes per input */
  | {
      readonly type: 'partials'
      readonly digest: Hex
      readonly noncesHash: Uint8Array
      readonly partials: readonly Uint8Array[]
    }
  /** 64 bytes per input (BIP340); needs no trust: verified against the transaction */
  | { readonly type: 'final'; readonly digest: Hex; readonly signatures: readonly Uint8Array[] }
  /** ends one attempt; `evidence` are encoded signed messages */
  | {
      readonly type: 'fail'
      readonly code: string
      readonly culprit?: MemberIndex
      readonly input?: number
      readonly evidence: readonly Uint8Array[]
    }
  | { readonly type: 'cancel'; readonly reason: string }
  /** state of the sender; the receiver answers with what the sender lacks. `have`: account keys whose votes it holds */
  | {
      readonly type: 'sync'
      readonly digest: Hex
      readonly state: string
      readonly attempt?: AttemptName
      readonly have: readonly AccountKey[]
      readonly locked: boolean
      readonly reply: boolean
    }

export interface SignedMessage {
  readonly sender: AccountKey
  readonly walletId: WalletId
  readonly session: SessionId
  readonly attempt?: AttemptName
  readonly body: SignBody
  /** 64 bytes, BIP340 by the sender's account key */
  readonly signature: Uint8Array
}

/** Joining: creator and joiners over /tandem/join/1. Authenticated by Noise (peer ids) and by the invite secret. */
export type JoinMessage =
  | Hello
  | {
      readonly type: 'join'
      readonly draftId: Hex
      /** the one-time secret of the invite, 16 bytes hex */ readonly secret: Hex
      readonly entry: RosterEntry
    }
  /** answer of the creator, again on each change; `seats` are names in order of arrival, creator first */
  | {
      readonly type: 'seats'
      readonly draftId: Hex
      readonly state:
        'waiting' | 'admitted' | 'removed' | 'closed' | 'full' | 'unknown' | 'expired' | 'duplicate' | 'bad-proof'
      readonly seats: readonly string[]
      readonly n: number
    }
  | {
      readonly type: 'roster'
      readonly draftId: Hex
      readonly name: string
      readonly network: NetworkName
      readonly genesis: Hex
      readonly roster: readonly RosterEntry[]
      readonly groupSecret: Hex
      readonly relayList: RelayList
    }
  /** the joiner has checked and stored the roster */
  | { readonly type: 'rosterOk'; readonly draftId: Hex; readonly walletId: WalletId }
  | { readonly type: 'leave'; readonly draftId: Hex }

/** Between members of a wallet over /tandem/wallet/1. */
export type WalletMessage =
  | Hello
  /** what I hold of the wallet's shared record; sent on connect and on change; idempotent merge */
  | {
      readonly type: 'record'
      readonly walletId: WalletId
      readonly confirmations: ReadonlyArray<{ readonly accountKey: AccountKey; readonly signature: Hex }>
      readonly saved: readonly AccountKey[]
      readonly relayList: RelayList
      readonly roster: readonly RosterEntry[]
    }

/** Over /tandem/sign/1. */
export type SignStreamMessage = Hello | SignedMessage

/** Sealed presence, gossiped on the wallet's topic (a hint only). */
export interface Announcement {
  readonly sender: AccountKey
  readonly peerId: PeerId
  readonly addresses: readonly string[]
  readonly startedAt: number
  readonly counter: number
  readonly instance: Hex
  /** unix milliseconds; stale ones are dropped */
  readonly at: number
}
