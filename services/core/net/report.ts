import type { Clock } from '../../ports/clock'
import type { Transport } from '../../ports/transport'
import type { LinkReport } from '../domain/diagnostics'
import type { PeerId } from '../domain/ids'
import { PING_MS } from './attempt'
import { withDeadline } from './deadline'
import { relayPeerId } from './rendezvous'
import type { Timeline } from './timeline'

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * The best connection to a peer in figures, and the last attempts to get one. Never rejects: a connection that is just
 * gone tells nothing.
 */
export async function linkReport(
  transport: Pick<Transport, 'connections' | 'stats'>,
  timeline: Timeline,
  peerId: PeerId,
  rttMs?: number,
): Promise<LinkReport> {
  const attempts = timeline.attempts(peerId)
  const best = transport.connections(peerId)[0]
  // what was gathered for WebRTC last; attempts over a relay gather nothing
  const nat = attempts.find(a => a.nat !== 'none')?.nat ?? 'none'
  if (!best) return { peerId, kind: 'none', nat, attempts }
  const stats = await transport.stats(best.id).catch(() => ({}) as Readonly<Record<string, string | number>>)
  const figures = {
    rttMs: number(stats['rttMs']) ?? rttMs,
    bytesSent: number(stats['bytesSent']),
    bytesReceived: number(stats['bytesReceived']),
    relay: text(stats['relay']),
    localCandidate: text(stats['localCandidate']),
    remoteCandidate: text(stats['remoteCandidate']),
  }
  return { peerId, kind: best.kind, openedAt: best.openedAt, nat, attempts, ...figures }
}

/**
 * Round trip to a relay over the connection that is open, milliseconds; undefined when there is none or it does not
 * answer.
 */
export async function relayRoundTrip(
  transport: Pick<Transport, 'connections' | 'ping'>,
  clock: Clock,
  relay: string,
): Promise<number | undefined> {
  const direct = transport.connections(relayPeerId(relay)).find(c => c.kind === 'direct')
  if (!direct) return undefined
  return withDeadline({ clock, ms: PING_MS }, signal => transport.ping(direct.id, { signal })).catch(() => undefined)
}
