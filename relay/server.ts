import './shim'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { circuitRelayServer, type CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { sha256 } from '@noble/hashes/sha2.js'
import { createLibp2p } from 'libp2p'
import { isIPv6 } from 'node:net'
import { GossipForwarder } from './gossip'
import { serveHealth } from './health'
import { loadIdentity } from './identity'
import { DEFAULT_LIMITS, type RelayLimits, type RelayOptions } from './options'
import { freePort } from './ports'

/** a sealed announcement is at most 4 KiB; room for the envelope */
const MAX_GOSSIP_BYTES = 8_192
/** connections beyond those that hold a reservation: people who only dial through */
const SPARE_CONNECTIONS = 256
/** relayed connections that one peer may have open at once, in each direction */
const CIRCUITS_PER_PEER = 512
/** new WebSockets per second from one address: many people can sit behind one */
const CONNECTIONS_PER_SECOND = 200

export interface RunningRelay {
  /** own multiaddrs, each with /p2p/<peer id> */
  readonly addrs: readonly string[]
  readonly peerId: string
  readonly healthUrl: string
  /** WebSocket port that was taken */
  readonly port: number
  reservations(): number
  close(): Promise<void>
}

/**
 * Runs a circuit-relay-v2 server with gossip forwarding, in this process.
 *
 * @throws Error with one sentence when it cannot start (key, port)
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const privateKey = await loadIdentity(options.dataDir, options.fresh ?? false)
  const port = await freePort(options.host, options.port)
  const node = await createLibp2p({
    privateKey,
    addresses: {
      listen: [`/${isIPv6(options.host) ? 'ip6' : 'ip4'}/${options.host}/tcp/${port}/ws`],
      announce: [...options.announce ?? []],
    },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: limits.reservations + SPARE_CONNECTIONS,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: CONNECTIONS_PER_SECOND,
      reconnectRetries: 0,
    },
    nodeInfo: { userAgent: 'tandem-relay' },
    services: {
      identify: identify({ runOnLimitedConnection: true }),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      relay: circuitRelayServer({
        maxInboundHopStreams: CIRCUITS_PER_PEER,
        maxOutboundHopStreams: CIRCUITS_PER_PEER,
        maxOutboundStopStreams: CIRCUITS_PER_PEER,
        reservations: {
          maxReservations: limits.reservations,
          reservationTtl: limits.reservationTtlMs,
          defaultDurationLimit: limits.circuitMs,
          defaultDataLimit: BigInt(limits.circuitBytes),
        },
      }),
      gossip: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        // the id of a message is the hash of its sealed bytes: there is no sender in it
        msgIdFn: (message) => sha256(message.data),
        allowPublishToZeroTopicPeers: true,
        emitSelf: false,
        // The relay is the middle of a star: all followers of a topic stay in its mesh, and departed peers of one address
        // (people behind one router) must not count against those who are there.
        scoreParams: { IPColocationFactorWeight: 0 },
        D: 128,
        Dlo: 64,
        Dhi: 512,
        unsubcribeBackoff: 1_000,
        maxInboundDataLength: MAX_GOSSIP_BYTES,
        maxTopicBytesPerPeer: 128 * 1024,
      }),
    },
  })
  const forwarder = new GossipForwarder(node.services.gossip, limits.topics)
  node.services.gossip.addEventListener('subscription-change', ({ detail }) => forwarder.changed(detail.peerId, detail.subscriptions))
  node.addEventListener('peer:disconnect', ({ detail }) => {
    forwarder.gone(detail)
    release(node.services.relay, detail)
  })
  const startedAt = Date.now()
  const addrs = node.getMultiaddrs().map((a) => a.toString())
  const peerId = node.peerId.toString()
  const reservations = (): number => node.services.relay.reservations.size
  try {
    const health = await serveHealth(options.host, options.healthPort === 0 || options.port === 0 && options.healthPort === undefined
      ? 0
      : await freePort(options.host, options.healthPort ?? port + 1), () => ({
      ok: node.status === 'started',
      peerId,
      addrs,
      reservations: reservations(),
      uptimeS: Math.floor((Date.now() - startedAt) / 1000),
    }))
    return {
      addrs, peerId, healthUrl: health.url, port, reservations,
      close: async () => {
        await health.close()
        await node.stop()
      },
    }
  } catch (error) {
    await node.stop()
    throw error
  }
}

/**
 * Frees the place of a peer that left: the library would hold it until it expires. The reservation's own timer is stopped too,
 * or it would later remove the place that the peer has taken anew.
 */
function release(relay: CircuitRelayService, peerId: PeerId): void {
  const reservation = relay.reservations.get(peerId)
  if (reservation === undefined) return
  const { signal } = reservation as { signal?: { clear?: () => void } }
  signal?.clear?.()
  relay.reservations.delete(peerId)
}
