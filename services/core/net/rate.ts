import type { Clock } from '../../ports/clock'

/** Token bucket: `perSecond` on average, `burst` at once. */
export class TokenBucket {
  #tokens: number
  #at: number

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.#tokens = burst
    this.#at = clock.now()
  }

  take(): boolean {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** milliseconds until `take` succeeds; 0 when it would now */
  waitMs(): number {
    this.#refill()
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1000) / this.perSecond)
  }

  #refill(): void {
    const now = this.clock.now()
    // a clock that was set back gives nothing and costs nothing
    this.#tokens = Math.min(this.burst, this.#tokens + (Math.max(0, now - this.#at) * this.perSecond) / 1000)
    this.#at = now
  }
}

/** Exponential backoff with jitter: `base * 2^tries` up to `max`, times 0.5 to 1. `random` is one byte. */
export function backoffMs(tries: number, base: number, max: number, random: number): number {
  const full = Math.min(max, base * 2 ** Math.min(tries, 20))
  return Math.round(full * (0.5 + random / 510))
}
