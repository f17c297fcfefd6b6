import type { PeerId } from '../../core/domain/ids'
import type { Clock } from '../../ports/clock'
import { RateLimit } from './rate-limit'

/** bytes of one message on a data channel @see https://github.com/libp2p/specs/blob/master/webrtc/README.md#multiplexing */
const MESSAGE_BYTES = 16_384
/** frames that begin in one message of a data channel: the library puts one into each */
const FRAMES_PER_MESSAGE = 16
/** bytes of one yamux frame: the first window of a stream @see https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control */
const YAMUX_FRAME_BYTES = 262_144
/**
 * What one peer may send in a second, and at once: a message or frame is one, a new stream eight. The fifty messages of 64 KiB that anybody may send
 * are 250 of WebRTC's; one over a relay, which is decrypted twice, takes half a millisecond of a slow machine.
 */
const UNITS_PER_SECOND = 300
const UNITS_AT_ONCE = 1_000
const STREAM_UNITS = 8
/** peers whose rate is remembered */
const PEERS = 1_024

/** Reads the frames in what comes over one connection or channel, part by part. */
interface Scan {
  /** units of what begins in these bytes, which follow those before; undefined when it is longer than any that is sent */
  units(bytes: Uint8Array): number | undefined
}

/** libp2p's WebRTC: a varint with the length, then that many bytes of protobuf. */
export class ProtobufScan implements Scan {
  #body = 0
  #length = 0
  #shift = 0

  units(bytes: Uint8Array): number | undefined {
    let frames = 0
    for (let i = 0; i < bytes.length;) {
      if (this.#body > 0) {
        const part = Math.min(this.#body, bytes.length - i)
        this.#body -= part
        i += part
        continue
      }
      const byte = bytes[i++] ?? 0
      if (this.#shift === 0) frames++
      this.#length |= (byte & 0x7f) << this.#shift
      this.#shift += 7
      if (this.#length > MESSAGE_BYTES || (byte >= 0x80 && this.#shift > 14)) return undefined
      if (byte >= 0x80) continue
      this.#body = this.#length
      this.#length = this.#shift = 0
    }
    return frames > FRAMES_PER_MESSAGE ? undefined : Math.max(1, frames)
  }
}

/** yamux: version, type, flags (2), stream (4) and length (4), then as many bytes if the type is 0. SYN, the first flag, opens a stream. */
export class YamuxScan implements Scan {
  #body = 0
  #at = 0
  #type = 0
  #length = 0

  units(bytes: Uint8Array): number | undefined {
    let units = 0
    for (let i = 0; i < bytes.length;) {
      if (this.#body > 0) {
        const part = Math.min(this.#body, bytes.length - i)
        this.#body -= part
        i += part
        continue
      }
      const byte = bytes[i++] ?? 0
      const at = this.#at++
      if (at === 0) {
        this.#length = 0
        units++
      }
      if (at === 1) this.#type = byte
      if (at === 3 && (byte & 1) === 1) units += STREAM_UNITS
      if (at >= 8) this.#length = this.#length * 256 + byte
      if (at < 11) continue
      this.#at = 0
      if (this.#type !== 0) continue
      if (this.#length > YAMUX_FRAME_BYTES) return undefined
      this.#body = this.#length
    }
    return units
  }
}

/** What peers send, watched before the library sees it: one rate for all connections of a peer, direct and relayed, those before included. */
export class Inflow {
  /** the oldest first */
  readonly #rates = new Map<PeerId, RateLimit>()

  constructor(private readonly clock: Clock, private readonly onFlood: (peerId: PeerId) => void) {}

  /**
   * Watches a direct line from its first moment. What breaks a bound closes it, and none of that reaches the library, which takes a text for a
   * length and reads all frames of a message in one go.
   */
  guardLine(line: RTCPeerConnection, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => { line.close() })
    const watch = (channel: RTCDataChannel): void => {
      const scan = new ProtobufScan()
      channel.binaryType = 'arraybuffer'
      channel.addEventListener('message', (event: MessageEvent<unknown>) => {
        const { data } = event
        admit(event, data instanceof ArrayBuffer && data.byteLength <= MESSAGE_BYTES ? scan.units(new Uint8Array(data)) : undefined)
      })
    }
    line.addEventListener('datachannel', (event) => {
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

  /** Watches a relayed connection, decrypted, before its muxer does: that keeps what belongs to a frame until all of it is there, however long it is. */
  guardCircuit(circuit: Circuit, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => { circuit.abort(Object.assign(new Error('the other side sent too much'), { name: 'RateLimitError' })) })
    const scan = new YamuxScan()
    circuit.addEventListener('message', (event) => { admit(event, scan.units(event.data.subarray())) })
  }

  #bounded(peerId: PeerId, close: () => void): (event: Event, units: number | undefined) => void {
    const rate = this.#rateOf(peerId)
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

  #rateOf(peerId: PeerId): RateLimit {
    const rate = this.#rates.get(peerId) ?? new RateLimit(UNITS_PER_SECOND, () => this.clock.now(), UNITS_AT_ONCE)
    this.#rates.delete(peerId)
    this.#rates.set(peerId, rate)
    const [oldest] = this.#rates.keys()
    if (oldest !== undefined && this.#rates.size > PEERS) this.#rates.delete(oldest)
    return rate
  }
}

/** What is needed of the library's stream of messages. */
export interface Circuit {
  addEventListener(type: 'message', listener: (event: Event & { readonly data: { subarray(): Uint8Array } }) => void): void
  abort(error: Error): void
}
