export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * Structured log with a bounded buffer behind it; the adapter redacts keys, nonces and seeds. `fields` hold plain
 * values only.
 */
export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>): void
}
