/** When the chain server is asked again. */

/** milliseconds between two syncs when nothing is awaited */
const CALM_MS = 15_000
/** milliseconds on the local chain: test coins come from other tabs too, and its server is next door */
const LOCAL_CALM_MS = 5_000
/**
 * milliseconds on the local chain while a transaction of ours waits: its blocks come on demand, and somebody is
 * watching
 */
const LIVELY_MS = 2_500
/** milliseconds: the longest wait after repeated trouble */
const TROUBLED_MS = 120_000

/**
 * Milliseconds to the next sync. `failures` counts failed syncs in a row; the wait doubles with each after the first.
 */
export function nextPollMs(p: {
  readonly local: boolean
  readonly unconfirmed: boolean
  readonly failures: number
}): number {
  const calm = p.local ? (p.unconfirmed ? LIVELY_MS : LOCAL_CALM_MS) : CALM_MS
  return p.failures <= 1 ? calm : Math.min(TROUBLED_MS, calm * 2 ** Math.min(p.failures - 1, 10))
}
