import type { Log, LogLevel } from '../../services/ports/log'

export interface FakeLogEntry {
  readonly level: LogLevel
  readonly event: string
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>
}

export interface FakeLog extends Log {
  readonly entries: readonly FakeLogEntry[]
  /** names of the events, in order */
  events(): string[]
}

/** Keeps everything as it was given: nothing is redacted, so a test sees what a caller would have leaked. */
export function createFakeLog(): FakeLog {
  const entries: FakeLogEntry[] = []
  return {
    entries,
    events: () => entries.map(entry => entry.event),
    write: (level, event, fields = {}) => {
      entries.push({ level, event, fields })
    },
  }
}
