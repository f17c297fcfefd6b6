import { Uint8ArrayList } from 'uint8arraylist'

/** A frame cannot be sent, or what came is no frame. Named like the library's own errors for the same trouble. */
export const frameError = (name: 'InvalidDataLengthError' | 'UnexpectedEOFError', message: string): Error =>
  Object.assign(new Error(message), { name })

/** A frame with its length before it (unsigned varint, as everywhere in libp2p). The bytes are copied. */
export function encodeFrame(frame: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let rest = frame.length
  while (rest > 0x7f) {
    prefix.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  prefix.push(rest)
  const out = new Uint8Array(prefix.length + frame.length)
  out.set(prefix)
  out.set(frame, prefix.length)
  return out
}

/**
 * Cuts a stream of bytes into frames. The length is checked as soon as it is there, before its bytes come, so that a peer can make
 * us hold at most one frame and one chunk.
 */
export class FrameDecoder {
  private readonly buffer = new Uint8ArrayList()

  /** @param maxBytes largest frame that is taken */
  constructor(private readonly maxBytes: number) {}

  /** True when a frame has begun and its end is missing. */
  get pending(): boolean { return this.buffer.byteLength > 0 }

  /** @throws InvalidDataLengthError on a length over the limit or one that is not in its shortest form */
  * push(chunk: Uint8Array | Uint8ArrayList): Generator<Uint8Array, void, undefined> {
    this.buffer.append(chunk)
    for (;;) {
      const head = this.length()
      if (head === undefined || this.buffer.byteLength < head.prefix + head.length) return
      const frame = this.buffer.slice(head.prefix, head.prefix + head.length)
      this.buffer.consume(head.prefix + head.length)
      yield frame
    }
  }

  private length(): { readonly prefix: number; readonly length: number } | undefined {
    let length = 0
    for (let i = 0; i < this.buffer.byteLength; i++) {
      const byte = this.buffer.get(i)
      length += (byte & 0x7f) * 2 ** (7 * i)
      if (length > this.maxBytes || i > 3) throw frameError('InvalidDataLengthError', `a frame of more than ${this.maxBytes} bytes`)
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw frameError('InvalidDataLengthError', 'a frame length that is not in its shortest form')
        return { prefix: i + 1, length }
      }
    }
    return undefined
  }
}
