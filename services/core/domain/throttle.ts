/** The part of the Clock port that is needed here. */
interface Timer {
  after(ms: number, fn: () => void): () => void
}

/** milliseconds between two pictures that screens are given */
export const SCREEN_MS = 80

export interface Throttle {
  /** Something has changed: `tell` is called soon, once for all that changes until then. */
  (): void
  /** The same, without waiting for the gap: somebody is asked something. */
  now(): void
  stop(): void
}

/**
 * Tells screens of bursts of changes: the first of them at once (when the running task is over), what follows within
 * `gapMs` together at the end of it. Drawing competes with signing for the same processor, and nobody sees a step of a
 * few milliseconds.
 */
export function createThrottle(clock: Timer, gapMs: number, tell: () => void): Throttle {
  let queued = false
  let resting = false
  let again = false
  let stopped = false
  let cancel = (): void => {}

  function beat(): void {
    queued = false
    if (stopped) return
    resting = true
    again = false
    cancel()
    cancel = clock.after(gapMs, () => {
      resting = false
      if (again) now()
    })
    tell()
  }

  function now(): void {
    if (stopped || queued) return
    queued = true
    void Promise.resolve().then(beat)
  }

  const throttled = (): void => {
    if (resting) again = true
    else now()
  }
  return Object.assign(throttled, {
    now,
    stop() {
      stopped = true
      cancel()
    },
  })
}
