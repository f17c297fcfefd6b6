import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Channel, Transport, TransportEvent } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import { decodeFrame, encodeFrame } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import {
  PROTOCOLS,
  type Hello,
  type JoinMessage,
  type ProtocolName,
  type SignedMessage,
  type WalletMessage,
} from '../wire/messages'
import { netError } from './classify'
import { closeQuietly } from './connect'
import { withDeadline } from './deadline'
import {
  CLOCK_OFFSET_MS,
  commonVersion,
  Instances,
  isSupersededNotice,
  makeHello,
  supersededNotice,
  type SelfInfo,
} from './hello'
import { OPEN_MS, OutLink } from './link'
import { TokenBucket } from './rate'

/** What the upper parts send and get on each protocol; the hello stays in here. */
export interface MessageOf {
  join: Exclude<JoinMessage, Hello>
  wallet: Exclude<WalletMessage, Hello>
  sign: SignedMessage
}

export type LinkEvent =
  /** `offsetMs` is their clock minus ours; `ok` when it is within 2 min again */
  | { readonly type: 'clock-offset'; readonly peerId: PeerId; readonly offsetMs: number; readonly ok: boolean }
  /** a peer talks to a newer run of our own peer id ("open on another device") */
  | { readonly type: 'superseded'; readonly by: PeerId }
  /** no common version with this peer */
  | {
      readonly type: 'version'
      readonly peerId: PeerId
      readonly protocol: ProtocolName
      readonly versions: readonly number[]
    }
  /** the peer sent what no version of the protocol allows; not served until `until` (unix ms) */
  | { readonly type: 'offence'; readonly peerId: PeerId; readonly reason: string; readonly until: number }

export interface LinksDeps {
  readonly transport: Pick<Transport, 'open' | 'handle' | 'connections' | 'closeConnection' | 'refuse' | 'onEvent'>
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly self: SelfInfo
  /** roster peers, or the join protocol while an invite is open: nobody else is served or sent to */
  allowed(peerId: PeerId, protocol: ProtocolName): boolean
  onEvent(event: LinkEvent): void
}

type Handler<P extends ProtocolName> = (peerId: PeerId, message: MessageOf[P]) => void | Promise<void>

/**
 * Our own pace stays below the limit at which the other side's transport resets the stream, hellos of both protocols
 * included.
 */
const PACE_PER_SECOND = LIMITS.messagesPerSecond - 10
const PACE_BURST = LIMITS.messagesPerSecond - 20
/** milliseconds: the first disconnect, doubled with each further offence up to an hour (protocol.md, "Blame") */
const BLOCK_MS = 60_000
const BLOCK_MAX_MS = 3_600_000
/**
 * Streams of a peer that come to nothing by its own doing, at once and per second: too many of them, a hello that is
 * late, messages faster than anybody may send. Each costs us a little, also when it is refused; a program of ours makes
 * a few when a network heals.
 */
const VAIN_BURST = 32
const VAIN_PER_SECOND = 0.5
/** peers of whom that is remembered */
const VAIN_PEERS = 256
/** milliseconds for a last word to a run that is being closed */
const NOTICE_MS = 1_000
/** a changed clock offset is told again from this difference on, milliseconds */
const OFFSET_STEP_MS = 10_000

const isHello = (message: object): message is Hello => 'type' in message && message.type === 'hello'

/**
 * All message links of this node. Outgoing: one stream per peer and protocol (link.ts). Incoming: hello first, then
 * frames that are decoded and handed up one at a time, so that a slow reader slows its peer down (the transport bounds
 * their size and rate). One malformed frame, or many streams that come to nothing, end the connection for a while;
 * nobody is expelled.
 */
export class Links {
  readonly #links = new Map<string, OutLink>()
  readonly #handlers: { [P in ProtocolName]: Set<Handler<P>> } = { join: new Set(), wallet: new Set(), sign: new Set() }
  readonly #linkListeners = new Set<(peerId: PeerId, protocol: ProtocolName, up: boolean) => void>()
  readonly #inbound = new Map<PeerId, Set<Channel>>()
  readonly #paces = new Map<PeerId, TokenBucket>()
  readonly #instances = new Instances()
  readonly #offences = new Map<PeerId, { count: number; until: number }>()
  /** how many more vain streams each peer may make; the oldest first */
  readonly #vain = new Map<PeerId, TokenBucket>()
  /** peers that talk to a newer run of ours: left alone until this run ends */
  readonly #refusedBy = new Set<PeerId>()
  readonly #offsets = new Map<PeerId, number>()
  readonly #unlisten: () => void
  #stopped = false

  constructor(private readonly d: LinksDeps) {
    for (const protocol of Object.keys(PROTOCOLS) as ProtocolName[]) {
      d.transport.handle(PROTOCOLS[protocol], channel => {
        void this.#serve(channel, protocol)
      })
    }
    this.#unlisten = d.transport.onEvent(event => {
      this.#onTransport(event)
    })
  }

  /** Wants (or no longer wants) the link open whenever there is a connection. */
  keep(peerId: PeerId, protocol: ProtocolName, wanted: boolean): void {
    if (this.#stopped || (!wanted && !this.#links.has(`${protocol} ${peerId}`))) return
    this.#link(peerId, protocol).keep(wanted)
  }

  isUp(peerId: PeerId, protocol: ProtocolName): boolean {
    return this.#links.get(`${protocol} ${peerId}`)?.up ?? false
  }

  /** `true` when handed to the network, which is no receipt; `false` at once when there is no way to the peer now. */
  send<P extends ProtocolName>(peerId: PeerId, protocol: P, message: MessageOf[P]): Promise<boolean> {
    if (this.#stopped || !this.d.allowed(peerId, protocol)) return Promise.resolve(false)
    return this.#link(peerId, protocol).send(encodeFrame<ProtocolName>(protocol, message))
  }

  onMessage<P extends ProtocolName>(protocol: P, handler: Handler<P>): () => void {
    this.#handlers[protocol].add(handler)
    return () => {
      this.#handlers[protocol].delete(handler)
    }
  }

  /** Up: the outgoing stream is greeted and usable. Down: it ended; what was not said must be said again by `sync`. */
  onLink(listener: (peerId: PeerId, protocol: ProtocolName, up: boolean) => void): () => void {
    this.#linkListeners.add(listener)
    return () => {
      this.#linkListeners.delete(listener)
    }
  }

  /** A peer broke a rule of what the frames mean: as a malformed frame, it ends the connection for a while. */
  offence(peerId: PeerId, reason: string): void {
    this.#offence(peerId, reason)
  }

  /** Ends everything with a peer that is no longer served. */
  forget(peerId: PeerId): void {
    for (const protocol of Object.keys(PROTOCOLS) as ProtocolName[]) {
      this.#links.get(`${protocol} ${peerId}`)?.stop()
      this.#links.delete(`${protocol} ${peerId}`)
    }
    for (const channel of this.#inbound.get(peerId) ?? []) channel.abort(netError('AbortError', 'no longer served'))
    this.#paces.delete(peerId)
    this.#offsets.delete(peerId)
  }

  /** milliseconds of unix time until which the peer is left alone; 0 when it is not */
  blockedUntil(peerId: PeerId): number {
    const until = this.#offences.get(peerId)?.until ?? 0
    return until > this.d.clock.now() ? until : 0
  }

  stop(): void {
    this.#stopped = true
    this.#unlisten()
    for (const link of this.#links.values()) link.stop()
    this.#links.clear()
    for (const channels of this.#inbound.values()) for (const c of channels) c.abort(netError('AbortError', 'stopped'))
  }

  /** open streams of both directions, for the proof that nothing is left */
  counters(): { outgoing: number; inbound: number } {
    return {
      outgoing: [...this.#links.values()].filter(l => l.up).length,
      inbound: [...this.#inbound.values()].reduce((sum, set) => sum + set.size, 0),
    }
  }

  #mayServe(peerId: PeerId, protocol: ProtocolName): boolean {
    return (
      !this.#stopped &&
      this.blockedUntil(peerId) === 0 &&
      !this.#refusedBy.has(peerId) &&
      this.d.allowed(peerId, protocol)
    )
  }

  #link(peerId: PeerId, protocol: ProtocolName): OutLink {
    const key = `${protocol} ${peerId}`
    const existing = this.#links.get(key)
    if (existing) return existing
    const { transport, clock, entropy } = this.d
    const pace = this.#paces.get(peerId) ?? new TokenBucket(clock, PACE_PER_SECOND, PACE_BURST)
    this.#paces.set(peerId, pace)
    const link = new OutLink(
      {
        transport,
        clock,
        entropy,
        pace,
        greet: (channel, _, signal) => this.#greet(channel, protocol, signal),
        drain: (channel, _, frames) => this.#drain(channel, protocol, frames),
        mayOpen: () => this.#mayServe(peerId, protocol),
        onFailed: error =>
          this.d.log.write('debug', 'net.link-failed', {
            peer: peerId,
            protocol,
            error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
          }),
        onUp: up => {
          for (const l of this.#linkListeners) l(peerId, protocol, up)
        },
      },
      peerId,
      protocol,
    )
    this.#links.set(key, link)
    return link
  }

  #onTransport(event: TransportEvent): void {
    // each connection of the peer may tell of it
    if (event.type === 'flood' && this.blockedUntil(event.peerId) === 0) this.#offence(event.peerId, 'flood')
    if (event.type !== 'connected') return
    const { connection } = event
    if (this.blockedUntil(connection.peerId) > 0) {
      closeQuietly(this.d.transport, connection)
      return
    }
    for (const link of this.#links.values()) if (link.peerId === connection.peerId) link.nudge(connection)
  }

  // ---------------------------------------------------------------- our streams

  async #greet(channel: Channel, protocol: ProtocolName, signal: AbortSignal): Promise<AsyncIterator<Uint8Array>> {
    await channel.send(encodeFrame<ProtocolName>(protocol, makeHello(this.d.self, this.d.clock)))
    const frames = channel.frames()[Symbol.asyncIterator]()
    const first = await frames.next()
    if (first.done || signal.aborted) throw netError('ConnectionLostError', 'stream ended before hello')
    if (!(await this.#meet(channel, protocol, first.value))) throw netError('ConnectionLostError', 'not greeted')
    return frames
  }

  /** On a stream of ours nothing comes back after the hello but the notice that we are an older run. */
  async #drain(channel: Channel, protocol: ProtocolName, frames: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      const next = await frames.next()
      if (!next.done) {
        const message = decodeFrame(protocol, next.value)
        if (message.ok && isHello(message.value) && isSupersededNotice(message.value)) this.#superseded(channel.peerId)
        else this.#offence(channel.peerId, 'unexpected answer')
      }
    } catch {
      // reset by the other side: the link is reopened
    } finally {
      this.#instances.forget(channel)
    }
  }

  // ---------------------------------------------------------------- their streams

  async #serve(channel: Channel, protocol: ProtocolName): Promise<void> {
    const { peerId } = channel
    const open = this.#inbound.get(peerId) ?? new Set<Channel>()
    if (!this.#mayServe(peerId, protocol) || open.size >= LIMITS.streamsPerPeer) {
      this.d.log.write('debug', 'net.stream-refused', { peer: peerId, protocol, streams: open.size })
      channel.abort(netError('AbortError', 'not served'))
      this.#inVain(peerId)
      return
    }
    open.add(channel)
    this.#inbound.set(peerId, open)
    try {
      const frames = channel.frames()[Symbol.asyncIterator]()
      const first = await withDeadline({ clock: this.d.clock, ms: OPEN_MS }, () => frames.next())
      if (!first.done && (await this.#meet(channel, protocol, first.value, true)))
        await this.#read(channel, protocol, frames)
      await channel.close()
    } catch (error) {
      channel.abort(error instanceof Error ? error : netError('ConnectionLostError', 'stream failed'))
      // a reset, a late hello, too many messages: the stream alone is lost, once
      const name = error instanceof Error ? error.name : ''
      if (name === 'InvalidDataLengthError') this.#offence(peerId, 'frame length')
      else if (name === 'RateLimitError' || name === 'TimeoutError') this.#inVain(peerId)
    } finally {
      this.#instances.forget(channel)
      open.delete(channel)
      if (open.size === 0) this.#inbound.delete(peerId)
    }
  }

  async #read(channel: Channel, protocol: ProtocolName, frames: AsyncIterator<Uint8Array>): Promise<void> {
    const { peerId } = channel
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      if (!this.#mayServe(peerId, protocol)) throw netError('AbortError', 'no longer served')
      const message = decodeFrame(protocol, next.value)
      if (!message.ok) {
        this.#offence(peerId, 'malformed frame')
        return
      }
      if (isHello(message.value)) {
        if (!isSupersededNotice(message.value)) this.#offence(peerId, 'second hello')
        else this.#superseded(peerId)
        return
      }
      await this.#deliver(peerId, protocol, message.value)
    }
  }

  async #deliver(peerId: PeerId, protocol: ProtocolName, message: MessageOf[ProtocolName]): Promise<void> {
    // decodeFrame gave a message of exactly this protocol
    for (const handler of this.#handlers[protocol] as ReadonlySet<
      (peerId: PeerId, message: MessageOf[ProtocolName]) => void | Promise<void>
    >) {
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

  // ---------------------------------------------------------------- hello

  /**
   * Their hello, first frame on any stream; false when nothing is spoken on it. `answer`: they opened, so ours goes
   * second.
   */
  async #meet(channel: Channel, protocol: ProtocolName, frame: Uint8Array, answer = false): Promise<boolean> {
    const { peerId } = channel
    const { self, clock } = this.d
    const decoded = decodeFrame(protocol, frame)
    if (!decoded.ok || !isHello(decoded.value)) {
      this.#offence(peerId, 'no hello')
      return false
    }
    const hello = decoded.value
    if (isSupersededNotice(hello)) {
      this.#superseded(peerId)
      return false
    }
    this.#checkClock(peerId, hello)
    const admitted = this.#instances.admit(channel, hello)
    if (!admitted) {
      await this.#tellSuperseded(channel, protocol)
      return false
    }
    for (const older of admitted.older) void this.#tellSuperseded(older, protocol)
    if (answer) await channel.send(encodeFrame<ProtocolName>(protocol, makeHello(self, clock)))
    if (commonVersion(hello) !== undefined) return true
    this.d.onEvent({ type: 'version', peerId, protocol, versions: hello.versions })
    return false
  }

  /** The older run hears why, then its connection goes. */
  async #tellSuperseded(channel: Channel, protocol: ProtocolName): Promise<void> {
    const notice = encodeFrame<ProtocolName>(protocol, supersededNotice(this.d.self, this.d.clock))
    try {
      await withDeadline({ clock: this.d.clock, ms: NOTICE_MS }, () => channel.send(notice))
      await withDeadline({ clock: this.d.clock, ms: NOTICE_MS }, () => channel.close())
    } catch {
      // it is gone already
    }
    closeQuietly(this.d.transport, channel.connection)
  }

  /**
   * A peer says that it talks to a newer run of ours. One peer's word stops the talk with that peer alone; the event
   * says who it was.
   */
  #superseded(by: PeerId): void {
    if (this.#stopped || this.#refusedBy.has(by)) return
    this.#refusedBy.add(by)
    this.forget(by)
    this.d.onEvent({ type: 'superseded', by })
  }

  #checkClock(peerId: PeerId, hello: Hello): void {
    const offsetMs = hello.clock - Math.floor(this.d.clock.now())
    const before = this.#offsets.get(peerId)
    const ok = Math.abs(offsetMs) <= CLOCK_OFFSET_MS
    if (ok ? before === undefined : before !== undefined && Math.abs(before - offsetMs) < OFFSET_STEP_MS) return
    if (ok) this.#offsets.delete(peerId)
    else this.#offsets.set(peerId, offsetMs)
    this.d.onEvent({ type: 'clock-offset', peerId, offsetMs, ok })
  }

  /** A stream of theirs came to nothing: once is no matter. */
  #inVain(peerId: PeerId): void {
    // what was under way when the peer was let go
    if (this.#stopped || this.blockedUntil(peerId) > 0) return
    const left = this.#vain.get(peerId) ?? new TokenBucket(this.d.clock, VAIN_PER_SECOND, VAIN_BURST)
    this.#vain.delete(peerId)
    this.#vain.set(peerId, left)
    for (const oldest of this.#vain.keys()) {
      if (this.#vain.size <= VAIN_PEERS) break
      this.#vain.delete(oldest)
    }
    if (!left.take()) this.#offence(peerId, 'streams in vain')
  }

  #offence(peerId: PeerId, reason: string): void {
    if (this.#stopped) return
    const count = (this.#offences.get(peerId)?.count ?? 0) + 1
    const until = this.d.clock.now() + Math.min(BLOCK_MAX_MS, BLOCK_MS * 2 ** (count - 1))
    this.#offences.set(peerId, { count, until })
    this.d.log.write('warn', 'net.offence', { peer: peerId, reason, count })
    for (const channel of this.#inbound.get(peerId) ?? []) channel.abort(netError('AbortError', reason))
    this.d.transport.refuse(peerId, until)
    for (const connection of this.d.transport.connections(peerId)) closeQuietly(this.d.transport, connection)
    this.d.onEvent({ type: 'offence', peerId, reason, until })
  }
}
