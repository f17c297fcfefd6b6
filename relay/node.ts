import { noise } from '@libp2p/noise'
import { circuitRelayServer, type CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub'
import type { ConnectionEncrypter, Libp2p, PrivateKey, StreamMuxerFactory } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { createLibp2p } from 'libp2p'
import { isIPv6 } from 'node:net'
import { boundedPing } from '../services/adapters/libp2p/internals/bounded-ping'
import { fixedWindows, watchMuxed } from '../services/adapters/libp2p/internals/connection-layers'
import { boundRpcs } from '../services/adapters/libp2p/internals/gossip-rpcs'
import { identifyClients } from '../services/adapters/libp2p/internals/identify-clients'
import { assertWindows } from '../services/adapters/libp2p/internals/stream-windows'
import { SocketConnection } from './connection'
import type { Guard } from './guard'
import type { RelayLimits } from './limits'
import { InboundWebSockets, type TransportOptions } from './listener'

/** one message of gossipsub: the whole list of topics of one who follows as many as are allowed, each some 90 bytes */
const MAX_RPC_BYTES = 32 * 1024
/**
 * of what there may be in one: topics of one who comes back with all of its wallets, followed and then taken into the
 * mesh
 */
const RPC_LIMITS = {
  maxSubscriptions: 512,
  maxMessages: 512,
  maxControlMessages: 512,
  maxIhaveMessageIDs: 512,
  maxIwantMessageIDs: 512,
  maxIdontwantMessageIDs: 512,
  maxPeerInfos: 16,
}
/** handshakes under way at once: all clients of a relay that was restarted come within seconds */
const PENDING = 1024
/** what gossipsub takes one topic of a peer for: its name, and 1 KiB */
const TOPIC_BYTES = 1_152
/**
 * gossip that may wait for one peer that reads none, beside the 256 KiB of its stream's window; then it gets no more
 */
const UNREAD_BYTES = 256 * 1024
/** how long a message is known again, milliseconds: those who are on two relays bring it back within a moment */
const SEEN_MS = 30_000
/**
 * how long gossipsub remembers the score of a peer that has gone, milliseconds; nobody is punished here, so it need not
 * last
 */
const RETAIN_SCORE_MS = 10_000

export type RelayNode = Libp2p<{ relay: CircuitRelayService; gossip: GossipSub }>

export interface RelayNodeInit {
  readonly privateKey: PrivateKey
  readonly host: string
  readonly port: number
  readonly announce: readonly string[]
  readonly limits: RelayLimits
  readonly guard: Guard
  readonly transport: TransportOptions
}

/**
 * Builds the relay's node, not yet started, and the transports that it listens with.
 *
 * @throws Error when the library has changed so that its streams cannot be held back
 */
export async function createRelayNode(
  init: RelayNodeInit,
): Promise<{ readonly node: RelayNode; readonly transports: readonly InboundWebSockets[] }> {
  const { guard, limits } = init
  const muxers = fixedWindows()
  await assertWindows(fixedWindows())
  const transports: InboundWebSockets[] = []
  const node = await createLibp2p({
    start: false,
    privateKey: init.privateKey,
    addresses: {
      listen: [`/${isIPv6(init.host) ? 'ip6' : 'ip4'}/${init.host}/tcp/${init.port}/ws`],
      announce: [...init.announce],
    },
    transports: [
      ({ logger }) => {
        const transport = new InboundWebSockets(init.transport, logger)
        transports.push(transport)
        return transport
      },
    ],
    connectionGater: guard.gater(),
    connectionEncrypters: [components => watched(noise()(components), muxers)],
    streamMuxers: [() => muxers],
    connectionManager: {
      // the guard has judged before; the library's own bounds, by the address of a proxy, would hit everybody behind it
      maxConnections: limits.connections * 2,
      inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
      maxIncomingPendingConnections: PENDING,
      reconnectRetries: 0,
    },
    // all connections in one moment, and dead after 5 s: our ConnectionMonitor does it evenly
    connectionMonitor: { enabled: false },
    nodeInfo: { userAgent: 'tandem-relay' },
    services: {
      identify: identifyClients,
      ping: boundedPing,
      relay: circuitRelayServer({
        // one more than the guard allows: it answers with a reason, this resets the stream
        maxInboundHopStreams: limits.circuitsPerPeer + 1,
        maxOutboundHopStreams: limits.circuitsPerPeer + 1,
        maxOutboundStopStreams: limits.circuits,
        reservations: {
          maxReservations: limits.reservations,
          reservationTtl: limits.reservationTtlMs,
          defaultDurationLimit: limits.circuitMs,
          defaultDataLimit: BigInt(limits.circuitBytes),
        },
      }),
      gossip: (components: GossipSubComponents) => boundedGossip(components, limits, guard),
    },
  })
  return { node, transports }
}

/** What clients send, decrypted, is weighed before the muxer reads it. */
function watched(encrypter: ConnectionEncrypter, muxers: StreamMuxerFactory): ConnectionEncrypter {
  watchMuxed(encrypter, muxers, (muxed, below) => {
    if (below instanceof SocketConnection) below.watchMuxed(muxed)
  })
  return encrypter
}

const boundedGossip = (components: GossipSubComponents, limits: RelayLimits, guard: Guard): GossipSub =>
  gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    // the id of a message is the hash of its sealed bytes: there is no sender in it
    msgIdFn: message => sha256(message.data),
    allowPublishToZeroTopicPeers: true,
    emitSelf: false,
    // The relay is the middle of a star: all followers of a topic stay in its mesh, and departed peers of one
    // address (people behind one router) must not count against those who are there.
    scoreParams: { IPColocationFactorWeight: 0, retainScore: RETAIN_SCORE_MS },
    D: 128,
    Dlo: 64,
    Dhi: 512,
    unsubcribeBackoff: 1_000,
    maxInboundDataLength: MAX_RPC_BYTES,
    maxOutboundBufferSize: UNREAD_BYTES,
    seenTTL: SEEN_MS,
    maxTopicBytesPerPeer: limits.topicsPerPeer * TOPIC_BYTES,
    decodeRpcLimits: RPC_LIMITS,
  })({
    privateKey: components.privateKey,
    peerId: components.peerId,
    peerStore: components.peerStore,
    connectionManager: components.connectionManager,
    logger: components.logger,
    registrar: boundRpcs(components.registrar, guard, MAX_RPC_BYTES, (ms, fn) => {
      const timer = setTimeout(fn, ms).unref()
      return () => clearTimeout(timer)
    }),
  })
