/**
 * Messages of one peer per second, over all of its streams: a bucket of `perSecond` tokens that refills evenly, so that a burst
 * of one second's worth is fine and a steady excess is not.
 */
export class RateLimit {
  private tokens: number
  private last: number

  constructor(private readonly perSecond: number, private readonly now: () => number) {
    this.tokens = perSecond
    this.last = now()
  }

  /** Takes one token; false when there is none left. */
  take(): boolean {
    const now = this.now()
    this.tokens = Math.min(this.perSecond, this.tokens + Math.max(0, now - this.last) * this.perSecond / 1000)
    this.last = now
    if (this.tokens < 1) return false
    this.tokens -= 1
    return true
  }
}
