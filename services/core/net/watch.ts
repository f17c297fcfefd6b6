import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { ConnectionInfo, Transport, TransportEvent } from '../../ports/transport'
import type { ConnectivityError, ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId } from '../domain/ids'
import { classifyConnectivityError, netError } from './classify'
import { closeQuietly, connectPeer, PING_MS, upgradePeer, type ConnectOptions } from './connect'
import { withDeadline } from './deadline'
import { keptInstead } from './duplicates'
import { backoffMs } from './rate'
import type { LineBudget } from './lines'
import type { Candidate } from './rendezvous'

/** milliseconds between two pings of a watched peer; two misses mean dropped (contract.md, decision 8) */
export const WATCH_PING_MS = 4_000
const MISSES = 2
/** milliseconds of one background try */
const DIAL_MS = 20_000
const RETRY_BASE_MS = 1_000
const RETRY_MAX_MS = 60_000
/** a page has 500 RTCPeerConnections in its life: upgrades get rare soon, milliseconds */
const UPGRADE_BASE_MS = 1_000
const UPGRADE_MAX_MS = 600_000
/** Both sides would dial at the same moment; the greater peer id lets the other go first, milliseconds. */
const YIELD_MS = 2_000
/** milliseconds that an upgraded peer's relayed connection is kept, until the streams have moved */
const LINGER_MS = 5_000

export interface WatcherDeps {
  readonly transport: Pick<Transport, 'peerId' | 'connections' | 'dial' | 'ping' | 'closeConnection'>
  readonly clock: Clock
  readonly entropy: Entropy
  readonly lines: LineBudget
  candidates(peerId: PeerId): readonly Candidate[]
  readonly onReached: NonNullable<ConnectOptions['onReached']>
  /** unix milliseconds until which an offender is left alone; 0: not at all */
  blockedUntil(peerId: PeerId): number
  onStatus(status: ParticipantStatus): void
}

interface Entry {
  readonly peerId: PeerId
  member?: AccountKey
  refs: number
  /** nobody calls from the other side: there is nobody to let go first */
  alone: boolean
  status: ParticipantStatus
  fails: number
  misses: number
  upgrades: number
  holds: number
  checking?: Promise<void>
  dial?: AbortController
  retry?: () => void
  ping?: () => void
  upgrade?: () => void
  upgrading?: AbortController
}

/**
 * Keeps connections to the peers that matter: pings them, notices who drops, dials again with backoff, moves from
 * relayed to WebRTC. Invariants: 1. at most one background dial per peer, none while a gate holds it; 2. a status
 * changes only when something changed;
 * 3. after `stop` nothing is pending. An inbound connection, presence, `wake` and a released hold cut the backoff
 *    short.
 */
export class Watcher {
  readonly #entries = new Map<PeerId, Entry>()
  readonly #timers = new Set<() => void>()
  readonly #abort = new AbortController()
  #started = false

  constructor(private readonly d: WatcherDeps) {}

  /** The network is up: whoever is watched already is looked after from now on. */
  start(): void {
    this.#started = true
    this.wake()
  }

  /**
   * Watches the peer until the returned function was called as often as this one. `unknown`: the other side does not
   * watch this one.
   */
  watch(peerId: PeerId, member?: AccountKey, unknown = false): () => void {
    let entry = this.#entries.get(peerId)
    if (!entry) {
      const since = this.d.clock.now()
      entry = {
        peerId,
        refs: 0,
        alone: unknown,
        fails: 0,
        misses: 0,
        upgrades: 0,
        holds: 0,
        status: { peerId, connected: false, state: 'waiting', since },
      }
      this.#entries.set(peerId, entry)
      this.#look(entry)
    }
    entry.refs++
    entry.alone &&= unknown
    if (member && !entry.member) {
      entry.member = member
      entry.status = { ...entry.status, member }
    }
    const watched = entry
    let released = false
    return () => {
      if (released) return
      released = true
      if (--watched.refs > 0) return
      this.#entries.delete(peerId)
      this.#clear(watched)
    }
  }

  status(peerId: PeerId): ParticipantStatus | undefined {
    return this.#entries.get(peerId)?.status
  }

  statuses(): ParticipantStatus[] {
    return [...this.#entries.values()].map(e => e.status)
  }

  /** A gate dials these itself: no background dial until released. */
  hold(peerIds: readonly PeerId[]): () => void {
    const held = peerIds.flatMap(p => this.#entries.get(p) ?? [])
    for (const entry of held) {
      entry.holds++
      entry.retry?.()
      entry.dial?.abort(netError('AbortError', 'the gate dials'))
    }
    return () => {
      for (const entry of held) if (--entry.holds === 0) this.#look(entry)
    }
  }

  /** Something says that the peer is there. */
  hint(peerId: PeerId): void {
    const entry = this.#entries.get(peerId)
    if (!entry || entry.status.connected || entry.dial) return
    entry.fails = 0
    this.#retryIn(entry, this.#first(entry))
  }

  /** The page is seen again, or online again: everything is checked now. */
  wake(): void {
    for (const entry of this.#entries.values()) {
      entry.fails = 0
      entry.upgrades = 0
      this.#look(entry)
    }
  }

  onTransport(event: TransportEvent): void {
    if (event.type !== 'connected' && event.type !== 'disconnected') return
    const entry = this.#entries.get(event.connection.peerId)
    if (!entry) return
    if (event.type === 'connected' && event.connection.direction === 'inbound') entry.fails = 0
    // on a new connection the older ones are pinged as well: after a reload of the other side they are dead
    if (event.type === 'connected' || this.#open(entry).length === 0) this.#look(entry)
    else if (entry.status.connected) this.#up(entry, this.#open(entry)[0], entry.status.rttMs)
  }

  stop(): void {
    this.#abort.abort(netError('AbortError', 'stopped'))
    for (const entry of this.#entries.values()) this.#clear(entry)
    for (const cancel of this.#timers) cancel()
    this.#entries.clear()
  }

  #alive(entry: Entry): boolean {
    return this.#started && !this.#abort.signal.aborted && this.#entries.get(entry.peerId) === entry
  }

  #open(entry: Entry): readonly ConnectionInfo[] {
    return this.d.transport.connections(entry.peerId)
  }

  #clear(entry: Entry): void {
    entry.retry?.()
    entry.ping?.()
    entry.upgrade?.()
    entry.dial?.abort(netError('AbortError', 'not watched any more'))
    entry.upgrading?.abort(netError('AbortError', 'not watched any more'))
  }

  #set(entry: Entry, status: Omit<ParticipantStatus, 'peerId' | 'member' | 'since'>): void {
    const since = status.state === entry.status.state ? entry.status.since : this.d.clock.now()
    const next: ParticipantStatus = {
      peerId: entry.peerId,
      ...(entry.member ? { member: entry.member } : {}),
      ...status,
      since,
    }
    const before = entry.status
    entry.status = next
    const same =
      before.state === next.state &&
      before.step === next.step &&
      before.connectionType === next.connectionType &&
      before.rttMs === next.rttMs &&
      before.errorType === next.errorType
    if (!same) this.d.onStatus(next)
  }

  /** Pings all connections of the peer, closes the silent ones; none left: dials. One look at a time. */
  #look(entry: Entry): void {
    if (!this.#alive(entry)) return
    if (entry.checking) {
      // something changed meanwhile: once more after this one
      const running = entry.checking
      void running.then(() => {
        if (entry.checking === undefined) this.#look(entry)
      })
      return
    }
    const open = this.#open(entry)
    if (open.length === 0) {
      if (entry.status.connected) this.#down(entry, netError('ConnectionLostError', 'connection lost'))
      else if (!entry.dial) this.#retryIn(entry, this.#delay(entry))
      return
    }
    entry.checking = this.#check(entry, open).finally(() => {
      entry.checking = undefined
    })
  }

  async #check(entry: Entry, open: readonly ConnectionInfo[]): Promise<void> {
    const rtts = await Promise.all(open.map(async c => ({ c, rtt: await this.#ping(c) })))
    if (!this.#alive(entry)) return
    const answered = rtts.filter(({ rtt }) => rtt !== undefined).map(({ c }) => c)
    for (const { c } of rtts)
      if (!answered.includes(c) || this.#isOneTooMany(c, answered)) closeQuietly(this.d.transport, c)
    const live = rtts.find(({ c, rtt }) => rtt !== undefined && this.#open(entry).some(o => o.id === c.id))
    if (live) this.#up(entry, live.c, live.rtt)
    else if (entry.status.connected) this.#down(entry, netError('TimeoutError', 'no answer to a ping'))
    // a connection that came and went, such as the one that carries a WebRTC offer, is no news
    else if (!entry.dial) this.#retryIn(entry, this.#delay(entry))
  }

  /**
   * Relayed ones come and go with the offers that they carry, and are closed when the peer is reached without
   * (`#settled`).
   */
  #isOneTooMany(connection: ConnectionInfo, answered: readonly ConnectionInfo[]): boolean {
    return (
      connection.kind !== 'relay' &&
      keptInstead(this.d.transport.peerId, connection, answered, this.d.clock.now()) !== undefined
    )
  }

  async #ping(connection: ConnectionInfo): Promise<number | undefined> {
    try {
      return await withDeadline({ clock: this.d.clock, ms: PING_MS, signal: this.#abort.signal }, signal =>
        this.d.transport.ping(connection.id, { signal }),
      )
    } catch {
      return undefined
    }
  }

  #up(entry: Entry, connection: ConnectionInfo | undefined, rttMs: number | undefined): void {
    if (!connection || !this.#alive(entry)) return
    entry.fails = 0
    entry.misses = 0
    // a dial under way is left alone: this may be its very connection, not yet handed over
    entry.retry?.()
    this.#set(entry, {
      connected: true,
      state: 'connected',
      connectionType: connection.kind,
      ...(rttMs === undefined ? {} : { rttMs }),
    })
    this.#pingLater(entry)
    if (connection.kind === 'relay') this.#upgradeLater(entry)
    else this.#settled(entry)
  }

  #down(entry: Entry, error: Error | ConnectivityError): void {
    if (!this.#alive(entry)) return
    const failure = error instanceof Error ? classifyConnectivityError(entry.peerId, error, 'ping') : error
    entry.ping?.()
    entry.upgrade?.()
    entry.upgrade = undefined
    this.#set(entry, {
      connected: false,
      state: 'failed',
      error: failure.message,
      errorType: failure.type,
      retryable: failure.retryable,
      ...(failure.step ? { step: failure.step } : {}),
    })
    this.#retryIn(entry, this.#delay(entry))
  }

  #pingLater(entry: Entry): void {
    entry.ping?.()
    entry.ping = this.d.clock.after(WATCH_PING_MS, () => {
      void this.#pingNow(entry)
    })
  }

  async #pingNow(entry: Entry): Promise<void> {
    const best = this.#open(entry)[0]
    if (!best) return this.#look(entry)
    const rtt = await this.#ping(best)
    if (!this.#alive(entry) || !this.#open(entry).some(c => c.id === best.id)) return
    if (rtt !== undefined) {
      // which of two goes may be clear only after a while
      if (this.#open(entry).filter(c => c.kind !== 'relay').length > 1) return this.#look(entry)
      return this.#up(entry, this.#open(entry)[0], rtt)
    }
    entry.misses++
    if (entry.misses < MISSES) return this.#pingLater(entry)
    closeQuietly(this.d.transport, best)
    this.#down(entry, netError('TimeoutError', 'two pings missed'))
  }

  // ---------------------------------------------------------------- dialling again

  #byte(): number {
    return this.d.entropy.bytes(1)[0] ?? 0
  }

  #first(entry: Entry): number {
    return (entry.alone || this.d.transport.peerId < entry.peerId ? 0 : YIELD_MS) + this.#byte()
  }

  #delay(entry: Entry): number {
    return entry.fails === 0
      ? this.#first(entry)
      : backoffMs(entry.fails - 1, RETRY_BASE_MS, RETRY_MAX_MS, this.#byte())
  }

  #retryIn(entry: Entry, ms: number): void {
    entry.retry?.()
    if (!this.#alive(entry) || entry.holds > 0) return
    const blocked = this.d.blockedUntil(entry.peerId)
    entry.retry = this.d.clock.after(Math.max(ms, blocked - this.d.clock.now()), () => {
      void this.#dialNow(entry)
    })
  }

  async #dialNow(entry: Entry): Promise<void> {
    if (!this.#alive(entry) || entry.dial || entry.holds > 0 || entry.status.connected) return
    const candidates = this.d.candidates(entry.peerId)
    const dial = new AbortController()
    entry.dial = dial
    this.#set(entry, { connected: false, state: 'connecting' })
    const outcome = await connectPeer({
      transport: this.d.transport,
      clock: this.d.clock,
      peerId: entry.peerId,
      candidates,
      deadlineMs: DIAL_MS,
      signal: dial.signal,
      lines: this.d.lines,
      onReached: this.d.onReached,
      onStep: step => {
        if (entry.dial === dial && !entry.status.connected)
          this.#set(entry, { connected: false, state: 'connecting', step })
      },
    })
    entry.dial = undefined
    if (!this.#alive(entry) || entry.status.connected) return
    if (outcome.ok) return this.#up(entry, outcome.connection, outcome.rttMs)
    if (dial.signal.aborted) return
    entry.fails++
    this.#down(entry, outcome.failure)
  }

  // ---------------------------------------------------------------- relayed -> WebRTC

  #upgradeLater(entry: Entry): void {
    if (entry.upgrade || entry.upgrading) return
    const ms = backoffMs(entry.upgrades * 2, UPGRADE_BASE_MS, UPGRADE_MAX_MS, this.#byte()) + this.#first(entry)
    entry.upgrade = this.d.clock.after(ms, () => {
      void this.#upgradeNow(entry)
    })
  }

  async #upgradeNow(entry: Entry): Promise<void> {
    entry.upgrade = undefined
    if (!this.#alive(entry)) return
    entry.upgrades++
    const dial = new AbortController()
    entry.upgrading = dial
    await upgradePeer({
      transport: this.d.transport,
      clock: this.d.clock,
      peerId: entry.peerId,
      candidates: this.d.candidates(entry.peerId),
      deadlineMs: DIAL_MS,
      signal: dial.signal,
      lines: this.d.lines,
      onReached: this.d.onReached,
    })
    entry.upgrading = undefined
    this.#look(entry)
  }

  /** The peer is reached without a relay: what runs over one gets time to move, then it goes. */
  #settled(entry: Entry): void {
    entry.upgrade?.()
    entry.upgrade = undefined
    entry.upgrades = 0
    const relayed = this.#open(entry).filter(c => c.kind === 'relay' && c.direction === 'outbound')
    if (relayed.length === 0) return
    const cancel = this.d.clock.after(LINGER_MS, () => {
      this.#timers.delete(cancel)
      if (this.#open(entry)[0]?.kind !== 'relay') for (const c of relayed) closeQuietly(this.d.transport, c)
    })
    this.#timers.add(cancel)
  }
}
