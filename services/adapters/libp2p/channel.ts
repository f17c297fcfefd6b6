import type { Stream } from '@libp2p/interface'
import { byteStream, type ByteStream } from '@libp2p/utils'
import { LIMITS } from '../../core/wire/limits'
import type { Clock } from '../../ports/clock'
import type { Channel, ConnectionInfo } from '../../ports/transport'
import { FrameQueue } from './frame-queue'
import { encodeFrame, FrameDecoder, frameError } from './frames'

/**
 * bytes that may wait unread in a stream before it is reset: more than a second of the largest frames is never
 * legitimate
 */
const READ_BUFFER_BYTES = 1024 * 1024
/** how long the goodbye of a closed channel may take, milliseconds; then it is reset */
const GOODBYE_MS = 5_000

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })

/** What a channel needs of its transport. */
export interface ChannelHost {
  readonly clock: Clock
  /** takes one message of the peer from its budget; false when it sends too fast */
  admit(): boolean
  /** bytes that went over, for diagnostics */
  count(direction: 'sent' | 'received', bytes: number): void
  /** the channel ended, in whatever way; called once */
  ended(): void
}

/**
 * A stream that carries frames.
 *
 * Frames are read as they come, so that the rate is measured at arrival and not at the reader's pace; they wait in a
 * bounded queue. One reason ends a channel for both directions: close here, close there, reset, a broken rule. Each is
 * final.
 */
export class StreamChannel implements Channel {
  readonly peerId: string
  private readonly bytes: ByteStream<Stream>
  private readonly queue = new FrameQueue(LIMITS.messagesPerSecond)
  private tail: Promise<unknown> = Promise.resolve()
  private open = true

  constructor(
    private readonly stream: Stream,
    readonly connection: ConnectionInfo,
    private readonly host: ChannelHost,
  ) {
    this.peerId = connection.peerId
    this.bytes = byteStream(stream, { maxBufferSize: READ_BUFFER_BYTES })
    stream.addEventListener('close', event => {
      if (event.error !== undefined) this.fail(event.error)
    })
    void this.receive()
  }

  send(frame: Uint8Array): Promise<void> {
    if (!this.open) return Promise.reject(named('StreamStateError', 'the channel is closed'))
    if (frame.length > LIMITS.frameBytes) {
      return Promise.reject(
        frameError(
          'InvalidDataLengthError',
          `a frame of ${frame.length} bytes, at most ${LIMITS.frameBytes} are allowed`,
        ),
      )
    }
    const encoded = encodeFrame(frame)
    // one at a time: a second write must not slip past the wait for a drain
    const sent = this.tail.then(() => this.write(encoded))
    this.tail = sent.catch(() => undefined)
    return sent
  }

  frames(): AsyncIterable<Uint8Array> {
    return this.queue.read()
  }

  async close(): Promise<void> {
    if (!this.open) return
    this.finish()
    await this.tail
    await this.goodbye()
  }

  abort(reason: Error): void {
    if (!this.open) return
    this.fail(reason)
    this.stream.abort(reason)
  }

  private async write(encoded: Uint8Array): Promise<void> {
    try {
      await this.bytes.write(encoded)
      this.host.count('sent', encoded.length)
    } catch (error) {
      // the library rejects with the close event itself when the stream ends during the wait
      throw error instanceof Error ? error : named('StreamResetError', 'the stream ended while sending')
    }
  }

  private async receive(): Promise<void> {
    const decoder = new FrameDecoder(LIMITS.frameBytes)
    try {
      for (let chunk = await this.bytes.read(); chunk !== null; chunk = await this.bytes.read()) {
        this.host.count('received', chunk.byteLength)
        for (const frame of decoder.push(chunk.subarray())) {
          if (!this.host.admit())
            throw named('RateLimitError', `more than ${LIMITS.messagesPerSecond} messages per second`)
          await this.queue.push(frame)
        }
      }
      if (decoder.pending) throw frameError('UnexpectedEOFError', 'the stream ended inside a frame')
    } catch (error) {
      const reason = error instanceof Error ? error : named('StreamResetError', 'the stream was reset')
      this.abort(reason)
      return
    }
    if (!this.open) return
    // the other side is done: so are we, or its stream would stay half open and count against the limit
    this.finish()
    await this.goodbye()
  }

  private finish(): void {
    this.open = false
    this.queue.finish()
    this.host.ended()
  }

  private fail(error: Error): void {
    if (this.open) this.host.ended()
    this.open = false
    this.queue.fail(error)
  }

  private async goodbye(): Promise<void> {
    const late = new AbortController()
    const cancel = this.host.clock.after(GOODBYE_MS, () => {
      late.abort()
      this.stream.abort(named('TimeoutError', 'the other side did not close the stream'))
    })
    if (this.stream.status === 'open') this.stream.addEventListener('close', cancel, { once: true })
    try {
      await this.stream.close({ signal: late.signal })
    } catch {
      // gone already, which is what was wanted
    }
  }
}
