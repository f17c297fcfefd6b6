import type { ConnectionKind, ConnectStep } from '../core/domain/connectivity'
import type { AttemptFact } from '../core/domain/diagnostics'
import type { IceSettings } from '../core/domain/ice'
import type { PeerId } from '../core/domain/ids'

export interface ConnectionInfo {
  readonly id: string
  readonly peerId: PeerId
  readonly kind: ConnectionKind
  readonly direction: 'inbound' | 'outbound'
  /** unix milliseconds */
  readonly openedAt: number
}

/** One open stream that carries whole frames (varint-length-prefixed on the wire, at most LIMITS.frameBytes each). */
export interface Channel {
  readonly peerId: PeerId
  readonly connection: ConnectionInfo
  /** resolves when the frame was handed to the muxer with its back-pressure obeyed; rejects when the channel is gone */
  send(frame: Uint8Array): Promise<void>
  /** ends when the other side closes; throws on reset or on a frame over the limit (the channel is then aborted) */
  frames(): AsyncIterable<Uint8Array>
  close(): Promise<void>
  abort(reason: Error): void
}

export type TransportEvent =
  | { readonly type: 'connected'; readonly connection: ConnectionInfo }
  | { readonly type: 'disconnected'; readonly connection: ConnectionInfo }
  /** own addresses changed: a reservation was won or lost */
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  | { readonly type: 'relay'; readonly relay: RelayStatus }
  /** below the channels a peer sent what nobody may send, or too much: its connections are closed */
  | { readonly type: 'flood'; readonly peerId: PeerId }
  /** what an answer to a peer's WebRTC offer shows of itself; `answer` tells one from another */
  | { readonly type: 'answering'; readonly answer: number; readonly peerId: PeerId; readonly fact: AttemptFact }

/** State of one relay that this node uses or wants. */
export interface RelayStatus {
  /** multiaddr with /p2p/<relay peer id> */
  readonly address: string
  readonly state: 'idle' | 'connecting' | 'reserved' | 'refused' | 'unreachable'
  readonly error?: unknown
}

export interface DialOptions {
  readonly signal: AbortSignal
  readonly onStep?: (step: ConnectStep) => void
  /** what else is seen of it, for diagnostics: candidates, and the steps inside of a WebRTC dial */
  readonly onFact?: (fact: AttemptFact) => void
}

/**
 * The network as the core sees it: libp2p in the browser, memory in the tests. Methods reject with the library's own
 * error objects; `classifyConnectivityError` is the one place that reads them.
 */
export interface Transport {
  readonly peerId: PeerId
  start(): Promise<void>
  stop(): Promise<void>
  /** own listen addresses, /webrtc and /p2p-circuit ones; empty without a reservation */
  addresses(): readonly string[]
  /**
   * Wants a live reservation on these relays; others are let go. Never rejects for a dead relay: see `relay` events.
   */
  setRelays(addresses: readonly string[]): Promise<void>
  relays(): readonly RelayStatus[]
  /** The machine slept or the network changed: places on relays are verified, and those not held are asked for now. */
  wake(): void
  /**
   * STUN and TURN servers of the next WebRTC connections, and whether members may learn an IP address. When WebRTC is
   * not allowed any more (relay-only without a TURN server), or only through TURN, connections made before are closed,
   * none is offered or answered and no /webrtc address told.
   */
  setIce(settings: IceSettings): Promise<void>
  /** whether WebRTC is offered and answered */
  direct(): boolean
  /** Opens a new connection over exactly this address (no other is tried). */
  dial(peerId: PeerId, address: string, options: DialOptions): Promise<ConnectionInfo>
  /** open connections, best kind first (webrtc, direct, relay) */
  connections(peerId?: PeerId): readonly ConnectionInfo[]
  /** round trip in milliseconds over this very connection */
  ping(connectionId: string, options: { readonly signal: AbortSignal }): Promise<number>
  /**
   * RTCPeerConnections that this page has made since it was loaded, by whomever: a browser gives it a bounded number in
   * its life
   */
  peerConnectionsMade(): number
  closeConnection(connectionId: string): Promise<void>
  /** a stream on this very connection */
  open(connectionId: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<Channel>
  handle(protocol: string, handler: (channel: Channel) => void): void
  subscribe(topic: string, handler: (bytes: Uint8Array) => void): () => void
  publish(topic: string, bytes: Uint8Array): Promise<void>
  /** Takes no calls of this peer before this time (unix milliseconds); connections that there are stay. */
  refuse(peerId: PeerId, until: number): void
  onEvent(listener: (event: TransportEvent) => void): () => void
  /**
   * bytes over each connection, the peer id of its `relay` if it goes through one, and ICE details where the platform
   * tells, for diagnostics
   */
  stats(connectionId: string): Promise<Readonly<Record<string, string | number>>>
}
