import { enConnections } from '../locales/en-connections'
import { put } from '../locales/text'
import { pick } from './useMessages'

/** Words of the pages about connections. */
export const useConnectionWords = () => ({
  ...enConnections,
  relayState: (state: string): string => pick(enConnections.relayState, state) ?? state,
  /** how long something took, or that it still goes on */
  duration: (ms: number | undefined): string => {
    const { underway, shorter, seconds } = enConnections.attempts
    if (ms === undefined) return underway
    if (ms < 1) return shorter
    return ms < 10_000 ? put(enConnections.ms, { n: Math.round(ms) }) : put(seconds, { n: (ms / 1000).toFixed(1) })
  },
  /** whole milliseconds, one at least */
  ms: (n: number): string => put(enConnections.ms, { n: Math.max(1, Math.round(n)) }),
})
