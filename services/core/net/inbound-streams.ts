import type { Clock } from '../../ports/clock'
import type { Log } from '../../ports/log'
import type { Channel } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import { decodeFrame } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import type { Hello, JoinMessage, ProtocolName, SignedMessage, WalletMessage } from '../wire/messages'
import { netError } from './classify'
import { withDeadline } from './deadline'
import { isHello, type HelloExchange } from './hello-exchange'
import type { Offences } from './offences'
import { OPEN_MS } from './outgoing-link'

/** What the upper parts send and get on each protocol; the hello stays in here. */
export interface MessageOf {
  join: Exclude<JoinMessage, Hello>
  wallet: Exclude<WalletMessage, Hello>
  sign: SignedMessage
}

export type MessageHandler<P extends ProtocolName> = (peerId: PeerId, message: MessageOf[P]) => void | Promise<void>

export interface InboundStreamsDeps {
  readonly clock: Clock
  readonly log: Log
  readonly hello: HelloExchange
  readonly offences: Offences
  /** false: nothing is read from this peer now */
  mayServe(peerId: PeerId, protocol: ProtocolName): boolean
}

/**
 * The streams that peers open.
 * 1. A peer has at most `LIMITS.streamsPerPeer` of them. More are refused.
 * 2. The first frame is a hello and comes within `OPEN_MS`.
 * 3. Frames are decoded and handed up one at a time, so that a slow reader slows its peer down.
 * 4. A malformed frame is an offence. A stream that is reset is lost alone.
 */
export class InboundStreams {
  readonly #open = new Map<PeerId, Set<Channel>>()
  readonly #handlers: { [P in ProtocolName]: Set<MessageHandler<P>> } = {
    join: new Set(),
    wallet: new Set(),
    sign: new Set(),
  }

  constructor(private readonly d: InboundStreamsDeps) {}

  get size(): number {
    return [...this.#open.values()].reduce((sum, channels) => sum + channels.size, 0)
  }

  onMessage<P extends ProtocolName>(protocol: P, handler: MessageHandler<P>): () => void {
    this.#handlers[protocol].add(handler)
    return () => {
      this.#handlers[protocol].delete(handler)
    }
  }

  async serve(channel: Channel, protocol: ProtocolName): Promise<void> {
    const { peerId } = channel
    const open = this.#open.get(peerId) ?? new Set<Channel>()
    if (!this.d.mayServe(peerId, protocol) || open.size >= LIMITS.streamsPerPeer) {
      this.d.log.write('debug', 'net.stream-refused', { peer: peerId, protocol, streams: open.size })
      channel.abort(netError('AbortError', 'not served'))
      this.d.offences.addFailedStream(peerId)
      return
    }
    open.add(channel)
    this.#open.set(peerId, open)
    try {
      const frames = channel.frames()[Symbol.asyncIterator]()
      const first = await withDeadline({ clock: this.d.clock, ms: OPEN_MS }, () => frames.next())
      if (!first.done && (await this.d.hello.answer(channel, protocol, first.value)))
        await this.#read(channel, protocol, frames)
      await channel.close()
    } catch (error) {
      this.#failed(channel, error)
    } finally {
      this.d.hello.closed(channel)
      open.delete(channel)
      if (open.size === 0) this.#open.delete(peerId)
    }
  }

  /** Ends the streams of one peer. */
  abort(peerId: PeerId, reason: string): void {
    for (const channel of this.#open.get(peerId) ?? []) channel.abort(netError('AbortError', reason))
  }

  stop(): void {
    for (const peerId of this.#open.keys()) this.abort(peerId, 'stopped')
  }

  async #read(channel: Channel, protocol: ProtocolName, frames: AsyncIterator<Uint8Array>): Promise<void> {
    const { peerId } = channel
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      if (!this.d.mayServe(peerId, protocol)) throw netError('AbortError', 'no longer served')
      const message = decodeFrame(protocol, next.value)
      if (!message.ok) {
        this.d.offences.add(peerId, 'malformed frame')
        return
      }
      if (isHello(message.value)) {
        this.d.hello.later(peerId, message.value)
        return
      }
      await this.#deliver(peerId, protocol, message.value)
    }
  }

  async #deliver(peerId: PeerId, protocol: ProtocolName, message: MessageOf[ProtocolName]): Promise<void> {
    // decodeFrame gave a message of exactly this protocol
    for (const handler of this.#handlers[protocol] as ReadonlySet<MessageHandler<ProtocolName>>) {
      try {
        await handler(peerId, message)
      } catch (error) {
        this.d.log.write('error', 'net.handler-failed', {
          peer: peerId,
          protocol,
          error: error instanceof Error ? error.message : 'unknown',
        })
      }
    }
  }

  /** A reset, a late hello, too many messages: the stream is lost, and counted when that is the peer's own doing. */
  #failed(channel: Channel, error: unknown): void {
    channel.abort(error instanceof Error ? error : netError('ConnectionLostError', 'stream failed'))
    const name = error instanceof Error ? error.name : ''
    if (name === 'InvalidDataLengthError') this.d.offences.add(channel.peerId, 'frame length')
    else if (name === 'RateLimitError' || name === 'TimeoutError') this.d.offences.addFailedStream(channel.peerId)
  }
}
