import { ConnectivityErrorType, type ConnectivityError, type ConnectStep } from '../domain/connectivity'
import { attempt, isLive, openConnection, type DialTarget, type LiveConnection } from './attempt'
import { classifyAttempts, netError, type FailedAttempt } from './classify'
import { pause, reasonOf } from './deadline'
import type { Candidate } from './rendezvous'

/**
 * milliseconds of one address at most. ICE over a slow network needs some; a dead relay must not use up the whole
 * deadline.
 */
export const ATTEMPT_MS = 12_000

/**
 * milliseconds that WebRTC has for itself before the plain circuit is tried beside it. WebRTC mostly succeeds within
 * 0.3 s, over a relay that is 300 ms late within 4 s. A network that drops UDP says nothing at all.
 */
export const HEAD_START_MS = 3_000

/** A failed try, with the relay that it went through. */
export type RelayAttempt = FailedAttempt & { readonly relay: string }

export interface DialRaceOptions extends DialTarget {
  /** addresses in the order in which they are tried */
  readonly candidates: readonly Candidate[]
  readonly deadlineMs: number
}

type OnStep = (step: ConnectStep) => void

/**
 * One round over all candidates, as Happy Eyeballs (RFC 8305) does it with IPv6 and IPv4.
 * 1. WebRTC is tried first, through one relay after the other.
 * 2. The plain circuit is tried beside it after `HEAD_START_MS`, or as soon as WebRTC has failed.
 * 3. Whatever answers first is taken, and the other dial is given up.
 * 4. From a relayed connection the watcher moves on to WebRTC later (upgrade.ts).
 * 5. An open connection that answers a ping ends the round at once.
 */
export class DialRace {
  /** unix milliseconds */
  #end = 0
  /** relays that said they do not have the peer: another address through them would get the same answer */
  readonly #withoutPeer = new Set<string>()
  /** ends both kinds of dials */
  readonly #dials = new AbortController()
  /** ends the wait of the circuit */
  readonly #headStart = new AbortController()

  /** @param attempts gets what failed */
  constructor(
    private readonly o: DialRaceOptions,
    private readonly signal: AbortSignal,
    private readonly attempts: RelayAttempt[],
  ) {}

  async run(): Promise<LiveConnection | undefined> {
    const already = await openConnection(this.o, this.signal)
    if (already) return already
    this.#end = this.o.clock.now() + this.o.deadlineMs
    const onAbort = (): void => this.#giveUp(reasonOf(this.signal))
    this.signal.addEventListener('abort', onAbort, { once: true })
    try {
      // the dial that was given up rejects
      const ends = await Promise.allSettled([this.#webrtc(), this.#circuit()])
      if (this.signal.aborted) throw reasonOf(this.signal)
      const live = ends.find(end => end.status === 'fulfilled' && end.value !== undefined)
      if (live?.status === 'fulfilled') return live.value
      const broken = ends.find(end => end.status === 'rejected')
      if (broken) throw broken.reason
      return undefined
    } finally {
      this.signal.removeEventListener('abort', onAbort)
    }
  }

  #giveUp(reason: unknown): void {
    this.#dials.abort(reason)
    this.#headStart.abort()
  }

  async #webrtc(): Promise<LiveConnection | undefined> {
    try {
      return await this.#dial('webrtc', this.o.onStep)
    } finally {
      this.#headStart.abort()
    }
  }

  async #circuit(): Promise<LiveConnection | undefined> {
    await pause(this.o.clock, HEAD_START_MS, this.#headStart.signal)
    if (this.#dials.signal.aborted) return undefined
    return this.#dial('relay', step => {
      // people are told of one dial at a time
      if (this.#headStart.signal.aborted) this.o.onStep?.(step)
    })
  }

  async #dial(kind: Candidate['kind'], onStep: OnStep | undefined): Promise<LiveConnection | undefined> {
    const candidates = this.o.candidates.filter(c => c.kind === kind)
    const live = await this.#inTurn({ ...this.o, onStep }, candidates)
    if (live) this.#giveUp(netError('AbortError', 'connected the other way'))
    return live
  }

  /** One candidate after the other, each with its share of the time. */
  async #inTurn(target: DialTarget, candidates: readonly Candidate[]): Promise<LiveConnection | undefined> {
    let mayRepeat = true
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]
      if (!candidate || this.#withoutPeer.has(candidate.relay)) continue
      const left = candidates.slice(i).filter(c => !this.#withoutPeer.has(c.relay)).length
      let outcome = await this.#attempt(target, candidate, left)
      if ('failure' in outcome && mayRepeat && isWorthRepeating(candidate, outcome.failure)) {
        mayRepeat = false
        outcome = await this.#attempt(target, candidate, left)
      }
      if ('live' in outcome) return outcome.live
      // the peer may have reached us meanwhile
      const inbound = await openConnection(target, this.#dials.signal)
      if (inbound) return inbound
    }
    return undefined
  }

  async #attempt(
    target: DialTarget,
    candidate: Candidate,
    left: number,
  ): Promise<{ readonly live: LiveConnection } | { readonly failure: ConnectivityError }> {
    const share = Math.max(1, Math.ceil((this.#end - this.o.clock.now()) / left))
    const outcome = await attempt(target, candidate, Math.min(ATTEMPT_MS, share), this.#dials.signal)
    if (!isLive(outcome)) return { failure: this.#note(outcome, candidate.relay) }
    this.o.onReached?.(this.o.peerId, candidate.relay)
    return { live: outcome }
  }

  #note(failed: FailedAttempt, relay: string): ConnectivityError {
    const failure = classifyAttempts(this.o.peerId, [failed])
    if (failure.type === ConnectivityErrorType.PEER_NOT_FOUND) {
      // The relay's newest answer counts. An earlier try that came further ran over a connection of a browser that has
      // just left.
      this.#withoutPeer.add(relay)
      this.attempts.splice(0, this.attempts.length, ...this.attempts.filter(a => a.relay !== relay))
    }
    this.attempts.push({ ...failed, relay })
    return failure
  }
}

/** The second try of WebRTC mostly succeeds; once a round is enough. */
const isWorthRepeating = (candidate: Candidate, failure: ConnectivityError): boolean =>
  candidate.kind === 'webrtc' && failure.type === ConnectivityErrorType.WEBRTC_FAILED && failure.retryable
