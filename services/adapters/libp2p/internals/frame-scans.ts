/**
 * Guards: time and memory. These scans read only the heads of frames, and say what a part of a connection weighs before
 * the library reads it.
 * Upstream: @libp2p/webrtc 6.0.33, dist/src/private-to-public/pb/message.js (frames of a data channel);
 * @libp2p/yamux 8.0.3, dist/src/frame.js; @libp2p/noise 17.0.3, dist/src/utils.js; @libp2p/multistream-select
 * 7.0.28, dist/src/constants.js; @libp2p/gossipsub 17.1.1, dist/src/stream.js (messages with their length).
 * Needless when: each of these bounds what one part of a connection may make it do.
 * Held by: tests/unit/net/inbound-limits.test.ts, tests/unit/libp2p-internals/frame-formats.test.ts (real frames).
 */

/**
 * bytes of one message on a data channel @see https://github.com/libp2p/specs/blob/master/webrtc/README.md#multiplexing
 */
const MESSAGE_BYTES = 16_384
/** frames that begin in one message of a data channel: the library puts one into each */
const FRAMES_PER_MESSAGE = 16
/**
 * bytes of one yamux frame: the window of a stream, which does not grow here @see
 * https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control
 */
export const YAMUX_FRAME_BYTES = 262_144
/**
 * parts in which a body may come: what is read of it is kept part by part, and joined in a time that grows with their
 * square
 */
const PARTS_OF_A_BODY = 1_024
/** what opening a stream costs, in units */
export const STREAM_UNITS = 16

/**
 * Reads the frames in what comes over one connection or channel, part by part: `head` takes byte after byte until it
 * knows the length of the body, which is skipped.
 */
abstract class HeadedScan {
  #body = 0
  #parts = 0

  /**
   * What this part weighs: one, or each frame that begins in it one. Undefined when it is nothing that is ever sent.
   */
  units(bytes: Uint8Array): number | undefined {
    let units = 0
    if (this.#body === 0) this.#parts = 0
    else if (++this.#parts > PARTS_OF_A_BODY) return undefined
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
      this.#parts = 0
    }
    return units === 0 ? 1 : units
  }

  /** What this byte of the head adds, and how many bytes of a body follow it. */
  protected abstract head(byte: number): { readonly units: number; readonly body: number } | undefined
}

/** Fields of libp2p's WebRTC frame @see https://github.com/libp2p/specs/blob/master/webrtc/README.md#multiplexing */
const FLAG = 0x08
const CONTENT = 0x12

/** libp2p's WebRTC: a varint with the length, then a protobuf with at most one flag and one content. */
export class ProtobufScan extends HeadedScan {
  #reads: 'length' | 'field' | 'flag' | 'size' = 'length'
  #number = 0
  #shift = 0
  /** bytes of the frame that are still to come */
  #left = 0
  #seen: number[] = []

  override units(bytes: Uint8Array): number | undefined {
    const units = bytes.length > MESSAGE_BYTES ? undefined : super.units(bytes)
    return units === undefined || units > FRAMES_PER_MESSAGE ? undefined : units
  }

  protected head(byte: number): { units: number; body: number } | undefined {
    const begins = this.#reads === 'length' && this.#shift === 0
    const body = this.#read(byte)
    return body === undefined ? undefined : { units: begins ? 1 : 0, body }
  }

  #read(byte: number): number | undefined {
    if (this.#reads === 'length') {
      const length = this.#varint(byte)
      if (length === undefined || length > MESSAGE_BYTES) return undefined
      if (length >= 0) {
        this.#left = length
        this.#seen = []
        this.#next()
      }
      return 0
    }
    if (--this.#left < 0) return undefined
    if (this.#reads === 'field') {
      if ((byte !== FLAG && byte !== CONTENT) || this.#seen.includes(byte) || this.#left === 0) return undefined
      this.#seen.push(byte)
      this.#reads = byte === FLAG ? 'flag' : 'size'
      return 0
    }
    if (this.#reads === 'flag') {
      this.#next()
      return byte < 0x80 ? 0 : undefined
    }
    const size = this.#varint(byte)
    if (size === undefined || size > this.#left) return undefined
    if (size < 0) return 0
    this.#left -= size
    this.#next()
    return size
  }

  #next(): void {
    this.#reads = this.#left > 0 ? 'field' : 'length'
  }

  /**
   * The number when it is whole, less than 0 until then, undefined when it is too long: the library reads one in more
   * bytes than it needs as if it had fewer.
   */
  #varint(byte: number): number | undefined {
    if (byte === 0 && this.#shift > 0) return undefined
    this.#number |= (byte & 0x7f) << this.#shift
    this.#shift += 7
    if (byte >= 0x80) return this.#shift > 14 ? undefined : -1
    const number = this.#number
    this.#number = this.#shift = 0
    return number
  }
}

/**
 * yamux: version, type, flags (2), stream (4) and length (4), then as many bytes if the type is 0; 16 KiB are one unit.
 * SYN, the first flag, opens a stream.
 */
export class YamuxScan extends HeadedScan {
  #at = 0
  #type = 0
  #length = 0

  /** @param update what a window that is given weighs, and opens no stream: they answer what the other side sends */
  constructor(private readonly update = 1) {
    super()
  }

  protected head(byte: number): { units: number; body: number } | undefined {
    const at = this.#at
    this.#at = (at + 1) % 12
    if (at === 0) this.#length = 0
    if (at === 1) this.#type = byte
    if (at >= 8) this.#length = this.#length * 256 + byte
    const body = at === 11 && this.#type === 0 ? this.#length : 0
    if (body > YAMUX_FRAME_BYTES) return undefined
    return { units: (at === 3 ? this.#weight(byte) : 0) + Math.floor(body / MESSAGE_BYTES), body }
  }

  /** @param flags the lower byte of them */
  #weight(flags: number): number {
    if ((flags & 1) === 1) return 1 + STREAM_UNITS
    return this.#type === 1 ? this.update : 1
  }
}

/** frames of Noise that begin in one part: they are decrypted in one go */
const NOISE_FRAMES = 512
/** what multistream-select ends with on a relayed connection, and how many bytes it may take until then */
const NOISE = '/noise\n'
const NEGOTIATION_BYTES = 1_024

/**
 * A relayed connection from its first byte: lines of multistream-select, each with its length, until one names Noise;
 * then two bytes with the length of what is encrypted, again and again @see
 * https://github.com/libp2p/specs/blob/master/noise/README.md#wire-format
 */
export class NoiseScan extends HeadedScan {
  #negotiated = 0
  /** bytes of the line that are still to come; less than 0 between two */
  #line = -1
  #text: number[] = []
  #secure = false
  #high: number | undefined

  override units(bytes: Uint8Array): number | undefined {
    const units = super.units(bytes)
    return units === undefined || units > NOISE_FRAMES ? undefined : units
  }

  protected head(byte: number): { units: number; body: number } | undefined {
    if (!this.#secure) return this.#negotiation(byte)
    if (this.#high === undefined) {
      this.#high = byte
      return { units: 1, body: 0 }
    }
    const body = this.#high * 256 + byte
    this.#high = undefined
    return { units: 0, body }
  }

  #negotiation(byte: number): { units: number; body: number } | undefined {
    if (++this.#negotiated > NEGOTIATION_BYTES) return undefined
    if (this.#line < 0) {
      // no name here is as long as 128 bytes
      if (byte >= 0x80) return undefined
      this.#line = byte === 0 ? -1 : byte
      this.#text = []
      return { units: 1, body: 0 }
    }
    this.#text.push(byte)
    if (--this.#line === 0) {
      this.#line = -1
      const line = String.fromCharCode(...this.#text)
      this.#secure = line === NOISE
      // the library trims what it reads, and would go on with Noise where this does not
      if (!this.#secure && line.includes('/noise')) return undefined
    }
    return { units: 0, body: 0 }
  }
}

/**
 * Messages with their length before them, an unsigned varint. The library takes one that is longer than it need be for
 * as many bytes as it needs.
 */
export class LengthScan extends HeadedScan {
  #length = 0
  #shift = 0

  constructor(private readonly most: number) {
    super()
  }

  protected head(byte: number): { units: number; body: number } | undefined {
    if (byte === 0 && this.#shift > 0) return undefined
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if (this.#length > this.most || this.#shift > 28) return undefined
    if (byte >= 0x80) return { units: 0, body: 0 }
    const body = this.#length
    this.#length = this.#shift = 0
    return { units: 1, body }
  }
}
