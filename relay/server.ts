import './shim'
import { noise } from '@libp2p/noise'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { gossipsub, type GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { createLibp2p } from 'libp2p'
import { BlockList, isIPv6 } from 'node:net'
import { fixedWindows, watchMuxed } from '../services/adapters/libp2p/circuits'
import { boundedPing } from '../services/adapters/libp2p/ping'
import { parseTrusted, plainIp } from './addresses'
import { CircuitWatch, release } from './circuits'
import { SocketConnection } from './connection'
import { boundRpcs, GossipForwarder } from './gossip'
import { Guard } from './guard'
import { answer, serveHealth, type Health } from './health'
import { identifyClients } from './identify'
import { loadIdentity } from './identity'
import { DEFAULT_LIMITS, type RelayLimits } from './limits'
import { Door } from './listener'
import { RelayLog } from './log'
import { Counters, renderMetrics } from './metrics'
import type { RelayOptions } from './options'
import { freePort } from './ports'
import { Pulse } from './pulse'
import { loadCertificate } from './tls'

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
/** how often a relay that shuts down looks whether its circuits have ended, milliseconds */
const DRAIN_LOOK_MS = 50
/** how long the sockets may take to close after that, milliseconds */
const CLOSE_MS = 5_000

export interface RunningRelay {
  /** own multiaddrs, each with /p2p/<peer id> */
  readonly addrs: readonly string[]
  readonly peerId: string
  readonly healthUrl: string
  /** WebSocket port that was taken */
  readonly port: number
  reservations(): number
  circuits(): number
  /** takes the certificate files anew; without them nothing happens */
  renewCertificate(): Promise<void>
  /** takes nobody new, and waits until no circuit is open, at most so many milliseconds */
  drain(ms: number): Promise<void>
  /** lets go of everything within a bounded time */
  close(): Promise<void>
}

/**
 * Runs a circuit-relay-v2 server with gossip forwarding, in this process.
 *
 * @throws Error with one sentence when it cannot start (key, certificate, port)
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const log = new RelayLog(options.log ?? { format: 'none', addresses: false })
  const counters = new Counters((reason, who) => log.refused(reason, { ...who }))
  const privateKey = await loadIdentity(options)
  const certificate = options.tls === undefined ? undefined : await loadCertificate(options.tls)
  const port = await freePort(options.host, options.port, options.exactPort)
  const guard: Guard = new Guard(limits, counters, {
    circuits: peer => watch.circuits(peer),
    refused: peer => watch.refused(peer),
  })
  const watch = new CircuitWatch(counters, guard)
  const startedAt = Date.now()
  const health = (): Health => ({
    ok: node.status === 'started' && !guard.draining,
    peerId,
    addrs,
    reservations: reservations(),
    uptimeS: Math.floor((Date.now() - startedAt) / 1000),
  })
  const doors: Door[] = []
  const muxers = fixedWindows()
  const node = await createLibp2p({
    start: false,
    privateKey,
    addresses: {
      listen: [`/${isIPv6(options.host) ? 'ip6' : 'ip4'}/${options.host}/tcp/${port}/ws`],
      announce: [...(options.announce ?? [])],
    },
    transports: [
      ({ logger }) => {
        const door = new Door(
          {
            guard,
            counters,
            limits,
            trusted: parseTrusted(options.trustProxy ?? []) ?? new BlockList(),
            answer: answer({ health }),
            ...(certificate === undefined ? {} : { tls: certificate }),
          },
          logger,
        )
        doors.push(door)
        return door
      },
    ],
    connectionGater: guard.gater(),
    connectionEncrypters: [
      components => {
        const encrypter = noise()(components)
        watchMuxed(encrypter, muxers, (muxed, below) => {
          if (below instanceof SocketConnection) below.watchMuxed(muxed)
        })
        return encrypter
      },
    ],
    streamMuxers: [() => muxers],
    connectionManager: {
      // the guard has judged before; the library's own bounds, by the address of a proxy, would hit everybody behind it
      maxConnections: limits.connections * 2,
      inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
      maxIncomingPendingConnections: PENDING,
      reconnectRetries: 0,
    },
    // all connections in one moment, and dead after 5 s: Pulse does it evenly
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
      gossip: (components: GossipSubComponents) =>
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
          registrar: boundRpcs(components.registrar, guard, MAX_RPC_BYTES),
        }),
    },
  })
  const reservations = (): number => node.services.relay.reservations.size
  watch.watch(node.services.relay, () => reservations() >= limits.reservations)
  const forwarder = new GossipForwarder(node.services.gossip, limits, counters, guard)
  node.services.gossip.addEventListener('subscription-change', ({ detail }) =>
    forwarder.changed(detail.peerId, detail.subscriptions),
  )
  // one that is ended is told of as closed twice, and one may have ended before it is told of as open
  const here = new WeakSet<Connection>()
  node.addEventListener('connection:open', ({ detail }) => {
    if (detail.status !== 'open') return
    here.add(detail)
    guard.arrived(detail.remotePeer.toString(), plainIp(detail.remoteAddr.getComponents()[0]?.value ?? ''))
  })
  node.addEventListener('connection:close', ({ detail }) => {
    if (here.delete(detail)) guard.departed(detail.remotePeer.toString())
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    forwarder.gone(detail)
    release(node.services.relay, detail)
    // what identify told of a peer is of no use once it has gone, and strangers with ever new ids must not pile up
    node.peerStore.delete(detail).catch((error: Error) => log.event('forget-failed', { error: error.name }))
  })
  const pulse = new Pulse(() => node.getConnections())
  await node.start()
  pulse.start()
  const addrs = node.getMultiaddrs().map(a => a.toString())
  const peerId = node.peerId.toString()
  const gauges = () => ({
    connections: guard.connections,
    reservations: reservations(),
    circuits: watch.circuits(),
    topics: forwarder.topics,
    draining: guard.draining,
  })
  try {
    const healthHost = options.healthHost ?? '127.0.0.1'
    const anyPort = options.healthPort === 0 || (options.port === 0 && options.healthPort === undefined)
    const healthPort = anyPort ? 0 : await freePort(healthHost, options.healthPort ?? port + 1, options.exactPort)
    const pages = await serveHealth(healthHost, healthPort, {
      health,
      metrics: () => renderMetrics(counters, gauges(), startedAt),
    })
    log.event('started', {
      port,
      tls: certificate !== undefined,
      reservations: limits.reservations,
      connections: limits.connections,
    })
    return {
      addrs,
      peerId,
      healthUrl: pages.url,
      port,
      reservations,
      circuits: () => watch.circuits(),
      async renewCertificate() {
        if (options.tls === undefined) return
        const renewed = await loadCertificate(options.tls)
        for (const door of doors) door.renew(renewed)
        log.event('certificate-renewed')
      },
      async drain(ms) {
        guard.draining = true
        log.event('draining', { circuits: watch.circuits() })
        for (const end = Date.now() + ms; watch.circuits() > 0 && Date.now() < end;) await pause(DRAIN_LOOK_MS)
      },
      async close() {
        guard.draining = true
        pulse.stop()
        const { connections, circuits } = gauges()
        await Promise.race([Promise.all([pages.close(), node.stop()]), pause(CLOSE_MS)])
        log.flush()
        log.event('stopped', { connections, circuits })
      },
    }
  } catch (error) {
    pulse.stop()
    await node.stop()
    throw error
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms).unref()
  })
