import type { Clock } from '../../ports/clock'
import type { DialOptions, Transport } from '../../ports/transport'
import { BoundedMap } from '../domain/bounded-map'
import { natHint, type CandidateFact } from '../domain/candidate'
import type { Attempt, AttemptFact, AttemptStep, AttemptStepName, CandidateCount } from '../domain/diagnostics'
import type { PeerId } from '../domain/ids'
import { relayOfAddress } from './rendezvous'

/** attempts that are kept of one peer */
export const ATTEMPTS_KEPT = 8
/**
 * peers of whom attempts are kept, those of the last attempts: every member of a large wallet, and strangers cannot
 * fill the memory
 */
const PEERS_KEPT = 128
/**
 * candidates of one side that are counted: a browser with many interfaces gathers some twenty, a peer may send any
 * number
 */
const CANDIDATES_KEPT = 32
/** characters of a raw error */
const ERROR_CHARS = 300

interface Running {
  readonly id: number
  readonly direction: Attempt['direction']
  readonly via: Attempt['via']
  readonly relay?: PeerId
  readonly at: number
  state: Attempt['state']
  endedAt?: number
  error?: string
  readonly steps: Array<{ step: AttemptStepName; at: number; ms?: number }>
  readonly local: CandidateFact[]
  readonly remote: CandidateFact[]
}

/** The part of a transport that is watched. */
type Dialler = Pick<Transport, 'dial' | 'ping'>

const rawError = (error: unknown): string => {
  if (error instanceof Error) return `${error.name}: ${error.message}`.slice(0, ERROR_CHARS)
  const type = typeof error === 'object' && error !== null ? (error as { readonly type?: unknown }).type : undefined
  return typeof type === 'string' ? `event ${type}`.slice(0, ERROR_CHARS) : String(error).slice(0, ERROR_CHARS)
}

/**
 * The record of attempts to connect, for the diagnostics screen: which steps, how long each, which candidates, what
 * ended it. Bounded per peer and in all. It only watches, and nothing depends on it.
 */
export class Timeline {
  readonly #peers = new BoundedMap<PeerId, Running[]>(PEERS_KEPT, attempts => {
    for (const attempt of attempts) this.#forget(attempt)
  })
  /** attempts whose connection is open and whose first ping is still to come, by connection */
  readonly #unproven = new Map<string, Running>()
  readonly #answers = new Map<number, Running>()
  #counter = 0

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** The same transport, whose dials and first pings are recorded. */
  watch<T extends Dialler>(transport: T): T {
    const dial = async (peerId: PeerId, address: string, options: DialOptions) => {
      const attempt = this.#begin(
        peerId,
        'outbound',
        address.includes('/webrtc') ? 'webrtc' : 'relay',
        relayOfAddress(address),
      )
      this.#step(attempt, 'resolve')
      try {
        const connection = await transport.dial(peerId, address, {
          signal: options.signal,
          onStep: step => {
            this.#step(attempt, step)
            options.onStep?.(step)
          },
          onFact: fact => {
            this.#note(attempt, fact)
            options.onFact?.(fact)
          },
        })
        this.#unproven.set(connection.id, attempt)
        return connection
      } catch (error) {
        this.#end(attempt, rawError(error))
        throw error
      }
    }
    const ping = async (id: string, options: { readonly signal: AbortSignal }): Promise<number> => {
      const attempt = this.#unproven.get(id)
      this.#unproven.delete(id)
      if (attempt) this.#step(attempt, 'ping')
      try {
        const ms = await transport.ping(id, options)
        if (attempt) this.#end(attempt)
        return ms
      } catch (error) {
        if (attempt) this.#end(attempt, rawError(error))
        throw error
      }
    }
    return new Proxy(transport, {
      get(target, key) {
        if (key === 'dial') return dial
        if (key === 'ping') return ping
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  /** Something of an answer to a peer's offer; `answer` names it. */
  onAnswer(answer: number, peerId: PeerId, fact: AttemptFact): void {
    let attempt = this.#answers.get(answer)
    if (!attempt) {
      attempt = this.#begin(peerId, 'inbound', 'webrtc')
      this.#answers.set(answer, attempt)
    }
    this.#note(attempt, fact)
    if (fact.type === 'open') this.#end(attempt)
    if (fact.type === 'failed') this.#end(attempt, fact.error)
    if (attempt.state !== 'running') this.#answers.delete(answer)
  }

  /** Newest first. */
  attempts(peerId: PeerId): Attempt[] {
    return (this.#peers.get(peerId) ?? []).map(picture).reverse()
  }

  clear(): void {
    this.#peers.clear()
    this.#unproven.clear()
    this.#answers.clear()
  }

  #begin(peerId: PeerId, direction: Attempt['direction'], via: Attempt['via'], relay?: PeerId): Running {
    const attempt: Running = {
      id: ++this.#counter,
      direction,
      via,
      ...(relay ? { relay } : {}),
      at: this.clock.now(),
      state: 'running',
      steps: [],
      local: [],
      remote: [],
    }
    const list = this.#peers.getOrInsert(peerId, () => [])
    list.push(attempt)
    for (const old of list.splice(0, Math.max(0, list.length - ATTEMPTS_KEPT))) this.#forget(old)
    return attempt
  }

  #forget(attempt: Running): void {
    for (const [id, a] of this.#unproven) if (a === attempt) this.#unproven.delete(id)
    for (const [id, a] of this.#answers) if (a === attempt) this.#answers.delete(id)
  }

  #note(attempt: Running, fact: AttemptFact): void {
    if (attempt.state !== 'running') return
    if (fact.type === 'step') this.#step(attempt, fact.step)
    if (fact.type === 'candidate' && attempt[fact.side].length < CANDIDATES_KEPT)
      attempt[fact.side].push(fact.candidate)
  }

  #step(attempt: Running, step: AttemptStepName): void {
    if (attempt.state !== 'running' || attempt.steps.some(s => s.step === step)) return
    this.#close(attempt)
    attempt.steps.push({ step, at: this.clock.now() })
  }

  #end(attempt: Running, error?: string): void {
    if (attempt.state !== 'running') return
    this.#close(attempt)
    attempt.endedAt = this.clock.now()
    attempt.state = error === undefined ? 'connected' : 'failed'
    if (error !== undefined) attempt.error = error
  }

  #close(attempt: Running): void {
    const last = attempt.steps.at(-1)
    if (last && last.ms === undefined) last.ms = this.clock.now() - last.at
  }
}

function count(facts: readonly CandidateFact[]): CandidateCount {
  const counted: Partial<Record<CandidateFact['kind'], number>> = {}
  for (const { kind } of facts) counted[kind] = (counted[kind] ?? 0) + 1
  return counted
}

function picture(a: Running): Attempt {
  return {
    id: a.id,
    direction: a.direction,
    via: a.via,
    at: a.at,
    state: a.state,
    steps: a.steps.map((s): AttemptStep => ({ ...s })),
    local: count(a.local),
    remote: count(a.remote),
    nat: natHint(a.local),
    ...(a.relay ? { relay: a.relay } : {}),
    ...(a.endedAt === undefined ? {} : { ms: a.endedAt - a.at }),
    ...(a.error === undefined ? {} : { error: a.error }),
  }
}
