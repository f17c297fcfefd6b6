import type { LogEntry, LogLevel } from '../../ports/log'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * Writes the log to the console too, redacted as it is kept: for developers, and off unless somebody asks for it.
 *
 * `wanted` is the lowest level that is written (CONTRIBUTING.md, "Looking inside"); anything else writes nothing.
 */
export function writeToConsole(
  log: { onEntry(listener: (entry: LogEntry) => void): () => void },
  wanted: string | null,
  out: Pick<Console, LogLevel>,
): void {
  const lowest = LEVELS.findIndex(level => level === wanted)
  if (lowest < 0) return
  log.onEntry(({ level, event, fields }) => {
    if (LEVELS.indexOf(level) >= lowest) out[level](event, fields)
  })
}
