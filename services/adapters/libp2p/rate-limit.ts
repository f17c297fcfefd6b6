/**
 * What one peer may send: a bucket of `atOnce` tokens that refills evenly, so that a burst is fine and a steady excess
 * is not.
 */
export class RateLimit {
  private tokens: number
  private last: number

  constructor(
    private readonly perSecond: number,
    private readonly now: () => number,
    private readonly atOnce = perSecond,
  ) {
    this.tokens = atOnce
    this.last = now()
  }

  /** Takes so many tokens; false, and none are taken, when there are fewer. */
  take(tokens = 1): boolean {
    const now = this.now()
    this.tokens = Math.min(this.atOnce, this.tokens + (Math.max(0, now - this.last) * this.perSecond) / 1000)
    this.last = now
    if (this.tokens < tokens) return false
    this.tokens -= tokens
    return true
  }
}
