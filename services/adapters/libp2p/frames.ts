/**
 * Frames of our own protocols. `lpStream` of @libp2p/utils 7.4.1 writes the same bytes, and is not used for reading,
 * because it
 * - reports an end between two frames, which is how a channel ends well, as it reports an end inside of one;
 * - reads on in a length that does not end (10 KB of 0x80 kept the page for more than a second), and takes one that is
 *   longer than it need be;
 * - gives frames as fast as somebody asks for them, so that their rate could not be measured where they arrive.
 * tests/unit/libp2p-internals/lp-stream.test.ts fails when the library has changed in the first two.
 */

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
 * Cuts a stream of bytes into frames. The length is checked as soon as it is there, before its bytes come, so that a
 * peer can make us hold at most one frame and one chunk.
 */
export class FrameDecoder {
  private buffer = new Uint8Array(1024)
  private start = 0
  private end = 0

  /** @param maxBytes largest frame that is taken */
  constructor(private readonly maxBytes: number) {}

  /** True when a frame has begun and its end is missing. */
  get pending(): boolean {
    return this.end > this.start
  }

  /** @throws InvalidDataLengthError on a length over the limit or one that is not in its shortest form */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.append(chunk)
    for (;;) {
      const head = this.length()
      if (head === undefined || this.end - this.start < head.prefix + head.length) return
      const from = this.start + head.prefix
      this.start = from + head.length
      yield this.buffer.slice(from, from + head.length)
    }
  }

  /** Room is doubled, so that many small chunks cost no more than a few large ones. */
  private append(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.buffer.length) {
      const kept = this.buffer.subarray(this.start, this.end)
      const needed = kept.length + chunk.length
      const next = needed > this.buffer.length / 2 ? new Uint8Array(needed * 2) : this.buffer
      next.set(kept)
      this.buffer = next
      this.end = kept.length
      this.start = 0
    }
    this.buffer.set(chunk, this.end)
    this.end += chunk.length
  }

  private length(): { readonly prefix: number; readonly length: number } | undefined {
    let length = 0
    for (let i = 0; this.start + i < this.end; i++) {
      const byte = this.buffer[this.start + i] ?? 0
      length += (byte & 0x7f) * 2 ** (7 * i)
      if (length > this.maxBytes || i > 3)
        throw frameError('InvalidDataLengthError', `a frame of more than ${this.maxBytes} bytes`)
      if (byte < 0x80) {
        if (byte === 0 && i > 0)
          throw frameError('InvalidDataLengthError', 'a frame length that is not in its shortest form')
        return { prefix: i + 1, length }
      }
    }
    return undefined
  }
}
