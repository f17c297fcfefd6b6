import type { Clock } from '../../ports/clock'
import { netError, type NetErrorName } from './classify'

/** Reason of a signal as something that can be thrown. */
export const reasonOf = (signal: AbortSignal): unknown => signal.reason ?? netError('AbortError', 'aborted')

export interface DeadlineOptions {
  readonly clock: Clock
  readonly ms: number
  /** the caller's own cancellation */
  readonly signal?: AbortSignal
  /** how the deadline is called: `DeadlineError` is ours for a whole peer, `TimeoutError` one step's (classify.ts) */
  readonly name?: NetErrorName
  readonly message?: string
}

/**
 * Runs `work` with a signal that is aborted after `ms` or with the caller's; rejects at that moment even if `work`
 * ignores its signal, so that nothing hangs on a library. Timer and listener are gone when it settles. A result that
 * comes too late goes to `late`.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
  late?: (value: T) => void,
): Promise<T> {
  const { clock, ms, signal: outer } = options
  if (outer?.aborted) throw reasonOf(outer)
  const controller = new AbortController()
  return new Promise<T>((resolve, reject) => {
    let settled = false
    const finish = (): boolean => {
      if (settled) return false
      settled = true
      cancel()
      outer?.removeEventListener('abort', onAbort)
      return true
    }
    const stop = (reason: unknown): void => {
      if (!finish()) return
      controller.abort(reason)
      reject(reason)
    }
    const onAbort = (): void => {
      if (outer) stop(reasonOf(outer))
    }
    const cancel = clock.after(Math.max(0, ms), () =>
      stop(netError(options.name ?? 'TimeoutError', options.message ?? `no answer within ${ms} ms`)),
    )
    outer?.addEventListener('abort', onAbort, { once: true })
    const run = async (): Promise<void> => {
      try {
        const value = await work(controller.signal)
        if (finish()) resolve(value)
        else late?.(value)
      } catch (error) {
        if (finish()) reject(error)
      }
    }
    void run()
  })
}

/** Ends early, and leaves no timer, when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const over = (): void => {
      cancel()
      signal.removeEventListener('abort', over)
      resolve()
    }
    const cancel = clock.after(ms, over)
    signal.addEventListener('abort', over, { once: true })
  })
}

/** A clock that knows what it has pending, so that `stop` can prove that it leaves nothing behind. */
export interface TrackedClock extends Clock {
  pending(): number
  cancelAll(): void
}

export function trackedClock(clock: Clock): TrackedClock {
  const cancels = new Set<() => void>()
  return {
    now: () => clock.now(),
    after(ms, fn) {
      const cancelTimer = clock.after(ms, () => {
        cancels.delete(cancel)
        fn()
      })
      const cancel = (): void => {
        cancels.delete(cancel)
        cancelTimer()
      }
      cancels.add(cancel)
      return cancel
    },
    pending: () => cancels.size,
    cancelAll() {
      for (const cancel of [...cancels]) cancel()
    },
  }
}
