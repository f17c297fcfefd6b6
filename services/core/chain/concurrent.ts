import { err, ok, type Result } from '../domain/result'

/**
 * Runs `work` over `items`, at most `width` at once, answers in the order of the items. The first error ends it:
 * nothing new is started.
 */
export async function concurrently<T, R, E>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<Result<R, E>>,
): Promise<Result<R[], E>> {
  const results: R[] = new Array<R>(items.length)
  let next = 0
  let failure: { readonly error: E } | undefined
  const worker = async (): Promise<void> => {
    while (failure === undefined && next < items.length) {
      const at = next++
      const done = await work(items[at] as T)
      if (done.ok) results[at] = done.value
      else failure ??= { error: done.error }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(width, items.length)) }, worker))
  return failure === undefined ? ok(results) : err(failure.error)
}
