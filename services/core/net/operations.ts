import { netError } from './classify'

/** Work for callers that wait for its result. It ends with the caller's signal, and all of it with `stop`. */
export class Operations {
  readonly #running = new Set<AbortController>()
  #stopped = false

  get size(): number {
    return this.#running.size
  }

  /** Leaves no listener on the caller's signal. */
  async run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const forward = (): void => {
      controller.abort(signal?.reason ?? netError('AbortError', 'aborted'))
    }
    if (this.#stopped) controller.abort(netError('AbortError', 'stopped'))
    else if (signal?.aborted) forward()
    signal?.addEventListener('abort', forward, { once: true })
    this.#running.add(controller)
    try {
      return await work(controller.signal)
    } finally {
      this.#running.delete(controller)
      signal?.removeEventListener('abort', forward)
    }
  }

  stop(): void {
    this.#stopped = true
    for (const controller of this.#running) controller.abort(netError('AbortError', 'stopped'))
  }
}
