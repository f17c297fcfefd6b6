import type { Clock } from '../../services/ports/clock'

interface Timer {
  readonly at: number
  readonly seq: number
  readonly fn: () => void
}

/**
 * The Clock port stepped by hand. `advance` fires due timers one after the other in time order and lets all promise
 * reactions run in between, so that a chain of awaits sees the time at which its timer fired. No wall time passes.
 */
export class FakeClock implements Clock {
  #now: number
  #seq = 0
  readonly #timers = new Set<Timer>()

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), seq: this.#seq++, fn }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** timers that are set and not yet fired or cancelled */
  get pending(): number {
    return this.#timers.size
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settle()
    for (;;) {
      const next = this.#next(end)
      if (!next) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fn()
      await this.settle()
    }
    this.#now = end
    await this.settle()
  }

  /** Lets everything run that waits for no time: several turns of the event loop, for streams and nested awaits. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++)
      await new Promise<void>(resolve => {
        setImmediate(resolve)
      })
  }

  #next(end: number): Timer | undefined {
    let best: Timer | undefined
    for (const t of this.#timers) {
      if (t.at <= end && (!best || t.at < best.at || (t.at === best.at && t.seq < best.seq))) best = t
    }
    return best
  }
}
