import type { Connection, Stream } from '@libp2p/interface'
import type { PeerId } from '../../core/domain/ids'
import { TokenBucket } from '../../core/domain/token-bucket'
import { LIMITS } from '../../core/wire/limits'
import type { Clock } from '../../ports/clock'
import type { Log } from '../../ports/log'
import type { Channel } from '../../ports/transport'
import { named, raced } from './abortable'
import { StreamChannel } from './channel'
import type { ConnectionTable, Link } from './connection-table'
import type { Node } from './node'

/**
 * channels that one connection may open of one protocol: the other side allows LIMITS.streamsPerPeer, its refusal is
 * the answer
 */
const OUTBOUND_STREAMS = 64
/** messages of one peer, over all of its channels */
const MESSAGES = { perSecond: LIMITS.messagesPerSecond, burst: LIMITS.messagesPerSecond }

/** Channels that are opened here and by others, within the bounds of a peer. */
export class Channels {
  private readonly handlers = new Map<string, (channel: Channel) => void>()
  private readonly budgets = new Map<PeerId, TokenBucket>()
  /** inbound channels by peer and protocol, over all of its connections */
  private readonly inbound = new Map<string, number>()

  constructor(
    private readonly table: ConnectionTable,
    private readonly platform: { readonly clock: Clock; readonly log: Log },
  ) {}

  async open(connectionId: string, protocol: string, signal: AbortSignal): Promise<Channel> {
    const link = this.table.get(connectionId)
    const opening = link.connection.newStream(protocol, {
      signal,
      runOnLimitedConnection: true,
      maxOutboundStreams: OUTBOUND_STREAMS,
    })
    try {
      const stream = await raced(opening, signal)
      return this.channel(stream, link, () => undefined)
    } catch (error) {
      opening.then(
        stream => {
          stream.abort(named('AbortError', 'the stream was given up'))
        },
        () => undefined,
      )
      throw error
    }
  }

  /** @param node when it is running; protocols that are handled before are registered by `start` */
  handle(node: Node | undefined, protocol: string, handler: (channel: Channel) => void): void {
    const known = this.handlers.has(protocol)
    this.handlers.set(protocol, handler)
    if (!known && node !== undefined) {
      this.register(node, protocol).catch((error: Error) =>
        this.platform.log.write('error', 'transport.handle.failed', { protocol, error: error.message }),
      )
    }
  }

  async start(node: Node): Promise<void> {
    for (const protocol of this.handlers.keys()) await this.register(node, protocol)
  }

  /** The peer has no connection any more. */
  gone(peerId: PeerId): void {
    this.budgets.delete(peerId)
  }

  clear(): void {
    this.handlers.clear()
    this.budgets.clear()
    this.inbound.clear()
  }

  private async register(node: Node, protocol: string): Promise<void> {
    await node.handle(protocol, (stream, connection) => this.accept(protocol, stream, connection), {
      maxInboundStreams: LIMITS.streamsPerPeer,
      maxOutboundStreams: OUTBOUND_STREAMS,
      runOnLimitedConnection: true,
    })
  }

  private accept(protocol: string, stream: Stream, connection: Connection): void {
    const handler = this.handlers.get(protocol)
    const link = this.table.opened(connection)
    const key = `${link.info.peerId} ${protocol}`
    const held = this.inbound.get(key) ?? 0
    if (handler === undefined || held >= LIMITS.streamsPerPeer) {
      stream.abort(named('TooManyInboundProtocolStreamsError', 'no more streams of this protocol'))
      return
    }
    this.inbound.set(key, held + 1)
    handler(
      this.channel(stream, link, () => {
        const left = (this.inbound.get(key) ?? 1) - 1
        if (left > 0) this.inbound.set(key, left)
        else this.inbound.delete(key)
      }),
    )
  }

  private channel(stream: Stream, link: Link, ended: () => void): Channel {
    const { clock } = this.platform
    const peer = link.info.peerId
    const budget = this.budgets.get(peer) ?? new TokenBucket(MESSAGES, () => clock.now())
    this.budgets.set(peer, budget)
    return new StreamChannel(stream, link.info, {
      clock,
      admit: () => budget.take(),
      count: (direction, bytes) => {
        link[direction] += bytes
      },
      ended,
    })
  }
}
