import type { ConnectionTest } from '../domain/connection-test'
import type { Attempt, LinkReport } from '../domain/diagnostics'
import { redactAddresses } from '../domain/redact'
import type { LogEntry } from '../../ports/log'

/** What a person hands to whoever helps. */
export interface HealthReportInput {
  readonly build: string
  readonly browser: string
  readonly online: boolean
  /** the moment of the report: as text, and in unix milliseconds */
  readonly at: string
  readonly now: number
  readonly clockOffsetMs: number | null
  readonly relayOnly: boolean
  readonly relays: ReadonlyArray<{
    readonly address: string
    readonly state: string
    readonly origin: string
    readonly latencyMs?: number
  }>
  readonly ice: ReadonlyArray<{ readonly turn: boolean }>
  readonly chains: ReadonlyArray<{ readonly network: string; readonly state: string; readonly height?: number }>
  /** members in a fixed order; they are told apart by number, not by name or id */
  readonly links: readonly LinkReport[]
  readonly test?: ConnectionTest
  /** redacted, oldest first; the last of them are told */
  readonly log: readonly LogEntry[]
}

/** Lines of the log in one report: what a person still copies and another still reads. */
const LOG_LINES = 100

const round = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms))

/** One line per attempt: "12 s ago outbound webrtc connected 113 ms: resolve 5, relay 20, ...". */
function line(a: Attempt, now: number): string {
  const steps = a.steps.map(s => `${s.step} ${s.ms === undefined ? '…' : round(s.ms)}`).join(', ')
  const kinds = (side: Attempt['local']): string =>
    Object.entries(side)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(' ')
  return [
    `${Math.round((now - a.at) / 1000)} s ago ${a.direction} ${a.via} ${a.state}${a.ms === undefined ? '' : ` ${round(a.ms)} ms`}: ${steps}`,
    kinds(a.local) && `own candidates ${kinds(a.local)}`,
    kinds(a.remote) && `theirs ${kinds(a.remote)}`,
    a.error,
  ]
    .filter(Boolean)
    .join('; ')
}

/** "12 s ago warn net.offence: reason=rate, count=2". */
function logLine({ at, level, event, fields }: LogEntry, now: number): string {
  const told = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
  return `${Math.round((now - at) / 1000)} s ago ${level} ${event}${told.length > 0 ? `: ${told.join(', ')}` : ''}`
}

/**
 * The report as text. Nothing in it is a key, a word, an amount or a name. Without `withAddresses` no address and no
 * peer id either: IP addresses are replaced by their kind.
 */
export function healthReport(input: HealthReportInput, withAddresses: boolean): string {
  const report = {
    build: input.build,
    browser: input.browser,
    at: input.at,
    online: input.online,
    clockOffsetMs: input.clockOffsetMs,
    relayOnly: input.relayOnly,
    stun: input.ice.filter(s => !s.turn).length,
    turn: input.ice.filter(s => s.turn).length,
    relays: input.relays.map(r => ({ ...r, latencyMs: round(r.latencyMs) })),
    chains: input.chains,
    members: input.links.map((link, i) => ({
      member: i + 1,
      ...(withAddresses ? { peerId: link.peerId, relay: link.relay } : {}),
      connection: link.kind,
      rttMs: round(link.rttMs),
      bytesSent: link.bytesSent,
      bytesReceived: link.bytesReceived,
      openForS: link.openedAt === undefined ? undefined : Math.round((input.now - link.openedAt) / 1000),
      candidates: [link.localCandidate, link.remoteCandidate].filter(Boolean).join(' to ') || undefined,
      nat: link.nat,
      attempts: link.attempts.map(a => line(a, input.now)),
    })),
    test: input.test,
    log: input.log.slice(-LOG_LINES).map(entry => logLine(entry, input.now)),
  }
  // the browser's version looks like an address and is none
  return JSON.stringify(
    report,
    (key, value: unknown) =>
      withAddresses || typeof value !== 'string' || key === 'browser' || key === 'build'
        ? value
        : redactAddresses(value),
    2,
  )
}
