/** The part of the Clock port that is needed here. */
interface Timer { after(ms: number, fn: () => void): () => void }

/** milliseconds between two pictures that screens are given */
export const SCREEN_MS = 80

export interface Pulse {
  /** Something has changed: `tell` is called soon, once for all that changes until then. */
  (): void
  stop(): void
}

/**
 * Tells screens of bursts of changes: the first of them at once (when the running task is over), what follows within `gapMs`
 * together at the end of it. Drawing competes with signing for the same processor, and nobody sees a step of a few milliseconds.
 */
export function createPulse(clock: Timer, gapMs: number, tell: () => void): Pulse {
  let queued = false
  let resting = false
  let again = false
  let stopped = false
  let cancel = (): void => {}

  function beat(): void {
    queued = false
    if (stopped) return
    resting = true
    cancel = clock.after(gapMs, () => {
      resting = false
      if (!again) return
      again = false
      pulse()
    })
    tell()
  }

  const pulse = (): void => {
    if (stopped || queued) return
    if (resting) {
      again = true
      return
    }
    queued = true
    void Promise.resolve().then(beat)
  }
  return Object.assign(pulse, {
    stop() {
      stopped = true
      cancel()
    },
  })
}
