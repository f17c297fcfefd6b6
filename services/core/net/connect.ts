import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { ConnectionInfo, Transport } from '../../ports/transport'
import type { ConnectivityError, ConnectionKind, ConnectStep } from '../domain/connectivity'
import { ConnectivityErrorType } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'
import { classifyAttempts, classifyConnectivityError, netError, type FailedAttempt } from './classify'
import { reasonOf, withDeadline } from './deadline'
import { keptInstead } from './duplicates'
import type { LineBudget } from './lines'
import { backoffMs } from './rate'
import type { Candidate } from './rendezvous'

/** milliseconds that a live ping may take before the connection is taken for dead (contract.md, decision 3) */
export const PING_MS = 2_000
/**
 * milliseconds of one address at most: ICE over a slow network needs some, a dead relay must not eat the whole deadline
 */
const ATTEMPT_MS = 12_000

/**
 * milliseconds that WebRTC has for itself before the plain circuit is tried beside it. A direct line mostly stands
 * within 0.3 s, over a relay that is 300 ms late within 4 s; a network that drops UDP says nothing at all
 */
export const HEAD_START_MS = 3_000

/** rounds over all candidates after the first, where trying again may help */
const RETRIES = 3
/** milliseconds before the first of them, doubled each time and jittered: all three are over within 2.8 s */
const RETRY_BASE_MS = 400
const RETRY_MAX_MS = 1_600

/** What connecting needs of the Transport port. */
export type DialTransport = Pick<Transport, 'peerId' | 'connections' | 'dial' | 'ping' | 'closeConnection'>

export interface ConnectOptions {
  readonly transport: DialTransport
  readonly clock: Clock
  readonly peerId: PeerId
  /** addresses in the order in which they are tried */
  readonly candidates: readonly Candidate[]
  /** milliseconds for everything together */
  readonly deadlineMs: number
  readonly lines: LineBudget
  /**
   * jitter of the rounds: who waits for an answer gets several; without it there is one round, and the caller decides
   * on the next
   */
  readonly retry?: Entropy
  readonly pingMs?: number
  readonly signal?: AbortSignal
  readonly onStep?: (step: ConnectStep) => void
  /** told which relay worked, for the address cache */
  readonly onReached?: (peerId: PeerId, relay: string) => void
}

export type ConnectOutcome =
  | { readonly ok: true; readonly connection: ConnectionInfo; readonly kind: ConnectionKind; readonly rttMs: number }
  | { readonly ok: false; readonly failure: ConnectivityError }

interface Live {
  readonly connection: ConnectionInfo
  readonly rttMs: number
}

/** A live ping over this very connection; a silent one is closed. */
async function verify(
  o: ConnectOptions,
  connection: ConnectionInfo,
  signal: AbortSignal,
): Promise<Live | FailedAttempt> {
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

const isLive = (v: Live | FailedAttempt): v is Live => 'connection' in v

/** Nobody waits for the goodbye of a dead connection. */
export function closeQuietly(transport: Pick<Transport, 'closeConnection'>, connection: ConnectionInfo): void {
  transport.closeConnection(connection.id).catch(() => undefined)
}

/** The best connection to the peer that answers now; silent ones are closed on the way. */
async function known(o: ConnectOptions, signal: AbortSignal): Promise<Live | undefined> {
  const open = o.transport.connections(o.peerId)
  if (open.length === 0) return undefined
  o.onStep?.('ping')
  const answers = await Promise.all(open.map(c => verify(o, c, signal)))
  return answers.find(isLive)
}

/**
 * Connects one peer (contract.md, decisions 1 to 3 and 6). A known connection counts after a live ping; otherwise the
 * candidates are dialled, WebRTC first, each kind one after the other with its share of the deadline, a WebRTC failure
 * once again at once (the second try mostly succeeds), and what was dialled is pinged as well. With `retry` there are
 * up to three more rounds, backed off, as long as the failure is one that time may heal and the wait ends before the
 * deadline. Never rejects; at the deadline or on abort nothing of it stays behind.
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

/**
 * From a relayed connection to a direct one: dials the WebRTC candidates although a connection is open. True when one
 * answers; the relayed connection is left to the caller, who lets it end when nothing runs over it any more.
 */
export async function upgradePeer(o: Omit<ConnectOptions, 'onStep'>): Promise<boolean> {
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

/** A failed try, with the relay that it went through. */
type RelayAttempt = FailedAttempt & { readonly relay: string }

/** `attempts` holds those of the last round: the newest word counts. */
async function rounds(o: ConnectOptions, signal: AbortSignal, attempts: RelayAttempt[]): Promise<Live | undefined> {
  const end = o.clock.now() + o.deadlineMs
  for (let tries = 0; ; tries++) {
    attempts.length = 0
    const live = await tryAll({ ...o, deadlineMs: end - o.clock.now() }, signal, attempts)
    if (live || !o.retry || tries >= RETRIES || !classifyAttempts(o.peerId, attempts).retryable) return live
    const wait = backoffMs(tries, RETRY_BASE_MS, RETRY_MAX_MS, o.retry.bytes(1)[0] ?? 0)
    // a wait that runs into the deadline would turn what is known into a timeout
    if (o.clock.now() + wait >= end) return undefined
    await pause(o.clock, wait, signal)
  }
}

/** Ends early, and leaves no timer, when the signal aborts. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const over = (): void => {
      cancel()
      signal.removeEventListener('abort', over)
      resolve()
    }
    const cancel = clock.after(ms, over)
    signal.addEventListener('abort', over, { once: true })
  })
}

/**
 * WebRTC through each relay; the plain circuit once that has come to nothing or has had its head start. Who answers
 * first is taken and the other way given up: from a relayed connection the watcher moves on to WebRTC.
 */
async function tryAll(o: ConnectOptions, signal: AbortSignal, attempts: RelayAttempt[]): Promise<Live | undefined> {
  const already = await known(o, signal)
  if (already) return already
  const round: Round = { end: o.clock.now() + o.deadlineMs, attempts, absent: new Set() }
  const going = new AbortController()
  const headStart = new AbortController()
  const giveUp = (reason: unknown): void => {
    going.abort(reason)
    headStart.abort()
  }
  const onAbort = (): void => giveUp(reasonOf(signal))
  const way = async (kind: Candidate['kind'], onStep: ConnectOptions['onStep']): Promise<Live | undefined> => {
    const live = await inTurn(
      { ...o, candidates: o.candidates.filter(c => c.kind === kind), onStep },
      going.signal,
      round,
    )
    if (live) giveUp(netError('AbortError', 'connected the other way'))
    return live
  }
  let directOver = false
  const direct = async (): Promise<Live | undefined> => {
    try {
      return await way('webrtc', o.onStep)
    } finally {
      directOver = true
      headStart.abort()
    }
  }
  const circuit = async (): Promise<Live | undefined> => {
    await pause(o.clock, HEAD_START_MS, headStart.signal)
    // people are told of one way at a time
    return going.signal.aborted
      ? undefined
      : way('relay', step => {
          if (directOver) o.onStep?.(step)
        })
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    // the way that was given up rejects
    const ends = await Promise.allSettled([direct(), circuit()])
    if (signal.aborted) throw reasonOf(signal)
    const live = ends.find(end => end.status === 'fulfilled' && end.value !== undefined)
    if (live?.status === 'fulfilled') return live.value
    const broken = ends.find(end => end.status === 'rejected')
    if (broken) throw broken.reason
    return undefined
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** What the two ways of one round know of each other. */
interface Round {
  /** unix milliseconds */
  readonly end: number
  readonly attempts: RelayAttempt[]
  /** relays that said they do not have the peer: another way through them would hear the same */
  readonly absent: Set<string>
}

/**
 * One candidate after the other, each with its share of the time; a WebRTC failure is tried again at once, once a
 * round.
 */
async function inTurn(
  o: ConnectOptions,
  signal: AbortSignal,
  { end, attempts, absent }: Round,
): Promise<Live | undefined> {
  const note = (failed: FailedAttempt, relay: string): ConnectivityError => {
    const verdict = classifyAttempts(o.peerId, [failed])
    if (verdict.type === ConnectivityErrorType.PEER_NOT_FOUND) {
      // the relay's newest word counts: an earlier try that came further ran over a connection of a browser that has
      // just left
      absent.add(relay)
      attempts.splice(0, attempts.length, ...attempts.filter(a => a.relay !== relay))
    }
    attempts.push({ ...failed, relay })
    return verdict
  }
  let retried = false
  for (let i = 0; i < o.candidates.length; i++) {
    const candidate = o.candidates[i]
    if (!candidate || absent.has(candidate.relay)) continue
    const left = o.candidates.slice(i).filter(c => !absent.has(c.relay)).length
    const share = (): number => Math.min(ATTEMPT_MS, Math.max(1, Math.ceil((end - o.clock.now()) / left)))
    let outcome = await attempt(o, candidate, share(), signal)
    if (!isLive(outcome)) {
      const verdict = note(outcome, candidate.relay)
      if (
        candidate.kind === 'webrtc' &&
        verdict.type === ConnectivityErrorType.WEBRTC_FAILED &&
        verdict.retryable &&
        !retried
      ) {
        retried = true
        outcome = await attempt(o, candidate, share(), signal)
        if (!isLive(outcome)) note(outcome, candidate.relay)
      }
    }
    if (isLive(outcome)) {
      o.onReached?.(o.peerId, candidate.relay)
      return outcome
    }
    // the peer may have reached us meanwhile
    const inbound = await known(o, signal)
    if (inbound) return inbound
  }
  return undefined
}

/**
 * Both sides may dial at once: where the other connection is to stay, and answers, the new one goes before anything
 * runs over it.
 */
async function kept(o: ConnectOptions, fresh: ConnectionInfo, signal: AbortSignal): Promise<Live | undefined> {
  const other = keptInstead(o.transport.peerId, fresh, o.transport.connections(o.peerId))
  const live = other && (await verify(o, other, signal))
  if (!live || !isLive(live)) return undefined
  closeQuietly(o.transport, fresh)
  return live
}

async function attempt(
  o: ConnectOptions,
  candidate: Candidate,
  ms: number,
  signal: AbortSignal,
): Promise<Live | FailedAttempt> {
  let step: ConnectStep = 'resolve'
  const onStep = (s: ConnectStep): void => {
    if (signal.aborted) return
    // from here on the browser has made a line, whatever becomes of it
    if (s === 'sdp') o.lines.spend(o.peerId)
    step = s
    o.onStep?.(s)
  }
  onStep('resolve')
  if (candidate.kind === 'webrtc' && !o.lines.allows(o.peerId)) {
    return {
      error: netError('DirectLinesSpentError', 'This page has used up its WebRTC connections for this peer'),
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
    return (await kept(o, connection, signal)) ?? (await verify(o, connection, signal))
  } catch (error) {
    if (signal.aborted) throw reasonOf(signal)
    return { error, step }
  }
}
