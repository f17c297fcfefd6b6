export const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as that aborts, whatever the library still
 * does.
 */
export function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : named('AbortError', 'aborted'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
