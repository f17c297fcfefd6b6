import type { PeerId } from './ids'

export type ConnectionKind = 'webrtc' | 'relay' | 'direct'
/** Where in a dial one is; shown to people and used to classify an error. */
export type ConnectStep = 'resolve' | 'relay' | 'sdp' | 'ice' | 'ping'

/** The names of the connectivity design: names and values are the public API. */
export enum ConnectivityErrorType {
  /** No relay address available for peer */
  NO_RELAY_ADDRESS = 'no_relay_address',
  /** Connection attempt timed out */
  TIMEOUT = 'timeout',
  /** Peer rejected connection */
  REJECTED = 'rejected',
  /** Network error during connection */
  NETWORK_ERROR = 'network_error',
  /** Peer not found in discovery */
  PEER_NOT_FOUND = 'peer_not_found',
  /** WebRTC negotiation failed */
  WEBRTC_FAILED = 'webrtc_failed',
}

export interface ConnectivityError {
  readonly type: ConnectivityErrorType
  readonly peerId: PeerId
  /** for callers and logs; never shown raw */
  readonly message: string
  readonly retryable: boolean
  /** where the attempt that decided died, when it is known */
  readonly step?: ConnectStep
}

/** Live status of one participant (docs/connectivity.md, "Statuses"). */
export interface ParticipantStatus {
  readonly peerId: PeerId
  readonly connected: boolean
  readonly connectionType?: ConnectionKind
  readonly error?: string
  readonly state: 'waiting' | 'connecting' | 'connected' | 'failed'
  readonly step?: ConnectStep
  readonly errorType?: ConnectivityErrorType
  readonly retryable?: boolean
  readonly rttMs?: number
  /** unix milliseconds at which `state` began */
  readonly since: number
  /** the member's account key where the peer is one */
  readonly member?: string
}
