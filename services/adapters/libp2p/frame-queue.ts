/**
 * Frames between the one who receives them and the one who reads them, in order, with a bound: `push` resolves only
 * when there is room again, which is how a slow reader slows the sender down. One reader; a second one shares the same
 * queue.
 */
export class FrameQueue {
  private readonly frames: Uint8Array[] = []
  private wakeReader: (() => void) | undefined
  private wakeWriter: (() => void) | undefined
  private end: { readonly error?: Error } | undefined

  /** @param capacity frames that may wait unread before `push` starts to wait */
  constructor(private readonly capacity: number) {}

  /** Adds a frame. Frames after the end are dropped. */
  async push(frame: Uint8Array): Promise<void> {
    if (this.end !== undefined) return
    this.frames.push(frame)
    this.wakeReader?.()
    while (this.frames.length > this.capacity && this.end === undefined) {
      await new Promise<void>(resolve => {
        this.wakeWriter = resolve
      })
    }
  }

  /** No more frames come; those that wait can still be read. */
  finish(): void {
    this.stop({})
  }

  /** The channel broke: what waits is dropped, the reader gets `error`. */
  fail(error: Error): void {
    if (this.end?.error !== undefined) return
    this.frames.length = 0
    this.end = undefined
    this.stop({ error })
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = this.frames.shift()
      if (frame !== undefined) {
        this.wakeWriter?.()
        yield frame
        continue
      }
      if (this.end?.error !== undefined) throw this.end.error
      if (this.end !== undefined) return
      await new Promise<void>(resolve => {
        this.wakeReader = resolve
      })
    }
  }

  private stop(end: { readonly error?: Error }): void {
    if (this.end !== undefined) return
    this.end = end
    this.wakeReader?.()
    this.wakeWriter?.()
  }
}
