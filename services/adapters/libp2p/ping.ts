import type { Connection } from '@libp2p/interface'
import { ping, type Ping, type PingComponents } from '@libp2p/ping'
import { byteStream } from '@libp2p/utils'
import { boundStreams } from './inflow'

/** @see https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PROTOCOL = '/ipfs/ping/1.0.0'
const BYTES = 32
/** streams of a peer: the library's own heartbeat and ours may overlap */
const STREAMS = 8
/** bytes that come in on one of them: 128 pings in the ten seconds that it may last */
const STREAM_BYTES = 4_096

/** The library's ping with a bound: it sends back whatever comes, and keeps what it cannot send yet. */
export const boundedPing = (components: PingComponents): Ping =>
  ping({ maxInboundStreams: STREAMS, maxOutboundStreams: STREAMS, runOnLimitedConnection: true })({
    connectionManager: components.connectionManager,
    registrar: boundStreams(components.registrar, STREAM_BYTES),
  })

/**
 * Round trip in milliseconds over this very connection. The library's own ping takes a peer and chooses a connection,
 * possibly a stale one; this one tells whether the given connection answers.
 *
 * @throws the library's error, the signal's reason, or an Error when the echo differs
 */
export async function pingConnection(connection: Connection, signal: AbortSignal): Promise<number> {
  const stream = await connection.newStream(PROTOCOL, { signal, runOnLimitedConnection: true })
  try {
    const bytes = byteStream(stream, { maxBufferSize: BYTES })
    const sent = crypto.getRandomValues(new Uint8Array(BYTES))
    const from = performance.now()
    await bytes.write(sent, { signal })
    const echo = (await bytes.read({ bytes: BYTES, signal })).subarray()
    const ms = performance.now() - from
    if (!sent.every((byte, i) => byte === echo[i]))
      throw Object.assign(new Error('the ping came back changed'), { name: 'ProtocolError' })
    stream.close({ signal }).catch((error: Error) => {
      stream.abort(error)
    })
    return ms
  } catch (error) {
    const reason = error instanceof Error ? error : new Error('ping failed')
    stream.abort(reason)
    throw reason
  }
}
