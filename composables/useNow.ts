import { onScopeDispose, readonly, ref } from 'vue'
import { enTime } from '../locales/en-time'

/** Unix milliseconds, renewed every `everyMs` while the screen that asked is there. */
export function useNow(everyMs = 15_000) {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), everyMs)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}

const UNITS: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number]> = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
const relative = new Intl.RelativeTimeFormat(enTime.language, { numeric: 'auto' })

/** "3 minutes ago", "in 2 hours", "now"; both in unix milliseconds. */
export function relativeTime(at: number, now: number): string {
  for (const [unit, ms] of UNITS) {
    if (Math.abs(at - now) >= ms) return relative.format(Math.round((at - now) / ms), unit)
  }
  return at > now ? enTime.soon : enTime.now
}

/** Date and time to the second, for those who look closer. */
export const exactTime = (at: number): string =>
  new Date(at).toLocaleString(enTime.dates, { dateStyle: 'medium', timeStyle: 'medium' })
