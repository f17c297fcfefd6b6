/**
 * Guards: memory. The library's ping sends back whatever comes, and keeps what it cannot send yet.
 * Upstream: @libp2p/ping 3.1.13, dist/src/ping.js (`handlePing`).
 * Needless when: the library bounds the bytes that wait for one stream.
 * Held by: tests/unit/libp2p-internals/bounded-streams.test.ts.
 */
import { ping, type Ping, type PingComponents } from '@libp2p/ping'
import { boundStreams } from './bounded-streams'

/** streams of a peer: the library's own heartbeat and ours may overlap */
const STREAMS = 8
/** bytes that come in on one of them: 128 pings in the ten seconds that it may last */
const STREAM_BYTES = 4_096

/** The library's ping, with a bound for each stream. */
export const boundedPing = (components: PingComponents): Ping =>
  ping({ maxInboundStreams: STREAMS, maxOutboundStreams: STREAMS, runOnLimitedConnection: true })({
    connectionManager: components.connectionManager,
    registrar: boundStreams(components.registrar, STREAM_BYTES),
  })
