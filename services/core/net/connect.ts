import type { Entropy } from '../../ports/entropy'
import type { ConnectionInfo } from '../../ports/transport'
import type { ConnectivityError, ConnectionKind, ConnectStep } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'
import { attempt, isLive, type DialDeps, type DialTarget, type LiveConnection } from './attempt'
import { backoffMs } from './backoff'
import { classifyAttempts, classifyConnectivityError } from './classify'
import { pause, withDeadline } from './deadline'
import { ATTEMPT_MS, DialRace, type RelayAttempt } from './dial-race'
import type { Candidate } from './rendezvous'

/** rounds over all candidates after the first, where trying again may help */
const RETRIES = 3
/** milliseconds before the first of them, doubled each time and jittered: all three are over within 2.8 s */
const RETRY_BASE_MS = 400
const RETRY_MAX_MS = 1_600

/** milliseconds of one try that nobody waits for */
export const BACKGROUND_DIAL_MS = 20_000

/** What finding and connecting peers needs of the node. */
export interface ConnectDeps extends DialDeps {
  /** jitter */
  readonly entropy: Entropy
  /** addresses in the order in which they are tried */
  candidates(peerId: PeerId): readonly Candidate[]
}

export interface ConnectOptions extends DialTarget {
  /** addresses in the order in which they are tried */
  readonly candidates: readonly Candidate[]
  /** milliseconds for everything together */
  readonly deadlineMs: number
  /**
   * jitter between several rounds, for callers that wait for the answer; without it there is one round, and the caller
   * decides on the next
   */
  readonly retry?: Entropy
  readonly signal?: AbortSignal
}

export type ConnectOutcome =
  | { readonly ok: true; readonly connection: ConnectionInfo; readonly kind: ConnectionKind; readonly rttMs: number }
  | { readonly ok: false; readonly failure: ConnectivityError }

/**
 * Connects one peer (docs/connectivity.md, "One peer"). Never rejects.
 * 1. An open connection counts after a live ping. What was dialled is pinged as well.
 * 2. Otherwise the candidates are dialled (dial-race.ts).
 * 3. With `retry` there are up to three more rounds, backed off. They go on as long as time may heal the failure and
 *    the wait ends before the deadline.
 * 4. At the deadline, or on abort, no dial, timer or listener stays behind.
 */
export async function connectPeer(o: ConnectOptions): Promise<ConnectOutcome> {
  const attempts: RelayAttempt[] = []
  let step: ConnectStep = 'resolve'
  const options: ConnectOptions = {
    ...o,
    onStep: s => {
      step = s
      o.onStep?.(s)
    },
  }
  try {
    const live = await withDeadline(
      {
        clock: o.clock,
        ms: o.deadlineMs,
        signal: o.signal,
        name: 'DeadlineError',
        message: `Timeout: not connected within ${o.deadlineMs} ms`,
      },
      signal => rounds(options, signal, attempts),
    )
    if (live) return { ok: true, connection: live.connection, kind: live.connection.kind, rttMs: live.rttMs }
    return { ok: false, failure: classifyAttempts(o.peerId, attempts) }
  } catch (error) {
    return { ok: false, failure: classifyConnectivityError(o.peerId, error, step) }
  }
}

/** `attempts` holds those of the last round: the newest failure counts. */
async function rounds(
  o: ConnectOptions,
  signal: AbortSignal,
  attempts: RelayAttempt[],
): Promise<LiveConnection | undefined> {
  const end = o.clock.now() + o.deadlineMs
  for (let tries = 0; ; tries++) {
    attempts.length = 0
    const live = await new DialRace({ ...o, deadlineMs: end - o.clock.now() }, signal, attempts).run()
    if (live || !o.retry || tries >= RETRIES || !classifyAttempts(o.peerId, attempts).retryable) return live
    const wait = backoffMs(tries, RETRY_BASE_MS, RETRY_MAX_MS, o.retry.bytes(1)[0] ?? 0)
    // a wait that runs into the deadline would turn what is known into a timeout
    if (o.clock.now() + wait >= end) return undefined
    await pause(o.clock, wait, signal)
  }
}

/**
 * Dials the WebRTC candidates although a relayed connection is open. True when one answers. The relayed connection is
 * left to the caller, who closes it when no stream runs over it any more.
 */
export async function upgradePeer(o: Omit<ConnectOptions, 'onStep' | 'retry'>): Promise<boolean> {
  try {
    return await withDeadline({ clock: o.clock, ms: o.deadlineMs, signal: o.signal }, async signal => {
      for (const candidate of o.candidates) {
        if (candidate.kind !== 'webrtc') continue
        if (isLive(await attempt(o, candidate, ATTEMPT_MS, signal))) return true
      }
      return false
    })
  } catch {
    return false
  }
}
