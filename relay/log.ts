import type { LogOptions } from './options'

/** how often refusals are summed up, milliseconds: a flood of them must not become a flood of lines */
const SUMMARY_MS = 60_000

type Fields = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * One line per event on stderr. Whom it concerns (`ip`, `peer`) is left out unless the operator asked for it: the log
 * of a relay would otherwise be a list of who talks to whom. Refusals are counted and told once a minute by reason.
 */
export class RelayLog {
  private readonly counts = new Map<string, number>()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly options: LogOptions,
    private readonly write: (line: string) => void = line => {
      process.stderr.write(line)
    },
  ) {}

  event(name: string, fields: Fields = {}): void {
    if (this.options.format === 'none') return
    const shown = Object.entries(fields).filter(
      ([key, value]) => value !== undefined && (this.options.addresses || (key !== 'ip' && key !== 'peer')),
    )
    const at = new Date().toISOString()
    this.write(
      this.options.format === 'json'
        ? `${JSON.stringify({ at, event: name, ...Object.fromEntries(shown) })}\n`
        : `${at} ${name}${shown.map(([key, value]) => ` ${key}=${String(value)}`).join('')}\n`,
    )
  }

  /** One more of these; with addresses each has a line, without it is one of a sum. */
  refused(reason: string, who: Fields): void {
    if (this.options.format === 'none') return
    if (this.options.addresses) return this.event('refused', { reason, ...who })
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1)
    this.timer ??= setTimeout(() => this.flush(), SUMMARY_MS).unref()
  }

  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    for (const [reason, count] of this.counts) this.event('refused', { reason, count })
    this.counts.clear()
  }
}
