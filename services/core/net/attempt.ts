import type { Clock } from '../../ports/clock'
import type { ConnectionInfo, Transport } from '../../ports/transport'
import type { ConnectStep } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'
import { netError, type FailedAttempt } from './classify'
import { reasonOf, withDeadline } from './deadline'
import { keptInstead } from './duplicates'
import type { PeerConnectionBudget } from './peer-connection-budget'
import type { Candidate } from './rendezvous'

/** milliseconds that a live ping may take before the connection is taken for dead (docs/connectivity.md, "One peer") */
export const PING_MS = 2_000

/** What connecting needs of the node, whoever is to be reached. */
export interface DialDeps {
  readonly transport: Pick<Transport, 'peerId' | 'connections' | 'dial' | 'ping' | 'closeConnection'>
  readonly clock: Clock
  readonly budget: PeerConnectionBudget
  /** told which relay worked, for the address cache */
  readonly onReached?: (peerId: PeerId, relay: string) => void
}

/** Who is dialled. */
export interface DialTarget extends DialDeps {
  readonly peerId: PeerId
  /** of one ping, default `PING_MS` */
  readonly pingMs?: number
  readonly onStep?: (step: ConnectStep) => void
}

/** A connection that has just answered a ping. */
export interface LiveConnection {
  readonly connection: ConnectionInfo
  readonly rttMs: number
}

export const isLive = (v: LiveConnection | FailedAttempt): v is LiveConnection => 'connection' in v

/** Nobody waits until a connection is closed: a dead one may take long. */
export function closeQuietly(transport: Pick<Transport, 'closeConnection'>, connection: ConnectionInfo): void {
  transport.closeConnection(connection.id).catch(() => undefined)
}

/** A live ping over this very connection; a silent one is closed. */
async function pingOrClose(
  o: DialTarget,
  connection: ConnectionInfo,
  signal: AbortSignal,
): Promise<LiveConnection | FailedAttempt> {
  try {
    const rttMs = await withDeadline({ clock: o.clock, ms: o.pingMs ?? PING_MS, signal }, s =>
      o.transport.ping(connection.id, { signal: s }),
    )
    return { connection, rttMs }
  } catch (error) {
    // cancelled is not silent: the connection may serve somebody else
    if (!signal.aborted) closeQuietly(o.transport, connection)
    return { error, step: 'ping' }
  }
}

/** The best connection to the peer that answers now. Silent ones are closed on the way. */
export async function openConnection(o: DialTarget, signal: AbortSignal): Promise<LiveConnection | undefined> {
  const open = o.transport.connections(o.peerId)
  if (open.length === 0) return undefined
  o.onStep?.('ping')
  const answers = await Promise.all(open.map(c => pingOrClose(o, c, signal)))
  return answers.find(isLive)
}

/**
 * Both sides may dial at once. Where the other connection is to stay, and answers, the new one is closed before any
 * stream runs over it.
 */
async function otherInstead(
  o: DialTarget,
  fresh: ConnectionInfo,
  signal: AbortSignal,
): Promise<LiveConnection | undefined> {
  const other = keptInstead(o.transport.peerId, fresh, o.transport.connections(o.peerId))
  const live = other && (await pingOrClose(o, other, signal))
  if (!live || !isLive(live)) return undefined
  closeQuietly(o.transport, fresh)
  return live
}

/** Dials one address within `ms` and pings what came of it. Rejects only when `signal` is aborted. */
export async function attempt(
  o: DialTarget,
  candidate: Candidate,
  ms: number,
  signal: AbortSignal,
): Promise<LiveConnection | FailedAttempt> {
  let step: ConnectStep = 'resolve'
  const onStep = (s: ConnectStep): void => {
    if (signal.aborted) return
    // from here on the browser has made an RTCPeerConnection, whatever becomes of it
    if (s === 'sdp') o.budget.spend(o.peerId)
    step = s
    o.onStep?.(s)
  }
  onStep('resolve')
  if (candidate.kind === 'webrtc' && !o.budget.allows(o.peerId)) {
    return {
      error: netError('PeerConnectionsSpentError', 'This page has used up its WebRTC connections for this peer'),
      step,
    }
  }
  try {
    const connection = await withDeadline(
      { clock: o.clock, ms, signal },
      s => o.transport.dial(o.peerId, candidate.address, { signal: s, onStep }),
      late => closeQuietly(o.transport, late),
    )
    if (connection.peerId !== o.peerId) {
      closeQuietly(o.transport, connection)
      return { error: netError('ConnectionLostError', 'another peer answered'), step }
    }
    onStep('ping')
    return (await otherInstead(o, connection, signal)) ?? (await pingOrClose(o, connection, signal))
  } catch (error) {
    if (signal.aborted) throw reasonOf(signal)
    return { error, step }
  }
}
