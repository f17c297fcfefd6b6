/** What a bucket lets through: so much per second on average, and so much at once. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/**
 * Token bucket: full at the start, refilled evenly up to `burst`. A burst is fine, a steady excess is not.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class TokenBucket {
  #tokens: number
  #at: number

  /** @param now milliseconds; a clock that was set back gives nothing and costs nothing */
  constructor(
    private readonly rate: Rate,
    private readonly now: () => number,
  ) {
    this.#tokens = rate.burst
    this.#at = now()
  }

  /** Takes so many tokens; false, and none are taken, when there are fewer. */
  take(tokens = 1): boolean {
    this.#refill()
    if (this.#tokens < tokens) return false
    this.#tokens -= tokens
    return true
  }

  /** Takes so many tokens even when there are fewer. @returns milliseconds until they are paid for, 0 if they are */
  spend(tokens: number): number {
    this.#refill()
    this.#tokens -= tokens
    return Math.max(0, (-this.#tokens / this.rate.perSecond) * 1000)
  }

  /** whole milliseconds until `take` of one token succeeds, 0 when it would now */
  waitMs(): number {
    this.#refill()
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1000) / this.rate.perSecond)
  }

  /** A full one is like one that was never used. */
  full(): boolean {
    this.#refill()
    return this.#tokens >= this.rate.burst
  }

  #refill(): void {
    const now = this.now()
    const { perSecond, burst } = this.rate
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) * perSecond) / 1000)
    this.#at = now
  }
}
