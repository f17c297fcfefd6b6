/** Time as the core sees it. The fake of the tests is stepped by hand. */
export interface Clock {
  /** unix milliseconds */
  now(): number
  /** Calls `fn` once after `ms`; the returned function cancels it and is safe to call twice. */
  after(ms: number, fn: () => void): () => void
}
