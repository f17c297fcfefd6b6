export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * Structured log with a bounded buffer behind it; the adapter redacts keys, nonces and seeds. `fields` hold plain
 * values only.
 */
export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>): void
}

/** One line of the log as it is kept: redacted. */
export interface LogEntry {
  /** counts up from 1 without gaps; the oldest entries leave first */
  readonly number: number
  /** unix milliseconds */
  readonly at: number
  readonly level: LogLevel
  readonly event: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}
