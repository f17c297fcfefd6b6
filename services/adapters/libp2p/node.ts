import { noise } from '@libp2p/noise'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey, Transport as LibraryTransport } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { sha256 } from '@noble/hashes/sha2.js'
import { createLibp2p } from 'libp2p'
import type { ConnectionKind } from '../../core/domain/connectivity'
import type { PeerId } from '../../core/domain/ids'
import { LIMITS } from '../../core/wire/limits'
import { peerOf } from './addresses'
import { boundedPing } from './internals/bounded-ping'
import { fixedWindows, relayedOnly, watchMuxed, watchRelayed } from './internals/connection-layers'
import type { InboundLimits } from './internals/inbound-limits'
import { withPlaces, type RelayPlace } from './internals/relay-listener'
import { relaysOnly } from './internals/relays-only'
import { withMethods } from './internals/with-methods'
import type { Rtc } from './rtc'

/** one address may take this long; the library's 6 s are too short for ICE, milliseconds */
export const ADDRESS_DIAL_MS = 22_000
/** connections of a browser: two relays, and a WebRTC and a relayed one to each of 100 members, with room */
const MAX_CONNECTIONS = 300
/**
 * Connections that may come in per second "from one host". To the library the host of a relayed connection is its
 * relay, so the default of 5 would refuse the sixth member who calls within a second; 100 members may come at once.
 */
const INBOUND_PER_SECOND = 100
/** of them not yet encrypted, for which each has ten seconds; the default is 10 */
const INBOUND_PENDING = 300

export type TransportManager = WebRTCTransportComponents['transportManager']
export type Node = Libp2p<{ identify: Identify; ping: Ping; gossip: GossipSub; manager: TransportManager }>

/**
 * Relayed is known by its limits, WebRTC by its multiplexer; the address does not tell (the dialer's WebRTC address
 * contains /p2p-circuit, the acceptor's does not).
 */
export function kindOf(connection: Pick<Connection, 'limits' | 'multiplexer'>): ConnectionKind {
  if (connection.limits != null) return 'relay'
  return connection.multiplexer === '/webrtc' ? 'webrtc' : 'direct'
}

/** In a browser WebSockets lead to relays alone. */
const isRelay = (connection: Connection): boolean => kindOf(connection) === 'direct'

/** Whether an own address is one to tell: relayed, and not WebRTC while that is switched off. */
const reachableAt = (address: string, direct: boolean): boolean =>
  address.includes('/p2p-circuit') && (direct || !address.includes('/webrtc'))

/** The transport of relayed connections, each of them watched. */
function relayedConnections(places: Map<string, RelayPlace>, limits: InboundLimits | undefined) {
  const transport = circuitRelayTransport({ reservationConcurrency: 4 })
  return (components: Parameters<typeof transport>[0]): LibraryTransport => {
    const registrar = relaysOnly(components.registrar, isRelay)
    if (limits === undefined) return withPlaces(transport(withMethods(components, { registrar })), places)
    const upgrader = watchRelayed(components.upgrader, connection =>
      limits.guardEncrypted(connection, peerOf(connection.remoteAddr)),
    )
    return withPlaces(transport(withMethods(components, { registrar, upgrader })), places)
  }
}

/** Gossip goes over relays only. */
const relayedGossip = (components: GossipSubComponents): GossipSub =>
  gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    // the id of a message is the hash of its sealed bytes: there is no sender in it
    msgIdFn: message => sha256(message.data),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    // peers are scored by IP address, and behind one router everybody has the same
    scoreParams: { IPColocationFactorWeight: 0 },
    unsubcribeBackoff: 1_000,
    maxInboundDataLength: LIMITS.announcementBytes * 2,
  })({
    privateKey: components.privateKey,
    peerId: components.peerId,
    peerStore: components.peerStore,
    connectionManager: components.connectionManager,
    logger: components.logger,
    registrar: relaysOnly(components.registrar, isRelay),
  })

/** Builds a libp2p node that is not yet started. `places` is filled, by listen address, as relays are listened on. */
export async function createNode(init: {
  readonly privateKey: PrivateKey
  /** undefined where there is no WebRTC */
  readonly rtc: Rtc | undefined
  readonly places: Map<string, RelayPlace>
  /** watches relayed connections; without it they take whatever comes */
  readonly limits?: InboundLimits
  /** whether a call is taken that comes by way of this peer; all are when omitted */
  readonly takesCall?: (relay: PeerId, peerId: PeerId) => boolean
}): Promise<Node> {
  const { limits } = init
  const muxers = fixedWindows()
  const node = await createLibp2p({
    start: false,
    privateKey: init.privateKey,
    addresses: {
      listen: init.rtc ? ['/webrtc'] : [],
      // What identify tells others of us: ways through relays, never an address that a relay saw us at; WebRTC only
      // while it is offered.
      announceFilter: all => all.filter(address => reachableAt(address.toString(), init.rtc?.direct() ?? false)),
    },
    transports: [
      webSockets(),
      relayedConnections(init.places, limits),
      // Loaded only where it can run: in Node the package wants a native module.
      ...(init.rtc ? [await init.rtc.transport()] : []),
    ],
    connectionEncrypters: [
      components => {
        const encrypter = noise()(components)
        if (limits)
          watchMuxed(
            encrypter,
            muxers,
            relayedOnly((muxed, peerId) => limits.guardMuxed(muxed, peerId)),
          )
        return encrypter
      },
    ],
    streamMuxers: [() => muxers],
    connectionGater: {
      // The browser's default denies plain WebSockets and private addresses, which is what a local relay has.
      denyDialMultiaddr: () => false,
      // before a handshake: who calls again and again would use up what comes from the relay's host in a second
      denyInboundRelayedConnection: (relay, peerId) => !(init.takesCall?.(relay.toString(), peerId.toString()) ?? true),
    },
    connectionManager: {
      addressDialTimeout: ADDRESS_DIAL_MS,
      dialTimeout: ADDRESS_DIAL_MS,
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: INBOUND_PER_SECOND,
      maxIncomingPendingConnections: INBOUND_PENDING,
      // relays are redialled by our own keeper, peers by the connectivity gate
      reconnectRetries: 0,
    },
    nodeInfo: { userAgent: 'tandem' },
    services: {
      // asked of relays alone, below: nothing that members do needs it, and an answer may hold addresses that take
      // seconds to read
      identify: identify({ runOnLimitedConnection: true, runOnConnectionOpen: false }),
      ping: boundedPing,
      gossip: relayedGossip,
      manager: (components: WebRTCTransportComponents) => components.transportManager,
    },
  })
  node.addEventListener('connection:open', ({ detail }) => {
    // one that does not answer is no less a relay
    if (isRelay(detail)) node.services.identify.identify(detail).catch(() => undefined)
  })
  return node
}
