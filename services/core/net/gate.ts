import { ConnectivityErrorType, type ConnectivityError, type ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId } from '../domain/ids'
import { connectPeer, type ConnectDeps } from './connect'

/** peers that are dialled at the same time (docs/connectivity.md, "The gate") */
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

/** Stands for a member whose peer id nobody knows (docs/connectivity.md, "The gate"). */
export const unknownPeerId = (member: AccountKey | undefined): PeerId => `unknown:${(member ?? '').slice(0, 8)}`

/**
 * The gate (docs/connectivity.md, "The gate"): connects everybody in parallel, says who is there, who is not, and why.
 * 1. Every distinct target is in exactly one of `connected` and `failed`, in the order in which they were given.
 * 2. It ends within `connectivityTimeoutMs`. All dials, timers and listeners are gone then.
 * 3. Only those are blamed who were not there at their own deadline.
 * 4. Who answered early and was lost while the others were waited for is connected anew, or has failed.
 * 5. With more targets than are dialled at once, the time is shared out, so that the later ones get their turn.
 * Never rejects: network trouble and an aborted `signal` are results.
 */
export async function runGate(
  deps: ConnectDeps,
  targets: readonly GateTarget[],
  options: GateOptions = {},
): Promise<GateResult> {
  const run = new GateRun(deps, options)
  for (const target of targets) run.add(target)
  return run.connectAll()
}

/** A target that is dialled. */
interface Job {
  readonly peerId: PeerId
  readonly member?: AccountKey
}

type Progress = Omit<ParticipantStatus, 'peerId' | 'member' | 'since'>

class GateRun {
  /** unix milliseconds */
  readonly #end: number
  /** why each target failed; undefined while it has not */
  readonly #failures = new Map<PeerId, GateFailure | undefined>()
  readonly #jobs: Job[] = []
  #waiting: Job[] = []
  #running = 0

  constructor(
    private readonly d: ConnectDeps,
    private readonly options: GateOptions,
  ) {
    this.#end = d.clock.now() + (options.connectivityTimeoutMs ?? GATE_TIMEOUT_MS)
  }

  add({ peerId, member }: GateTarget): void {
    const self = this.d.transport.peerId
    const job: Job = { peerId: peerId ?? unknownPeerId(member), ...(member ? { member } : {}) }
    if (this.#failures.has(job.peerId) || (job.peerId === self && this.options.excludeSelf !== false)) return
    this.#failures.set(job.peerId, undefined)
    if (job.peerId === self) return
    if (peerId === undefined) {
      this.#fail(job, {
        type: ConnectivityErrorType.PEER_NOT_FOUND,
        retryable: true,
        message: 'Peer id of the member is not known',
      })
      return
    }
    this.#jobs.push(job)
    this.#report(job, { connected: false, state: 'waiting' })
  }

  async connectAll(): Promise<GateResult> {
    for (let left = this.#jobs; left.length > 0; left = this.#lost()) {
      this.#waiting = [...left]
      await Promise.all(Array.from({ length: Math.min(GATE_PARALLEL, left.length) }, () => this.#connectWaiting()))
    }
    const failed = [...this.#failures.values()].filter((f): f is GateFailure => f !== undefined)
    const connected = [...this.#failures].filter(([, f]) => f === undefined).map(([peerId]) => peerId)
    return { allConnected: failed.length === 0, connected, failed }
  }

  /** Who was connected and is no more. */
  #lost(): Job[] {
    return this.#jobs.filter(
      job => this.#failures.get(job.peerId) === undefined && this.d.transport.connections(job.peerId).length === 0,
    )
  }

  async #connectWaiting(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      this.#running++
      await this.#connect(job)
      this.#running--
    }
  }

  async #connect(job: Job): Promise<void> {
    const { clock, entropy } = this.d
    const since = clock.now()
    this.#report(job, { connected: false, state: 'connecting' })
    const outcome = await connectPeer({
      ...this.d,
      peerId: job.peerId,
      candidates: this.d.candidates(job.peerId),
      signal: this.options.signal,
      retry: entropy,
      deadlineMs: Math.max(0, Math.floor((this.#end - since) / this.#wavesLeft())),
      onStep: step => this.#report(job, { connected: false, state: 'connecting', step }, since),
    })
    if (outcome.ok)
      this.#report(job, {
        connected: true,
        state: 'connected',
        connectionType: outcome.kind,
        rttMs: outcome.rttMs,
      })
    else this.#fail(job, outcome.failure)
  }

  /** How often as many as are dialled at once are still to be dialled, those of now included. */
  #wavesLeft(): number {
    const behind = Math.max(0, this.#waiting.length - (GATE_PARALLEL - this.#running))
    return 1 + Math.ceil(behind / GATE_PARALLEL)
  }

  #fail(job: Job, failure: Omit<ConnectivityError, 'peerId'>): void {
    const entry = { error: failure.message, errorType: failure.type, retryable: failure.retryable }
    this.#failures.set(job.peerId, { ...entry, ...job })
    this.#report(job, { connected: false, state: 'failed', ...entry, ...(failure.step ? { step: failure.step } : {}) })
  }

  #report(job: Job, progress: Progress, since = this.d.clock.now()): void {
    this.options.onStatus?.({ ...job, since, ...progress })
  }
}
