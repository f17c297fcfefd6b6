import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Channel, ConnectionInfo, Transport } from '../../ports/transport'
import type { ConnectionKind } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'
import type { TokenBucket } from '../domain/token-bucket'
import { PROTOCOLS, type ProtocolName } from '../wire/messages'
import { backoffMs } from './backoff'
import { netError } from './classify'
import { withDeadline } from './deadline'
import type { HelloExchange } from './hello-exchange'

/** milliseconds for opening a stream and for the other side's hello */
export const OPEN_MS = 10_000
/** messages and bytes that may wait for one peer and protocol; above it `send` says no */
const QUEUE_MESSAGES = 256
const QUEUE_BYTES = 2 * 1024 * 1024
/** A message that was under way when its stream died is sent once more: delivery is at least once. */
const SENDS = 2
/**
 * milliseconds to wait for a better connection before a stream is opened on a relayed one that may only carry the
 * WebRTC offer
 */
const RELAY_SETTLE_MS = 250

const RANK: Readonly<Record<ConnectionKind, number>> = { webrtc: 0, direct: 1, relay: 2 }
const isBetter = (a: ConnectionKind, b: ConnectionKind): boolean => RANK[a] < RANK[b]

interface Queued {
  readonly frame: Uint8Array
  sends: number
  readonly done: (sent: boolean) => void
}

export interface OutgoingLinkDeps {
  readonly transport: Pick<Transport, 'open' | 'connections'>
  readonly clock: Clock
  readonly entropy: Entropy
  /** how fast this peer may be sent to: below the rate at which it resets the stream */
  readonly pace: TokenBucket
  /** a fresh stream is used once both hellos were exchanged; then nothing but a notice comes back on it */
  readonly hello: Pick<HelloExchange, 'open' | 'drain'>
  /** false: nothing may be opened to this peer now (blocked, or it refuses this instance) */
  mayOpen(): boolean
  /** the stream could not be opened or greeted; tried again with backoff */
  onFailed(error: unknown): void
  onUp(up: boolean): void
}

/**
 * The outgoing stream to one peer for one protocol.
 * 1. There is at most one stream at a time.
 * 2. It is opened on the best connection, and moves when a better one appears.
 * 3. Messages go out in order. One is dropped only with `false` to its sender.
 * 4. While there is a connection and somebody wants the link, a stream that ended is opened again, with backoff.
 * 5. Without a connection nothing is tried until `onConnection`.
 */
export class OutgoingLink {
  readonly #queue: Queued[] = []
  #bytes = 0
  #running = false
  #stopped = false
  #keep = false
  #channel: Channel | undefined
  #ended = false
  #migrate = false
  #fails = 0
  #wake: (() => void) | undefined
  #settle: (() => void) | undefined
  readonly #abort = new AbortController()

  constructor(
    private readonly d: OutgoingLinkDeps,
    readonly peerId: PeerId,
    readonly protocol: ProtocolName,
  ) {}

  get up(): boolean {
    return this.#channel !== undefined
  }

  /** Wants the stream open whenever there is a connection. */
  keep(wanted: boolean): void {
    this.#keep = wanted
    if (wanted) this.#openNow()
  }

  /** Resolves `true` when the frame was handed over, `false` when it cannot be: no connection, queue full, stopped. */
  send(frame: Uint8Array): Promise<boolean> {
    const full = this.#queue.length >= QUEUE_MESSAGES || this.#bytes + frame.length > QUEUE_BYTES
    if (this.#stopped || full || !this.d.mayOpen() || this.d.transport.connections(this.peerId).length === 0)
      return Promise.resolve(false)
    return new Promise(done => {
      this.#queue.push({ frame, sends: 0, done })
      this.#bytes += frame.length
      this.#wake?.()
      this.#start()
    })
  }

  /** A connection appeared: the stream is opened, or moves to it when it is better. */
  onConnection(connection: ConnectionInfo): void {
    this.#fails = 0
    if (this.#channel && isBetter(connection.kind, this.#channel.connection.kind)) this.#migrate = true
    const only = this.d.transport.connections(this.peerId)[0]
    if (!this.#running && this.#queue.length === 0 && only?.kind === 'relay') {
      this.#settle?.()
      this.#settle = this.d.clock.after(RELAY_SETTLE_MS, () => {
        this.#start()
      })
      return
    }
    this.#openNow()
  }

  stop(): void {
    this.#stopped = true
    this.#settle?.()
    this.#abort.abort(netError('AbortError', 'link stopped'))
    this.#channel?.abort(netError('AbortError', 'link stopped'))
    this.#wake?.()
    this.#failAll()
  }

  /** Ends what is left of the last backoff. */
  #openNow(): void {
    this.#fails = 0
    this.#wake?.()
    this.#start()
  }

  #start(): void {
    this.#settle?.()
    if (this.#running || this.#stopped || (!this.#keep && this.#queue.length === 0)) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#stopped && (this.#keep || this.#queue.length > 0)) {
      const best = this.d.transport.connections(this.peerId)[0]
      if (!best || !this.d.mayOpen()) break
      let opened: { channel: Channel; frames: AsyncIterator<Uint8Array> }
      try {
        opened = await this.#open(best)
      } catch (error) {
        this.d.onFailed(error)
        if (this.#stopped || !this.d.transport.connections(this.peerId)[0]) break
        // nobody waits longer than one try: what lies in the queue is told to its sender
        this.#failAll()
        await this.#pause(backoffMs(this.#fails++, 500, 30_000, this.d.entropy.bytes(1)[0] ?? 0))
        continue
      }
      this.#fails = 0
      await this.#use(opened.channel, opened.frames)
    }
    // in the same turn as the decision to end, so that no connection is missed in between
    this.#running = false
    this.#failAll()
  }

  async #open(connection: ConnectionInfo): Promise<{ channel: Channel; frames: AsyncIterator<Uint8Array> }> {
    const options = { clock: this.d.clock, ms: OPEN_MS, signal: this.#abort.signal }
    const channel = await withDeadline(
      options,
      signal => this.d.transport.open(connection.id, PROTOCOLS[this.protocol], { signal }),
      late => late.abort(netError('TimeoutError', 'opened too late')),
    )
    try {
      return {
        channel,
        frames: await withDeadline(options, signal => this.d.hello.open(channel, this.protocol, signal)),
      }
    } catch (error) {
      channel.abort(error instanceof Error ? error : netError('ConnectionLostError', 'no greeting'))
      throw error
    }
  }

  async #use(channel: Channel, frames: AsyncIterator<Uint8Array>): Promise<void> {
    this.#channel = channel
    this.#ended = false
    this.#migrate = false
    void this.d.hello.drain(channel, this.protocol, frames).finally(() => {
      if (this.#channel === channel) this.#ended = true
      this.#wake?.()
    })
    this.d.onUp(true)
    while (!this.#ended && !this.#stopped && !this.#migrate) {
      const head = this.#queue[0]
      if (!head) {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
        continue
      }
      if (!this.d.pace.take()) {
        await this.#pause(this.d.pace.waitMs())
        continue
      }
      if (!(await this.#push(channel, head))) break
    }
    this.#channel = undefined
    if (this.#migrate && !this.#ended) channel.close().catch(() => undefined)
    else channel.abort(netError('ConnectionLostError', 'link ended'))
    this.d.onUp(false)
  }

  /** Sends the head of the queue; false when the stream is gone. */
  async #push(channel: Channel, head: Queued): Promise<boolean> {
    head.sends++
    let sent = false
    try {
      await channel.send(head.frame)
      sent = true
    } catch {
      // said by `sent`
    }
    if ((sent || head.sends >= SENDS) && this.#queue[0] === head) {
      this.#queue.shift()
      this.#bytes -= head.frame.length
      head.done(sent)
    }
    return sent
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.d.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  #failAll(): void {
    for (const q of this.#queue.splice(0)) q.done(false)
    this.#bytes = 0
  }
}
