import { enNotices } from '../locales/en-notices'
import { put } from '../locales/text'

/** Words of what is said above every page. */
export const useNoticeWords = () => ({
  ...enNotices,
  clock: (offsetMs: number): string =>
    put(offsetMs > 0 ? enNotices.clock.ahead : enNotices.clock.behind, {
      minutes: Math.max(1, Math.round(Math.abs(offsetMs) / 60_000)),
    }),
})
