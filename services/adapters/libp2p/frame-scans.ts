/** bytes of one message on a data channel @see https://github.com/libp2p/specs/blob/master/webrtc/README.md#multiplexing */
const MESSAGE_BYTES = 16_384
/** frames that begin in one message of a data channel: the library puts one into each */
const FRAMES_PER_MESSAGE = 16
/** bytes of one yamux frame: the first window of a stream @see https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control */
const YAMUX_FRAME_BYTES = 262_144
/** what opening a stream costs, in units */
export const STREAM_UNITS = 8

/**
 * Reads the frames in what comes over one connection or channel, part by part, and weighs them: a part, or each frame that begins in it, is one
 * unit. Undefined when it is nothing that is ever sent.
 */
export interface FrameScan {
  units(bytes: Uint8Array): number | undefined
}

/** Frames with a head of which `head` reads byte after byte until it knows the length of the body, which is skipped. */
abstract class HeadedScan implements FrameScan {
  #body = 0

  units(bytes: Uint8Array): number | undefined {
    let units = 0
    for (let i = 0; i < bytes.length;) {
      if (this.#body > 0) {
        const part = Math.min(this.#body, bytes.length - i)
        this.#body -= part
        i += part
        continue
      }
      const read = this.head(bytes[i++] ?? 0)
      if (read === undefined) return undefined
      units += read.units
      this.#body = read.body
    }
    return Math.max(1, units)
  }

  /** What this byte of the head adds, and how many bytes of a body follow it. */
  protected abstract head(byte: number): { readonly units: number; readonly body: number } | undefined
}

/** libp2p's WebRTC: a varint with the length, then that many bytes of protobuf. */
export class ProtobufScan extends HeadedScan {
  #length = 0
  #shift = 0

  override units(bytes: Uint8Array): number | undefined {
    const units = bytes.length > MESSAGE_BYTES ? undefined : super.units(bytes)
    return units === undefined || units > FRAMES_PER_MESSAGE ? undefined : units
  }

  protected head(byte: number): { units: number; body: number } | undefined {
    const first = this.#shift === 0
    this.#length |= (byte & 0x7f) << this.#shift
    this.#shift += 7
    const more = byte >= 0x80
    // a length in more bytes than it needs is read by the library as if it had fewer
    if (this.#length > MESSAGE_BYTES || (more && this.#shift > 14) || (byte === 0 && !first)) return undefined
    const body = more ? 0 : this.#length
    if (!more) this.#length = this.#shift = 0
    return { units: first ? 1 : 0, body }
  }
}

/** yamux: version, type, flags (2), stream (4) and length (4), then as many bytes if the type is 0; 16 KiB are one unit. SYN, the first flag, opens a stream. */
export class YamuxScan extends HeadedScan {
  #at = 0
  #type = 0
  #length = 0

  protected head(byte: number): { units: number; body: number } | undefined {
    const at = this.#at
    this.#at = (at + 1) % 12
    if (at === 0) this.#length = 0
    if (at === 1) this.#type = byte
    if (at >= 8) this.#length = this.#length * 256 + byte
    const body = at === 11 && this.#type === 0 ? this.#length : 0
    if (body > YAMUX_FRAME_BYTES) return undefined
    return { units: (at === 0 ? 1 : 0) + (at === 3 && (byte & 1) === 1 ? STREAM_UNITS : 0) + Math.floor(body / MESSAGE_BYTES), body }
  }
}

/** Noise: two bytes with the length of what is encrypted @see https://github.com/libp2p/specs/blob/master/noise/README.md#wire-format */
export class NoiseScan extends HeadedScan {
  #high: number | undefined

  protected head(byte: number): { units: number; body: number } {
    if (this.#high === undefined) {
      this.#high = byte
      return { units: 1, body: 0 }
    }
    const body = this.#high * 256 + byte
    this.#high = undefined
    return { units: 0, body }
  }
}
