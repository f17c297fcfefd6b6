import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import { ConnectivityErrorType, type ConnectivityError, type ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId } from '../domain/ids'
import { connectPeer, type ConnectOptions, type DialTransport } from './connect'
import type { LineBudget } from './lines'
import type { Candidate } from './rendezvous'

/** peers that are dialled at the same time (contract.md, decision 1) */
export const GATE_PARALLEL = 8
/** milliseconds of the whole gate unless the caller says otherwise */
export const GATE_TIMEOUT_MS = 30_000

/** Somebody to connect: a peer, the member it is, or a member whose peer id is not known. */
export interface GateTarget {
  readonly peerId?: PeerId
  readonly member?: AccountKey
}

export interface GateFailure {
  readonly peerId: PeerId
  /** for callers and logs; never shown raw */
  readonly error: string
  readonly errorType: ConnectivityErrorType
  readonly retryable: boolean
  readonly member?: AccountKey
}

export interface GateResult {
  readonly allConnected: boolean
  readonly connected: PeerId[]
  readonly failed: GateFailure[]
}

export interface GateOptions {
  /** leaves the own id out (default); `false` lists it in `connected` without dialling */
  readonly excludeSelf?: boolean
  /** milliseconds, for everybody together; each peer's own deadline lies inside */
  readonly connectivityTimeoutMs?: number
  readonly signal?: AbortSignal
  readonly onStatus?: (status: ParticipantStatus) => void
}

export interface GateDeps {
  readonly transport: DialTransport
  readonly clock: Clock
  /** jitter of repeated tries */
  readonly entropy: Entropy
  readonly lines: LineBudget
  candidates(peerId: PeerId): readonly Candidate[]
  readonly onReached?: ConnectOptions['onReached']
}

/** Stands for a member whose peer id nobody knows (contract.md, decision 5). */
export const unknownPeerId = (member: AccountKey | undefined): PeerId => `unknown:${(member ?? '').slice(0, 8)}`

interface Job {
  readonly peerId: PeerId
  readonly member?: AccountKey
}

/**
 * The gate (contract.md, decisions 1 to 6): connects everybody in parallel and says who is there and who is not, and
 * why. Invariants:
 * 1. every distinct target is in exactly one of `connected` and `failed`, in the order in which they were given;
 * 2. it ends within `connectivityTimeoutMs`, with all dials, timers and listeners gone;
 * 3. only those are blamed who were not there at their own deadline;
 * 4. who answered early and was lost while the others were waited for is connected anew, or has failed;
 * 5. with more targets than slots the time is shared by waves, so that the later ones get their turn.
 * Never rejects: network trouble and an aborted `signal` are results.
 */
export async function runGate(
  deps: GateDeps,
  targets: readonly GateTarget[],
  options: GateOptions = {},
): Promise<GateResult> {
  const { transport, clock } = deps
  const end = clock.now() + (options.connectivityTimeoutMs ?? GATE_TIMEOUT_MS)
  const verdicts = new Map<PeerId, GateFailure | undefined>()
  const waiting: Job[] = []
  const report = (job: Job, rest: Omit<ParticipantStatus, 'peerId' | 'member' | 'since'>): void => {
    options.onStatus?.({
      peerId: job.peerId,
      ...(job.member ? { member: job.member } : {}),
      since: clock.now(),
      ...rest,
    })
  }
  const fail = (job: Job, failure: Omit<ConnectivityError, 'peerId'>): void => {
    const entry = { error: failure.message, errorType: failure.type, retryable: failure.retryable }
    verdicts.set(job.peerId, { peerId: job.peerId, ...entry, ...(job.member ? { member: job.member } : {}) })
    report(job, { connected: false, state: 'failed', ...entry, ...(failure.step ? { step: failure.step } : {}) })
  }

  for (const target of targets) {
    const job: Job = {
      peerId: target.peerId ?? unknownPeerId(target.member),
      ...(target.member ? { member: target.member } : {}),
    }
    if (verdicts.has(job.peerId) || (job.peerId === transport.peerId && options.excludeSelf !== false)) continue
    verdicts.set(job.peerId, undefined)
    if (job.peerId === transport.peerId) continue
    if (target.peerId === undefined) {
      fail(job, {
        type: ConnectivityErrorType.PEER_NOT_FOUND,
        retryable: true,
        message: 'Peer id of the member is not known',
      })
      continue
    }
    waiting.push(job)
    report(job, { connected: false, state: 'waiting' })
  }

  let running = 0
  const connectOne = async (job: Job): Promise<void> => {
    const since = clock.now()
    report(job, { connected: false, state: 'connecting' })
    const behind = Math.max(0, waiting.length - (GATE_PARALLEL - running))
    const waves = 1 + Math.ceil(behind / GATE_PARALLEL)
    const outcome = await connectPeer({
      transport,
      clock,
      peerId: job.peerId,
      candidates: deps.candidates(job.peerId),
      onReached: deps.onReached,
      signal: options.signal,
      lines: deps.lines,
      retry: deps.entropy,
      deadlineMs: Math.max(0, Math.floor((end - since) / waves)),
      onStep: step =>
        options.onStatus?.({
          peerId: job.peerId,
          ...(job.member ? { member: job.member } : {}),
          connected: false,
          state: 'connecting',
          step,
          since,
        }),
    })
    if (outcome.ok)
      report(job, { connected: true, state: 'connected', connectionType: outcome.kind, rttMs: outcome.rttMs })
    else fail(job, outcome.failure)
  }
  const slot = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      running++
      await connectOne(job)
      running--
    }
  }
  const jobs = [...waiting]
  const lost = (): Job[] =>
    jobs.filter(job => verdicts.get(job.peerId) === undefined && transport.connections(job.peerId).length === 0)
  for (let left = jobs; left.length > 0; left = lost()) {
    waiting.splice(0, waiting.length, ...left)
    await Promise.all(Array.from({ length: Math.min(GATE_PARALLEL, left.length) }, slot))
  }

  const failed = [...verdicts.values()].filter((f): f is GateFailure => f !== undefined)
  const connected = [...verdicts].filter(([, f]) => f === undefined).map(([peerId]) => peerId)
  return { allConnected: failed.length === 0, connected, failed }
}
