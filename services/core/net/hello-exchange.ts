import type { Clock } from '../../ports/clock'
import type { Channel, Transport } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import { decodeFrame, encodeFrame } from '../wire/codec'
import type { Hello, ProtocolName } from '../wire/messages'
import { closeQuietly } from './attempt'
import { netError } from './classify'
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

/** milliseconds for a last message to a run that is being closed */
const NOTICE_MS = 1_000
/** a changed clock offset is told again from this difference on, milliseconds */
const OFFSET_STEP_MS = 10_000

/** What the first frames of streams tell. */
export type HelloEvent =
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

export interface HelloExchangeDeps {
  readonly transport: Pick<Transport, 'closeConnection'>
  readonly clock: Clock
  readonly self: SelfInfo
  offence(peerId: PeerId, reason: string): void
  onEvent(event: HelloEvent): void
}

export const isHello = (message: object): message is Hello => 'type' in message && message.type === 'hello'

/**
 * The hello, first frame in both directions of every stream.
 * 1. Nothing is spoken on a stream before both hellos have been read.
 * 2. Of several runs of one peer only the newest is talked to; the older ones are told and closed.
 * 3. A peer that talks to a newer run of ours is left alone until this run ends.
 */
export class HelloExchange {
  readonly #instances = new Instances()
  readonly #supersededBy = new Set<PeerId>()
  readonly #clockOffsets = new Map<PeerId, number>()
  #stopped = false

  constructor(private readonly d: HelloExchangeDeps) {}

  /** On a stream of ours: our hello, then theirs. Resolves with the rest of their frames; rejects when it fails. */
  async open(channel: Channel, protocol: ProtocolName, signal: AbortSignal): Promise<AsyncIterator<Uint8Array>> {
    await channel.send(encodeFrame<ProtocolName>(protocol, makeHello(this.d.self, this.d.clock)))
    const frames = channel.frames()[Symbol.asyncIterator]()
    const first = await frames.next()
    if (first.done || signal.aborted) throw netError('ConnectionLostError', 'stream ended before hello')
    if (!(await this.#receive(channel, protocol, first.value))) throw netError('ConnectionLostError', 'not greeted')
    return frames
  }

  /** On a stream of theirs: `frame` should be their hello, ours is the answer. False: nothing is spoken on it. */
  async answer(channel: Channel, protocol: ProtocolName, frame: Uint8Array): Promise<boolean> {
    return this.#receive(channel, protocol, frame, () =>
      channel.send(encodeFrame<ProtocolName>(protocol, makeHello(this.d.self, this.d.clock))),
    )
  }

  /**
   * Reads what comes back on a stream of ours until it ends. Nothing does but the notice that we are an older run.
   */
  async drain(channel: Channel, protocol: ProtocolName, frames: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      const next = await frames.next()
      if (next.done) return
      const message = decodeFrame(protocol, next.value)
      if (message.ok && isHello(message.value) && isSupersededNotice(message.value)) this.#superseded(channel.peerId)
      else this.d.offence(channel.peerId, 'unexpected answer')
    } catch {
      // reset by the other side: the link is opened again
    } finally {
      this.closed(channel)
    }
  }

  /** A hello that is not the first frame of a stream of theirs. */
  later(peerId: PeerId, hello: Hello): void {
    if (isSupersededNotice(hello)) this.#superseded(peerId)
    else this.d.offence(peerId, 'second hello')
  }

  isSupersededBy(peerId: PeerId): boolean {
    return this.#supersededBy.has(peerId)
  }

  closed(channel: Channel): void {
    this.#instances.forget(channel)
  }

  forget(peerId: PeerId): void {
    this.#clockOffsets.delete(peerId)
  }

  stop(): void {
    this.#stopped = true
  }

  async #receive(
    channel: Channel,
    protocol: ProtocolName,
    frame: Uint8Array,
    answer?: () => Promise<void>,
  ): Promise<boolean> {
    const { peerId } = channel
    const decoded = decodeFrame(protocol, frame)
    if (!decoded.ok || !isHello(decoded.value)) {
      this.d.offence(peerId, 'no hello')
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
    await answer?.()
    if (commonVersion(hello) !== undefined) return true
    this.d.onEvent({ type: 'version', peerId, protocol, versions: hello.versions })
    return false
  }

  /** The older run is told why, then its connection is closed. */
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

  /** A peer says that it talks to a newer run of ours. One peer's word ends the talk with that peer alone. */
  #superseded(by: PeerId): void {
    if (this.#stopped || this.#supersededBy.has(by)) return
    this.#supersededBy.add(by)
    this.d.onEvent({ type: 'superseded', by })
  }

  #checkClock(peerId: PeerId, hello: Hello): void {
    const offsetMs = hello.clock - Math.floor(this.d.clock.now())
    const before = this.#clockOffsets.get(peerId)
    const ok = Math.abs(offsetMs) <= CLOCK_OFFSET_MS
    if (ok ? before === undefined : before !== undefined && Math.abs(before - offsetMs) < OFFSET_STEP_MS) return
    if (ok) this.#clockOffsets.delete(peerId)
    else this.#clockOffsets.set(peerId, offsetMs)
    this.d.onEvent({ type: 'clock-offset', peerId, offsetMs, ok })
  }
}
