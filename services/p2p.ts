/** Public functions of the network. They act on the one instance that `initP2P` made. */
import { ConnectivityErrorType, type ConnectionKind } from './core/domain/connectivity'
import type { PeerId } from './core/domain/ids'
import { unknownPeerId, type GateFailure, type GateOptions, type GateResult, type GateTarget } from './core/net/gate'
import { PeerNetwork } from './core/net/peer-network'
import type { ConnectDiscoveredOptions, ConnectResult, DiscoveredPeer, P2PDeps } from './core/net/peer-network-types'

export type { GateFailure, GateOptions, GateResult, GateTarget } from './core/net/gate'
export type { MessageOf } from './core/net/inbound-streams'
export type { MemberOnline } from './core/net/memberships'
export type {
  ConnectDiscoveredOptions,
  ConnectResult,
  DiscoveredPeer,
  P2PDeps,
  P2PEvent,
  WatchOptions,
} from './core/net/peer-network-types'
export type { PresenceWallet } from './core/net/presence-topics'
export type P2P = PeerNetwork

/** The network of one unlocked profile; the caller starts it. */
export const createP2P = (deps: P2PDeps): P2P => new PeerNetwork(deps)

let current: P2P | undefined
const NOT_INITIALIZED = 'P2P not initialized'

/** Makes the current instance; the caller starts it. Throws when there is one already: `stopP2P` first. */
export function initP2P(deps: P2PDeps): P2P {
  if (current) throw new Error('P2P already initialized')
  current = createP2P(deps)
  return current
}

export const getP2P = (): P2P | undefined => current

export async function stopP2P(): Promise<void> {
  const instance = current
  current = undefined
  await instance?.stop()
}

/** The gate on the current instance; before `initP2P` nobody is reached. */
export async function ensureConnected(targets: readonly GateTarget[], options?: GateOptions): Promise<GateResult> {
  if (current) return current.ensureConnected(targets, options)
  const failed = targets.map((t): GateFailure => ({
    peerId: t.peerId ?? unknownPeerId(t.member),
    error: NOT_INITIALIZED,
    errorType: ConnectivityErrorType.NETWORK_ERROR,
    retryable: true,
    ...(t.member ? { member: t.member } : {}),
  }))
  return { allConnected: false, connected: [], failed }
}

/** Connects to a peer that discovery found: WebRTC through its relays, then the plain circuit. Never rejects. */
export async function connectToDiscoveredPeer(
  presence: DiscoveredPeer,
  options?: ConnectDiscoveredOptions,
): Promise<ConnectResult> {
  if (!current) return { success: false, error: NOT_INITIALIZED, errorType: ConnectivityErrorType.NETWORK_ERROR }
  return current.connectToDiscoveredPeer(presence, options)
}

export const getCachedRelayAddress = (peerId: PeerId): string | undefined => current?.getCachedRelayAddress(peerId)

export const getConnectionType = (peerId: PeerId): ConnectionKind | 'none' =>
  current?.getConnectionType(peerId) ?? 'none'
