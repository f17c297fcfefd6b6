import type { Clock } from '../../ports/clock'
import type { Log, LogEntry } from '../../ports/log'
import { createBrowserClock } from './clock'
import { redactField, redactText } from './redact'

export interface BrowserLog extends Log {
  /** what is kept, oldest first */
  entries(): readonly LogEntry[]
  /** Told each new entry until the returned function is called. */
  onEntry(listener: (entry: LogEntry) => void): () => void
}

/** Entries kept unless said otherwise. */
const CAPACITY = 1_000
/** Fields of one entry; more is a caller's mistake. */
const MAX_FIELDS = 24

/** Log in memory, for the report of the connections page. Redacted on the way in: what is kept never held a secret. */
export function createBrowserLog(o: { readonly clock?: Clock; readonly capacity?: number } = {}): BrowserLog {
  const { clock = createBrowserClock(), capacity = CAPACITY } = o
  const ring: LogEntry[] = []
  const listeners = new Set<(entry: LogEntry) => void>()
  let number = 0
  return {
    write(level, event, fields = {}) {
      const clean: Record<string, string | number | boolean> = {}
      for (const [name, value] of Object.entries(fields).slice(0, MAX_FIELDS)) {
        const kept = redactField(name, value)
        if (kept !== undefined) clean[redactText(name)] = kept
      }
      const entry: LogEntry = { number: ++number, at: clock.now(), level, event: redactText(event), fields: clean }
      ring[(number - 1) % capacity] = entry
      for (const listener of listeners) listener(entry)
    },
    entries: () => {
      const start = number % capacity
      return ring.length < capacity ? [...ring] : [...ring.slice(start), ...ring.slice(0, start)]
    },
    onEntry(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
