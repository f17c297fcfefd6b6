import { FrameQueue } from '../../services/adapters/libp2p/frame-queue'
import type { PeerId } from '../../services/core/domain/ids'
import { LIMITS } from '../../services/core/wire/limits'
import type { Channel, ConnectionInfo } from '../../services/ports/transport'

/** Errors with the names that the library gives them; `classifyConnectivityError` reads names. */
export const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })
export const timeoutError = (message = 'The operation timed out'): Error => new DOMException(message, 'TimeoutError')

/** Settles as `promise` does, or rejects with the signal's reason as soon as that aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : named('AbortError', 'aborted'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** What a link asks of the network that it runs through. */
export interface Wire {
  /**
   * Resolves when a byte that leaves `from` now has reached `to`: after the delay, and not before a frozen side thaws.
   */
  pass(from: PeerId, to: PeerId): Promise<void>
  frozen(peerId: PeerId): boolean
}

/** A side of a connection: a browser, or a relay. */
export interface Party {
  readonly peerId: PeerId
  readonly handlers: ReadonlyMap<string, (channel: Channel) => void>
  /** takes one message of that peer from its budget; false when it sends too fast */
  admit(from: PeerId): boolean
  opened(end: End): void
  closed(end: End): void
}

/** One side's view of a connection. `stale` means: this side still believes in it, nobody answers. */
export class End {
  readonly channels = new Set<MemoryChannel>()
  other!: End
  open = true
  stale = false
  sent = 0
  received = 0

  constructor(
    readonly owner: Party,
    readonly info: ConnectionInfo,
    readonly relayId: PeerId | undefined,
    readonly wire: Wire,
  ) {}

  /** This side sees the connection end. */
  shut(): void {
    if (!this.open) return
    this.open = false
    for (const channel of [...this.channels]) channel.break(named('StreamResetError', 'The stream has been reset'))
    this.owner.closed(this)
  }

  shutBoth(): void {
    this.shut()
    this.other.shut()
  }
}

const opened = (end: End, protocol: string): number =>
  [...end.channels].filter(c => c.protocol === protocol && c.inbound).length

/** A pair of channels on a live connection, handed to the other side's handler. */
export async function openChannel(end: End, protocol: string, signal: AbortSignal): Promise<Channel> {
  signal.throwIfAborted()
  if (!end.open) throw named('ConnectionClosedError', 'The connection is closed')
  if (end.stale) return abortable(new Promise<never>(() => undefined), signal)
  await abortable(end.wire.pass(end.owner.peerId, end.other.owner.peerId), signal)
  if (!end.open) throw named('ConnectionClosedError', 'The connection is closed')
  const handler = end.other.owner.handlers.get(protocol)
  if (handler === undefined)
    throw named('UnsupportedProtocolError', `Protocol selection failed - could not negotiate ${protocol}`)
  if (opened(end.other, protocol) >= LIMITS.streamsPerPeer) throw named('StreamResetError', 'The stream has been reset')
  const near = new MemoryChannel(end, protocol, false)
  const far = new MemoryChannel(end.other, protocol, true)
  near.far = far
  far.far = near
  handler(far)
  return near
}

class MemoryChannel implements Channel {
  far!: MemoryChannel
  readonly peerId: PeerId
  readonly connection: ConnectionInfo
  private readonly queue = new FrameQueue(LIMITS.messagesPerSecond)
  private tail: Promise<void> = Promise.resolve()
  private state: 'open' | 'closed' = 'open'

  constructor(
    private readonly end: End,
    readonly protocol: string,
    readonly inbound: boolean,
  ) {
    this.peerId = end.info.peerId
    this.connection = end.info
    end.channels.add(this)
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.state !== 'open') throw named('StreamStateError', 'The channel is closed')
    if (frame.length > LIMITS.frameBytes)
      throw named('InvalidDataLengthError', `Frame of ${frame.length} bytes is over the limit`)
    const copy = frame.slice()
    this.end.sent += copy.length
    this.tail = this.tail.then(() => this.carry(copy))
    // Nothing pushes back while the other side sleeps or is gone: the bytes stay in buffers on the way.
    if (this.end.stale || this.end.wire.frozen(this.far.end.owner.peerId)) return
    await this.tail
  }

  frames(): AsyncIterable<Uint8Array> {
    return this.queue.read()
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return
    this.leave()
    this.queue.finish()
    this.tail = this.tail.then(async () => {
      if (this.end.stale) return
      await this.end.wire.pass(this.end.owner.peerId, this.peerId)
      this.far.remoteClosed()
    })
  }

  abort(reason: Error): void {
    if (this.state === 'closed') return
    this.break(reason)
    this.far.break(named('StreamResetError', 'The stream has been reset'))
  }

  /** The channel is gone without a goodbye. */
  break(error: Error): void {
    this.leave()
    this.queue.fail(error)
  }

  private remoteClosed(): void {
    this.leave()
    this.queue.finish()
  }

  private leave(): void {
    this.state = 'closed'
    this.end.channels.delete(this)
  }

  private async carry(frame: Uint8Array): Promise<void> {
    if (this.end.stale) return
    await this.end.wire.pass(this.end.owner.peerId, this.peerId)
    if (this.far.state !== 'open' || this.end.stale) return
    if (!this.far.end.owner.admit(this.end.owner.peerId)) {
      this.far.abort(named('RateLimitError', `more than ${LIMITS.messagesPerSecond} messages per second`))
      return
    }
    this.far.end.received += frame.length
    await this.far.queue.push(frame)
  }
}
