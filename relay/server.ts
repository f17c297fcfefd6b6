import './shim'
import type { Connection } from '@libp2p/interface'
import { BlockList } from 'node:net'
import { CircuitWatch, release } from '../services/adapters/libp2p/internals/circuit-relay-server'
import { parseTrusted, plainIp } from './addresses'
import { ConnectionMonitor } from './connection-monitor'
import { GossipForwarder } from './gossip'
import { Guard } from './guard'
import { answer, serveHealth, type Health, type HealthServer, type Pages } from './health'
import { loadIdentity } from './identity'
import { DEFAULT_LIMITS, type RelayLimits } from './limits'
import { RelayLog } from './log'
import { Counters, renderMetrics, type Gauges } from './metrics'
import { createRelayNode, type RelayNode } from './node'
import type { RelayOptions } from './options'
import { freePort } from './ports'
import { loadCertificate } from './tls'

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
  const relay = await build(options)
  const { node, guard, log, monitor, certificate, port } = relay
  await node.start()
  relay.addrs = node.getMultiaddrs().map(a => a.toString())
  monitor.start()
  const stop = async (pages?: HealthServer): Promise<void> => {
    monitor.stop()
    await Promise.all([pages?.close(), node.stop()])
  }
  try {
    const pages = await servePages(options, port, relay)
    const { reservations, connections } = relay.limits
    log.event('started', { port, tls: certificate !== undefined, reservations, connections })
    return {
      addrs: relay.addrs,
      peerId: node.peerId.toString(),
      healthUrl: pages.url,
      port,
      reservations: () => relay.gauges().reservations,
      circuits: () => relay.gauges().circuits,
      async renewCertificate() {
        if (options.tls === undefined) return
        const renewed = await loadCertificate(options.tls)
        for (const transport of relay.transports) transport.renew(renewed)
        log.event('certificate-renewed')
      },
      async drain(ms) {
        guard.draining = true
        log.event('draining', { circuits: relay.gauges().circuits })
        for (const end = Date.now() + ms; relay.gauges().circuits > 0 && Date.now() < end;) await pause(DRAIN_LOOK_MS)
      },
      async close() {
        guard.draining = true
        const { connections: open, circuits } = relay.gauges()
        await Promise.race([stop(pages), pause(CLOSE_MS)])
        log.flush()
        log.event('stopped', { connections: open, circuits })
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The parts of a relay, joined and not yet started. */
async function build(options: RelayOptions) {
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
  const { node, transports } = await createRelayNode({
    privateKey,
    host: options.host,
    port,
    announce: options.announce ?? [],
    limits,
    guard,
    transport: {
      guard,
      counters,
      limits,
      trusted: parseTrusted(options.trustProxy ?? []) ?? new BlockList(),
      answer: answer({ health: () => relay.health() }),
      ...(certificate === undefined ? {} : { tls: certificate }),
    },
  })
  const places = node.services.relay.reservations
  watch.watch(node.services.relay, () => places.size >= limits.reservations)
  const forwarder = new GossipForwarder(node.services.gossip, limits, counters, guard)
  followClients(node, forwarder, guard, log)
  const relay = {
    node,
    transports,
    limits,
    guard,
    log,
    certificate,
    port,
    monitor: new ConnectionMonitor(() => node.getConnections()),
    /** known when the node listens */
    addrs: [] as readonly string[],
    gauges: (): Gauges => ({
      connections: guard.connections,
      reservations: places.size,
      circuits: watch.circuits(),
      topics: forwarder.topics,
      draining: guard.draining,
    }),
    health: (): Health => ({
      ok: node.status === 'started' && !guard.draining,
      peerId: node.peerId.toString(),
      addrs: relay.addrs,
      reservations: places.size,
      uptimeS: Math.floor((Date.now() - startedAt) / 1000),
    }),
    metrics: (): string => renderMetrics(counters, relay.gauges(), startedAt),
  }
  return relay
}

/** Has everybody who keeps something of a client know when it comes and goes. */
function followClients(node: RelayNode, forwarder: GossipForwarder, guard: Guard, log: RelayLog): void {
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
}

/** /health and /metrics on a port of their own. */
async function servePages(options: RelayOptions, port: number, pages: Pages): Promise<HealthServer> {
  const host = options.healthHost ?? '127.0.0.1'
  const anyPort = options.healthPort === 0 || (options.port === 0 && options.healthPort === undefined)
  const wanted = anyPort ? 0 : await freePort(host, options.healthPort ?? port + 1, options.exactPort)
  return serveHealth(host, wanted, pages)
}

const pause = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms).unref()
  })
