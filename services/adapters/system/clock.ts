import type { Clock } from '../../ports/clock'

/** Longest wait that a browser's timer takes (2^31 - 1 ms); a longer one would fire at once. */
const MAX_TIMER_MS = 0x7fffffff

/** The machine's clock. Waits above 24 days are made of several. */
export function createBrowserClock(): Clock {
  return {
    now: () => Date.now(),
    after(ms, fn) {
      let timer: ReturnType<typeof setTimeout>
      const arm = (left: number): void => {
        timer = setTimeout(
          () => {
            if (left > MAX_TIMER_MS) arm(left - MAX_TIMER_MS)
            else fn()
          },
          Math.max(0, Math.min(left, MAX_TIMER_MS)),
        )
      }
      arm(ms)
      return () => clearTimeout(timer)
    },
  }
}
