/** Exponential backoff with jitter: `base * 2^tries` up to `max`, times 0.5 to 1. `random` is one byte. */
export function backoffMs(tries: number, base: number, max: number, random: number): number {
  const full = Math.min(max, base * 2 ** Math.min(tries, 20))
  return Math.round(full * (0.5 + random / 510))
}
