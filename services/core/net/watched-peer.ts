import type { ConnectionInfo } from '../../ports/transport'
import type { ConnectivityError } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'
import { closeQuietly, PING_MS } from './attempt'
import { backoffMs } from './backoff'
import { classifyConnectivityError, netError } from './classify'
import { BACKGROUND_DIAL_MS, connectPeer, type ConnectDeps } from './connect'
import { withDeadline } from './deadline'
import { keptInstead } from './duplicates'
import type { Peers, StatusChange } from './peers'
import { RelayUpgrade, type RelayedClosings } from './upgrade'

/** milliseconds between two pings of a watched peer; two misses mean dropped (docs/connectivity.md, "Statuses") */
const WATCH_PING_MS = 4_000
const MISSES = 2
const RETRY_BASE_MS = 1_000
const RETRY_MAX_MS = 60_000
/** Both sides would dial at the same moment; the greater peer id lets the other go first, milliseconds. */
const YIELD_MS = 2_000

export interface WatchDeps extends ConnectDeps {
  readonly peers: Peers
  /** unix milliseconds until which an offender is left alone; 0: not at all */
  blockedUntil(peerId: PeerId): number
}

export interface WatchedPeerDeps extends WatchDeps {
  readonly closings: RelayedClosings
  /** false: the network is not up yet */
  isStarted(): boolean
}

/**
 * One peer to whom a connection is kept. Its status is written to `peers`.
 * 1. Every connection is pinged when it comes. The best one is pinged again every 4 s. A silent one is closed.
 * 2. When there is none left the peer is dialled, again and again, with backoff.
 * 3. There is at most one such dial. There is none while somebody else dials the peer (`hold`).
 * 4. While the only connection is relayed, WebRTC is tried beside it (upgrade.ts).
 * 5. After `stop` nothing is pending.
 */
export class WatchedPeer {
  /** how many want it watched */
  uses = 0
  readonly #upgrade: RelayUpgrade
  readonly #stop = new AbortController()
  #holds = 0
  #failedDials = 0
  #missedPings = 0
  #verifying: Promise<void> | undefined
  #dial: AbortController | undefined
  #retryTimer: (() => void) | undefined
  #pingTimer: (() => void) | undefined

  /** @param isUnknownThere nobody dials from the other side: there is nobody to let go first */
  constructor(
    private readonly d: WatchedPeerDeps,
    readonly peerId: PeerId,
    public isUnknownThere: boolean,
  ) {
    this.#upgrade = new RelayUpgrade(
      { ...d, headStartMs: () => this.#firstDelayMs(), onTried: () => this.verify() },
      peerId,
    )
  }

  get #connected(): boolean {
    return this.d.peers.get(this.peerId)?.status.connected ?? false
  }

  get #active(): boolean {
    return this.d.isStarted() && !this.#stop.signal.aborted
  }

  /** Somebody else dials the peer: no background dial until `release`. */
  hold(): void {
    this.#holds++
    this.#retryTimer?.()
    this.#dial?.abort(netError('AbortError', 'the gate dials'))
  }

  release(): void {
    if (--this.#holds === 0) this.verify()
  }

  /** Something says that the peer is there. */
  onHeard(): void {
    if (this.#connected || this.#dial) return
    this.#failedDials = 0
    this.#dialIn(this.#firstDelayMs())
  }

  /** The page or its network is back: everything is verified now. */
  wake(): void {
    this.#failedDials = 0
    this.#upgrade.resetBackoff()
    this.verify()
  }

  onConnected(connection: ConnectionInfo): void {
    if (connection.direction === 'inbound') this.#failedDials = 0
    // the older ones are pinged as well: after a reload of the other side they are dead
    this.verify()
  }

  onDisconnected(): void {
    const [best] = this.#open()
    if (!best) this.verify()
    else if (this.#connected) this.#up(best, this.d.peers.get(this.peerId)?.status.rttMs)
  }

  stop(): void {
    this.#retryTimer?.()
    this.#pingTimer?.()
    this.#upgrade.stop()
    const reason = netError('AbortError', 'not watched any more')
    this.#dial?.abort(reason)
    this.#stop.abort(reason)
  }

  /** Pings all connections of the peer and closes the silent ones. None left: dials. One verification at a time. */
  verify(): void {
    if (!this.#active) return
    if (this.#verifying) {
      // something changed meanwhile: once more after this one
      void this.#verifying.then(() => {
        if (this.#verifying === undefined) this.verify()
      })
      return
    }
    const open = this.#open()
    if (open.length === 0) {
      if (this.#connected) this.#down(netError('ConnectionLostError', 'connection lost'))
      else if (!this.#dial) this.#dialIn(this.#delayMs())
      return
    }
    this.#verifying = this.#pingAll(open).finally(() => {
      this.#verifying = undefined
    })
  }

  #open(): readonly ConnectionInfo[] {
    return this.d.transport.connections(this.peerId)
  }

  #setStatus(status: StatusChange): void {
    this.d.peers.setStatus(this.peerId, status)
  }

  // ---------------------------------------------------------------- pings

  async #pingAll(open: readonly ConnectionInfo[]): Promise<void> {
    const pings = await Promise.all(open.map(async c => ({ c, rtt: await this.#ping(c) })))
    if (!this.#active) return
    const answered = pings.filter(({ rtt }) => rtt !== undefined).map(({ c }) => c)
    for (const c of open)
      if (!answered.includes(c) || this.#isOneTooMany(c, answered)) closeQuietly(this.d.transport, c)
    const live = pings.find(({ c, rtt }) => rtt !== undefined && this.#open().some(o => o.id === c.id))
    if (live) this.#up(live.c, live.rtt)
    else if (this.#connected) this.#down(netError('TimeoutError', 'no answer to a ping'))
    // a connection that came and went, such as the one that carries a WebRTC offer, is no news
    else if (!this.#dial) this.#dialIn(this.#delayMs())
  }

  /** Relayed ones come and go with the offers that they carry. They are closed when WebRTC is up. */
  #isOneTooMany(connection: ConnectionInfo, answered: readonly ConnectionInfo[]): boolean {
    return (
      connection.kind !== 'relay' &&
      keptInstead(this.d.transport.peerId, connection, answered, this.d.clock.now()) !== undefined
    )
  }

  async #ping(connection: ConnectionInfo): Promise<number | undefined> {
    try {
      return await withDeadline({ clock: this.d.clock, ms: PING_MS, signal: this.#stop.signal }, signal =>
        this.d.transport.ping(connection.id, { signal }),
      )
    } catch {
      return undefined
    }
  }

  #pingLater(): void {
    this.#pingTimer?.()
    this.#pingTimer = this.d.clock.after(WATCH_PING_MS, () => {
      void this.#pingBest()
    })
  }

  async #pingBest(): Promise<void> {
    const [best] = this.#open()
    if (!best) return this.verify()
    const rtt = await this.#ping(best)
    const open = this.#open()
    if (!this.#active || !open.some(c => c.id === best.id)) return
    if (rtt !== undefined) {
      // which of two is one too many may be clear only after a while
      return open.filter(c => c.kind !== 'relay').length > 1 ? this.verify() : this.#up(open[0], rtt)
    }
    this.#missedPings++
    if (this.#missedPings < MISSES) return this.#pingLater()
    closeQuietly(this.d.transport, best)
    this.#down(netError('TimeoutError', 'two pings missed'))
  }

  // ---------------------------------------------------------------- up and down

  #up(connection: ConnectionInfo | undefined, rttMs: number | undefined): void {
    if (!connection || !this.#active) return
    this.#failedDials = 0
    this.#missedPings = 0
    // a dial under way is left alone: this may be its very connection, not yet handed over
    this.#retryTimer?.()
    this.#setStatus({
      connected: true,
      state: 'connected',
      connectionType: connection.kind,
      ...(rttMs === undefined ? {} : { rttMs }),
    })
    this.#pingLater()
    if (connection.kind === 'relay') return this.#upgrade.schedule()
    this.#upgrade.cancel()
    this.#upgrade.resetBackoff()
    this.d.closings.schedule(this.peerId)
  }

  #down(error: Error | ConnectivityError): void {
    if (!this.#active) return
    const failure = error instanceof Error ? classifyConnectivityError(this.peerId, error, 'ping') : error
    this.#pingTimer?.()
    this.#upgrade.cancel()
    this.#setStatus({
      connected: false,
      state: 'failed',
      error: failure.message,
      errorType: failure.type,
      retryable: failure.retryable,
      ...(failure.step ? { step: failure.step } : {}),
    })
    this.#dialIn(this.#delayMs())
  }

  // ---------------------------------------------------------------- dialling

  #jitter(): number {
    return this.d.entropy.bytes(1)[0] ?? 0
  }

  #firstDelayMs(): number {
    const mayGoFirst = this.isUnknownThere || this.d.transport.peerId < this.peerId
    return (mayGoFirst ? 0 : YIELD_MS) + this.#jitter()
  }

  #delayMs(): number {
    return this.#failedDials === 0
      ? this.#firstDelayMs()
      : backoffMs(this.#failedDials - 1, RETRY_BASE_MS, RETRY_MAX_MS, this.#jitter())
  }

  #dialIn(ms: number): void {
    this.#retryTimer?.()
    if (!this.#active || this.#holds > 0) return
    const blockedMs = this.d.blockedUntil(this.peerId) - this.d.clock.now()
    this.#retryTimer = this.d.clock.after(Math.max(ms, blockedMs), () => {
      void this.#dialNow()
    })
  }

  async #dialNow(): Promise<void> {
    if (!this.#active || this.#dial || this.#holds > 0 || this.#connected) return
    const { transport, clock, budget, onReached } = this.d
    const candidates = this.d.candidates(this.peerId)
    const dial = new AbortController()
    this.#dial = dial
    this.#setStatus({ connected: false, state: 'connecting' })
    const outcome = await connectPeer({
      transport,
      clock,
      budget,
      onReached,
      peerId: this.peerId,
      candidates,
      deadlineMs: BACKGROUND_DIAL_MS,
      signal: dial.signal,
      onStep: step => {
        if (this.#dial === dial && !this.#connected) this.#setStatus({ connected: false, state: 'connecting', step })
      },
    })
    this.#dial = undefined
    if (!this.#active || this.#connected) return
    if (outcome.ok) return this.#up(outcome.connection, outcome.rttMs)
    if (dial.signal.aborted) return
    this.#failedDials++
    this.#down(outcome.failure)
  }
}
