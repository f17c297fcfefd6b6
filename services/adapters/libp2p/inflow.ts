import type { PingComponents } from '@libp2p/ping'
import type { PeerId } from '../../core/domain/ids'
import type { Clock } from '../../ports/clock'
import { CircuitScan, ProtobufScan, STREAM_UNITS, YamuxScan } from './frame-scans'
import { RateLimit } from './rate-limit'
import { withMethods } from './with-methods'

type Registrar = PingComponents['registrar']

/**
 * What one peer may send in a second, and at once. A message of 64 KiB is ten, of WebRTC as well as over a relay, and
 * anybody may send fifty a second. A frame over a relay, which is decrypted twice, takes half a millisecond of a slow
 * machine.
 */
const UNITS_PER_SECOND = 600
const UNITS_AT_ONCE = 2_000
/** What comes over a relay, still encrypted, in parts as the relay cuts them: a go-libp2p one every 2 KiB. */
const CIRCUIT_PER_SECOND = 2_000
const CIRCUIT_AT_ONCE = 8_000
/** Calls over a relay, each with a handshake. A network that heals brings five in a second or two. */
const CALLS_PER_SECOND = 5
const CALLS_AT_ONCE = 30
/** peers whose rates are remembered */
const PEERS = 1_024

interface Rates {
  readonly rate: RateLimit
  readonly circuits: RateLimit
  readonly calls: RateLimit
}

type Admit = (event: Event, units: number | undefined) => void

/**
 * What peers send, watched before the library sees it: one rate for all connections of a peer, those before included.
 */
export class Inflow {
  /** the oldest first */
  readonly #rates = new Map<PeerId, Rates>()

  constructor(
    private readonly clock: Clock,
    private readonly onFlood: (peerId: PeerId) => void,
  ) {}

  /** Whether a call over a relay is taken: who calls again and again costs a handshake each time. */
  takesCall(peerId: PeerId): boolean {
    return this.#ratesOf(peerId).calls.take()
  }

  /**
   * Watches a direct line from its first moment. What breaks a bound closes it, and none of that reaches the library,
   * which takes a text for a length and reads all frames of a message in one go.
   */
  guardLine(line: RTCPeerConnection, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => {
      line.close()
    })
    const watch = (channel: RTCDataChannel): void => {
      const scan = new ProtobufScan()
      channel.binaryType = 'arraybuffer'
      channel.addEventListener('message', (event: MessageEvent<unknown>) => {
        const { data } = event
        admit(event, data instanceof ArrayBuffer ? scan.units(new Uint8Array(data)) : undefined)
      })
    }
    line.addEventListener('datachannel', event => {
      watch(event.channel)
      admit(event, STREAM_UNITS)
    })
    const create = line.createDataChannel.bind(line)
    line.createDataChannel = (label, init) => {
      const channel = create(label, init)
      watch(channel)
      return channel
    }
  }

  /**
   * Whether the next part of a relayed connection may be read: Noise drops what is empty without a word, when it has
   * decrypted it. That the peer has sent it is the relay's word, so the connection is ended, and nobody is blamed.
   */
  guardCircuit(circuit: Pick<Messages, 'abort'>, peerId: PeerId): (part: Uint8Array) => boolean {
    const { circuits } = this.#ratesOf(peerId)
    const scan = new CircuitScan()
    let broken = false
    return part => {
      if (broken) return false
      const units = scan.units(part)
      broken = units === undefined || !circuits.take(units)
      if (broken) circuit.abort(tooMuch())
      return !broken
    }
  }

  /**
   * Watches what a relayed connection carries, before its muxer does: that keeps what belongs to a frame until all of
   * it is there, however long it is.
   */
  guardMuxed(muxed: Messages, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => {
      muxed.abort(tooMuch())
    })
    const scan = new YamuxScan()
    muxed.addEventListener('message', event => {
      admit(event, scan.units(event.data.subarray()))
    })
  }

  #bounded(peerId: PeerId, close: () => void): Admit {
    const { rate } = this.#ratesOf(peerId)
    let broken = false
    return (event, units) => {
      if (!broken && units !== undefined && rate.take(units)) return
      event.stopImmediatePropagation()
      if (broken) return
      broken = true
      close()
      this.onFlood(peerId)
    }
  }

  #ratesOf(peerId: PeerId): Rates {
    const limit = (perSecond: number, atOnce: number): RateLimit =>
      new RateLimit(perSecond, () => this.clock.now(), atOnce)
    const rates = this.#rates.get(peerId) ?? {
      rate: limit(UNITS_PER_SECOND, UNITS_AT_ONCE),
      circuits: limit(CIRCUIT_PER_SECOND, CIRCUIT_AT_ONCE),
      calls: limit(CALLS_PER_SECOND, CALLS_AT_ONCE),
    }
    this.#rates.delete(peerId)
    this.#rates.set(peerId, rates)
    const [oldest] = this.#rates.keys()
    if (oldest !== undefined && this.#rates.size > PEERS) this.#rates.delete(oldest)
    return rates
  }
}

/** What is needed of the library's connections and streams. */
export interface Messages {
  addEventListener(
    type: 'message',
    listener: (event: Event & { readonly data: { subarray(): Uint8Array; readonly byteLength: number } }) => void,
  ): void
  abort(error: Error): void
}

const tooMuch = (): Error => Object.assign(new Error('the other side sent too much'), { name: 'RateLimitError' })

/** Ends a stream that carries more than these bytes in all: its protocol of the library has no bound of its own. */
export function boundStream(stream: Messages, bytes: number): void {
  let left = bytes
  stream.addEventListener('message', event => {
    left -= event.data.byteLength
    if (left >= 0) return
    event.stopImmediatePropagation()
    stream.abort(tooMuch())
  })
}

/** The registrar as a service of the library shall see it of which each stream carries no more than these bytes in. */
export function boundStreams(registrar: Registrar, bytes: number): Registrar {
  return withMethods(registrar, {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          boundStream(stream, bytes)
          return handler(stream, connection)
        },
        options,
      ),
  })
}
