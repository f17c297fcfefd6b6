import type { Clock } from '../../ports/clock'
import type { Log } from '../../ports/log'
import type { Transport } from '../../ports/transport'
import { BoundedMap } from '../domain/bounded-map'
import type { PeerId } from '../domain/ids'
import { TokenBucket } from '../domain/token-bucket'
import { closeQuietly } from './attempt'

/** milliseconds: the first disconnect, doubled with each further offence up to an hour (protocol.md, "Blame") */
const BLOCK_MS = 60_000
const BLOCK_MAX_MS = 3_600_000
/**
 * Streams of a peer that fail by its own doing: how many are forgiven. A program of ours makes a few when a network
 * heals. Each costs us a little, also when it is refused.
 */
const FAILED_STREAMS = { perSecond: 0.5, burst: 32 } as const
/** peers of whom failed streams are counted */
const COUNTED_PEERS = 256

export interface OffencesDeps {
  readonly transport: Pick<Transport, 'connections' | 'closeConnection' | 'refuse'>
  readonly clock: Clock
  readonly log: Log
  /** ends the streams that the peer has opened */
  abortStreams(peerId: PeerId, reason: string): void
  onOffence(peerId: PeerId, reason: string, until: number): void
}

/**
 * Peers that broke a rule of the protocol. Each is disconnected and left alone for a while, longer each time. Nobody is
 * expelled.
 */
export class Offences {
  readonly #offences = new Map<PeerId, { count: number; until: number }>()
  readonly #failedStreams = new BoundedMap<PeerId, TokenBucket>(COUNTED_PEERS)
  #stopped = false

  constructor(private readonly d: OffencesDeps) {}

  /** unix milliseconds until which the peer is left alone; 0 when it is not */
  blockedUntil(peerId: PeerId): number {
    const until = this.#offences.get(peerId)?.until ?? 0
    return until > this.d.clock.now() ? until : 0
  }

  add(peerId: PeerId, reason: string): void {
    if (this.#stopped) return
    const count = (this.#offences.get(peerId)?.count ?? 0) + 1
    const until = this.d.clock.now() + Math.min(BLOCK_MAX_MS, BLOCK_MS * 2 ** (count - 1))
    this.#offences.set(peerId, { count, until })
    this.d.log.write('warn', 'net.offence', { peer: peerId, reason, count })
    this.d.abortStreams(peerId, reason)
    this.d.transport.refuse(peerId, until)
    for (const connection of this.d.transport.connections(peerId)) closeQuietly(this.d.transport, connection)
    this.d.onOffence(peerId, reason, until)
  }

  /** A stream of the peer failed by its own doing. One is no matter, many in a short time are an offence. */
  addFailedStream(peerId: PeerId): void {
    // what was under way when the peer was blocked
    if (this.#stopped || this.blockedUntil(peerId) > 0) return
    const { clock } = this.d
    const forgiven = this.#failedStreams.getOrInsert(peerId, () => new TokenBucket(FAILED_STREAMS, () => clock.now()))
    if (!forgiven.take()) this.add(peerId, 'failed streams')
  }

  stop(): void {
    this.#stopped = true
  }
}
