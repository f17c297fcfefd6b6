import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Storage } from '../../ports/storage'
import type { RelayStatus, Transport } from '../../ports/transport'
import type { Hex } from '../domain/bytes'
import type { ConnectionKind, ConnectivityErrorType, ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import type { ProtocolName } from '../wire/messages'
import type { LinkEvent } from './links'

export interface P2PDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** Ed25519 signature by the peer key, which the network adapter holds */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /**
   * who is served and spoken to on which protocol: roster peers; on the join protocol also joiners of an open invite
   * and its creator
   */
  allowed(peerId: PeerId, protocol: ProtocolName): boolean
  /**
   * relays of config.json and settings: own reservations beside the wallets', and where peers of no wallet are looked
   * for
   */
  readonly relays: readonly string[]
  /** where the last known relays of peers are kept (store 'peers'); only for this run when omitted */
  readonly storage?: Pick<Storage, 'all' | 'put'>
  /** name of this build, visible ASCII, at most 32 characters; default 'dev' */
  readonly build?: string
  /** the first listener, in place before anything happens */
  readonly onEvent?: (event: P2PEvent) => void
}

/** Facts for stores; plain data. */
export type P2PEvent =
  | LinkEvent
  /** the status of a watched peer changed */
  | { readonly type: 'peer'; readonly status: ParticipantStatus }
  | { readonly type: 'relay'; readonly relay: RelayStatus }
  /** own addresses; none means that nobody can reach this node */
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  /** a member was heard in a wallet's presence topic */
  | {
      readonly type: 'presence'
      readonly walletId: WalletId
      readonly accountKey: AccountKey
      readonly peerId: PeerId
      readonly at: number
    }
  /** our own peer key announced a newer run: this one has stopped ("open on another device") */
  | { readonly type: 'newer-instance'; readonly instance: Hex; readonly startedAt: number }

/** What discovery knows of a peer; addresses on relays of no list of ours are not dialled. */
export interface DiscoveredPeer {
  readonly peerId: PeerId
  readonly multiaddrs?: readonly string[]
  readonly relayAddrs?: readonly string[]
  readonly webrtcAddr?: string | null
}

export interface ConnectResult {
  readonly success: boolean
  readonly connectionType?: ConnectionKind
  readonly error?: string
  readonly errorType?: ConnectivityErrorType
}

export interface ConnectDiscoveredOptions {
  /** milliseconds, default 30 000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface WatchOptions {
  readonly member?: AccountKey
  /** relays on which the peer may be although no wallet says so (those of an invite) */
  readonly relays?: readonly string[]
  /** links that are kept open while there is a connection */
  readonly links?: readonly ProtocolName[]
  /** the other side does not know this peer yet, and so does not dial it */
  readonly unknown?: boolean
}

/** What is pending or open. */
export interface NetworkCounters {
  readonly timers: number
  readonly operations: number
  readonly listeners: number
  /** streams of this side */
  readonly outgoing: number
  /** streams of peers */
  readonly inbound: number
}
