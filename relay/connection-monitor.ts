import type { Connection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'

/** @see https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PROTOCOL = '/ipfs/ping/1.0.0'
const BYTES = 32
/** how often each connection is asked whether it lives, milliseconds */
const ROUND_MS = 15_000
/** how long it may take, milliseconds: a phone, or a relay in the minute after its restart, may be busy for seconds */
const PATIENCE_MS = 10_000
/** a round has so many steps, in each of which a share of the connections is asked */
const STEPS = 60

/**
 * Finds connections that have died without a word, and ends them. The library's own monitor asks all of them in the
 * same moment: with thousands, the answers to that burst alone take the 5 s after which it ends a connection as dead.
 */
export class ConnectionMonitor {
  private timer: NodeJS.Timeout | undefined
  private queue: Connection[] = []
  private steps = 0

  constructor(
    private readonly connections: () => readonly Connection[],
    private readonly ask: (connection: Connection) => Promise<void> = ping,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => {
      this.step()
    }, ROUND_MS / STEPS).unref()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.queue = []
  }

  private step(): void {
    const left = STEPS - (this.steps++ % STEPS)
    if (left === STEPS) this.queue = [...this.connections()]
    for (const connection of this.queue.splice(0, Math.ceil(this.queue.length / left))) {
      if (connection.status !== 'open') continue
      this.ask(connection).catch((error: unknown) => {
        connection.abort(error instanceof Error ? error : new Error('the ping was not answered'))
      })
    }
  }
}

/** @throws when nothing comes back in time; that the protocol is unknown is an answer too */
async function ping(connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const stream = await connection
    .newStream(PROTOCOL, { signal, runOnLimitedConnection: true })
    .catch((error: Error) => {
      if (error.name === 'UnsupportedProtocolError') return undefined
      throw error
    })
  if (stream === undefined) return
  try {
    const bytes = byteStream(stream, { maxBufferSize: BYTES })
    await bytes.write(crypto.getRandomValues(new Uint8Array(BYTES)), { signal })
    await bytes.read({ bytes: BYTES, signal })
    await stream.close({ signal })
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error('the ping was not answered'))
    throw error
  }
}
