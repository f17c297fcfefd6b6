import type { Connection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'

/** @see https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PROTOCOL = '/ipfs/ping/1.0.0'
const BYTES = 32

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
