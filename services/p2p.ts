/**
 * The network door: relays, presence, links to members, the gate, diagnostics. Module-level functions act on the one
 * instance that `initP2P` made. Long because it is where all parts of core/net are wired; each rule is in its own file
 * there.
 */
import { toHex, type Hex } from './core/domain/bytes'
import { ConnectivityErrorType, type ConnectionKind, type ParticipantStatus } from './core/domain/connectivity'
import type { LinkReport } from './core/domain/diagnostics'
import type { IceSettings } from './core/domain/ice'
import type { AccountKey, PeerId, WalletId } from './core/domain/ids'
import { AddressCache, storedPeers } from './core/net/address-cache'
import { netError } from './core/net/classify'
import { connectPeer } from './core/net/connect'
import { trackedClock } from './core/net/deadline'
import {
  GATE_TIMEOUT_MS,
  runGate,
  unknownPeerId,
  type GateFailure,
  type GateOptions,
  type GateResult,
  type GateTarget,
} from './core/net/gate'
import type { SelfInfo } from './core/net/hello'
import { LineBudget } from './core/net/lines'
import { Links, type LinkEvent, type MessageOf } from './core/net/links'
import { RelayChoice } from './core/net/relays'
import {
  candidates,
  circuitAddress,
  rankRelays,
  relayOfAddress,
  relayPeerId,
  TRIED_RANKS,
  type Candidate,
} from './core/net/rendezvous'
import { linkReport, relayRoundTrip } from './core/net/report'
import { Rooms, type PresenceWallet } from './core/net/rooms'
import { Timeline } from './core/net/timeline'
import { Watcher } from './core/net/watch'
import type { ProtocolName } from './core/wire/messages'
import type { Clock } from './ports/clock'
import type { Entropy } from './ports/entropy'
import type { Log } from './ports/log'
import type { Storage } from './ports/storage'
import type { RelayStatus, Transport, TransportEvent } from './ports/transport'

export type { GateFailure, GateOptions, GateResult, GateTarget } from './core/net/gate'
export type { MessageOf } from './core/net/links'
export type { PresenceWallet } from './core/net/rooms'

export interface P2PDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** Ed25519 signature by the peer key, which the network adapter holds */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /**
   * who is served and spoken to on which protocol: roster peers; on the join protocol also joiners of an open invite
   * and its creator
   */
  allowed(peerId: PeerId, protocol: ProtocolName): boolean
  /**
   * relays of config.json and settings: own reservations beside the wallets', and where peers of no wallet are looked
   * for
   */
  readonly relays: readonly string[]
  /** where the last known relays of peers are kept (store 'peers'); only for this run when omitted */
  readonly storage?: Pick<Storage, 'all' | 'put'>
  /** name of this build, visible ASCII, at most 32 characters; default 'dev' */
  readonly build?: string
  /** the first listener, in place before anything happens */
  readonly onEvent?: (event: P2PEvent) => void
}

/** Facts for stores; plain data. */
export type P2PEvent =
  | LinkEvent
  /** a watched peer changed */
  | { readonly type: 'peer'; readonly status: ParticipantStatus }
  | { readonly type: 'relay'; readonly relay: RelayStatus }
  /** own addresses; none means that nobody can reach this node */
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  /** a member was heard in a wallet's presence room */
  | {
      readonly type: 'presence'
      readonly walletId: WalletId
      readonly accountKey: AccountKey
      readonly peerId: PeerId
      readonly at: number
    }
  /** our own peer key announced a newer run: this one has stopped ("open on another device") */
  | { readonly type: 'newer-instance'; readonly instance: Hex; readonly startedAt: number }

/** How one member of a wallet can be reached now. */
export interface MemberOnline {
  readonly accountKey: AccountKey
  readonly peerId: PeerId
  readonly online: boolean
  /** unix milliseconds, by our clock, of the last announcement or answer */
  readonly lastSeen?: number
  readonly status?: ParticipantStatus
}

/** What discovery knows of a peer; addresses on relays of no list of ours are not dialled. */
export interface DiscoveredPeer {
  readonly peerId: PeerId
  readonly multiaddrs?: readonly string[]
  readonly relayAddrs?: readonly string[]
  readonly webrtcAddr?: string | null
}

export interface ConnectResult {
  readonly success: boolean
  readonly connectionType?: ConnectionKind
  readonly error?: string
  readonly errorType?: ConnectivityErrorType
}

export interface ConnectDiscoveredOptions {
  /** milliseconds, default 30 000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface WatchOptions {
  readonly member?: AccountKey
  /** relays on which the peer may be although no wallet says so (those of an invite) */
  readonly relays?: readonly string[]
  /** links that are kept open while there is a connection */
  readonly links?: readonly ProtocolName[]
  /** the other side does not know this peer yet, and so does not call it */
  readonly unknown?: boolean
}

export type P2P = ReturnType<typeof createP2P>

const MEMBER_LINKS: readonly ProtocolName[] = ['wallet', 'sign']
/** relays tried for one peer; the union of several wallets' ranks must not eat the deadline */
const MAX_RELAYS_TRIED = 8

/**
 * The network of one unlocked profile: wires the parts of core/net to the ports. Wallets may be joined before `start`;
 * after `stop` it is done for good. Network trouble is always a result or an event, never an exception.
 */
export function createP2P(deps: P2PDeps) {
  const { entropy, log } = deps
  const clock = trackedClock(deps.clock)
  const timeline = new Timeline(clock)
  const transport = timeline.watch(deps.transport)
  // `hello` cannot carry another one, and then no link would ever come up
  if (deps.build !== undefined && !/^[\x21-\x7e]{1,32}$/.test(deps.build))
    throw new TypeError('build: not 1 to 32 visible ASCII characters')
  const self: SelfInfo = {
    instance: toHex(entropy.bytes(16)),
    startedAt: Math.floor(clock.now()),
    build: deps.build ?? 'dev',
  }
  const listeners = new Set<(event: P2PEvent) => void>(deps.onEvent ? [deps.onEvent] : [])
  const running = new Set<AbortController>()
  const hints = new Map<PeerId, readonly string[]>()
  const memberships = new Map<WalletId, { readonly wallet: PresenceWallet; readonly release: () => void }>()
  const answered = new Map<PeerId, number>()
  /**
   * when a relay last said that it does not have a peer: what fails otherwise says nothing about whether it is online
   */
  const missed = new Map<PeerId, number>()
  let baseRelays = deps.relays
  let state: 'new' | 'running' | 'stopped' = 'new'

  const emit = (event: P2PEvent): void => {
    for (const listener of [...listeners]) listener(event)
  }
  const logError =
    (event: string) =>
    (error: unknown): void =>
      log.write('warn', event, { error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })

  const lines = new LineBudget(() => transport.directLines())
  const cache = new AddressCache(deps.storage && storedPeers(deps.storage), logError('net.peer-cache-failed'))
  const choice = new RelayChoice({ transport, clock, onError: logError('net.set-relays-failed') })
  const links = new Links({
    transport,
    clock,
    entropy,
    log,
    self,
    allowed: (peerId, protocol) => deps.allowed(peerId, protocol),
    onEvent: emit,
  })
  const rooms = new Rooms({
    transport,
    clock,
    entropy,
    log,
    self,
    sign: bytes => deps.sign(bytes),
    onHeard(wallet, a, relays) {
      cache.note(a.peerId, relays, clock.now())
      watcher.hint(a.peerId)
      emit({ type: 'presence', walletId: wallet.walletId, accountKey: a.sender, peerId: a.peerId, at: clock.now() })
    },
    onNewerSelf(a) {
      if (state === 'stopped') return
      emit({ type: 'newer-instance', instance: a.instance, startedAt: a.startedAt })
      void stop()
    },
  })
  const onReached = (peerId: PeerId, relay: string): void => {
    cache.note(peerId, [relay], clock.now())
  }
  const watcher = new Watcher({
    transport,
    clock,
    entropy,
    lines,
    candidates: candidatesOf,
    onReached,
    blockedUntil: peerId => links.blockedUntil(peerId),
    onStatus(status) {
      if (status.connected) answered.set(status.peerId, clock.now())
      else if (status.errorType === ConnectivityErrorType.PEER_NOT_FOUND) missed.set(status.peerId, clock.now())
      emit({ type: 'peer', status })
    },
  })
  const unlisten = transport.onEvent(onTransport)

  /**
   * The relay lists on which a peer may be: those of the wallets shared with it and an invite's; the app's own for
   * strangers.
   */
  function listsFor(peerId: PeerId): Array<readonly string[]> {
    const lists = [...memberships.values()]
      .map(m => m.wallet)
      .filter(w => w.members.some(m => m.peerId === peerId))
      .map(w => w.relays)
    const hinted = hints.get(peerId)
    if (hinted) lists.push(hinted)
    return lists.length > 0 ? lists : [baseRelays]
  }

  function candidatesOf(peerId: PeerId, first: readonly string[] = []): Candidate[] {
    const lists = listsFor(peerId)
    const ranked = lists.flatMap(list => rankRelays(peerId, list).slice(0, TRIED_RANKS))
    const relays = [...new Set(lists.flat())]
    const known = [...first, ...cache.relays(peerId), ...ranked].filter(r => relays.includes(r))
    const tried = [...new Set(known)].slice(0, MAX_RELAYS_TRIED)
    return candidates(peerId, tried, tried).filter(c => c.kind === 'relay' || transport.direct())
  }

  function onTransport(event: TransportEvent): void {
    watcher.onTransport(event)
    if (event.type === 'relay') {
      choice.onRelay(event.relay)
      emit(event)
    } else if (event.type === 'addresses') {
      rooms.changed()
      emit(event)
    } else if (event.type === 'answering') {
      timeline.onAnswer(event.answer, event.peerId, event.fact)
    }
  }

  /** Runs work that ends with `stop` as well as with the caller's signal; no listener stays on that. */
  async function cancellable<T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController()
    const forward = (): void => {
      controller.abort(signal?.reason ?? netError('AbortError', 'aborted'))
    }
    if (state === 'stopped') controller.abort(netError('AbortError', 'stopped'))
    else if (signal?.aborted) forward()
    signal?.addEventListener('abort', forward, { once: true })
    running.add(controller)
    try {
      return await work(controller.signal)
    } finally {
      running.delete(controller)
      signal?.removeEventListener('abort', forward)
    }
  }

  /** The gate (core/net/gate.ts). Background dials to the same peers make way. */
  async function gate(targets: readonly GateTarget[], options: GateOptions = {}): Promise<GateResult> {
    const release = watcher.hold(targets.flatMap(t => t.peerId ?? []))
    try {
      return await cancellable(options.signal, signal =>
        runGate({ transport, clock, entropy, lines, candidates: candidatesOf, onReached }, targets, {
          ...options,
          signal,
        }),
      )
    } finally {
      if (state !== 'stopped') release()
    }
  }

  async function connectDiscovered(
    presence: DiscoveredPeer,
    options: ConnectDiscoveredOptions = {},
  ): Promise<ConnectResult> {
    const told = [presence.webrtcAddr ?? '', ...(presence.multiaddrs ?? []), ...(presence.relayAddrs ?? [])].map(
      relayOfAddress,
    )
    const first = listsFor(presence.peerId)
      .flat()
      .filter(relay => told.includes(relayPeerId(relay)))
    const outcome = await cancellable(options.signal, signal =>
      connectPeer({
        transport,
        clock,
        peerId: presence.peerId,
        candidates: candidatesOf(presence.peerId, first),
        onReached,
        signal,
        lines,
        retry: entropy,
        deadlineMs: options.timeoutMs ?? GATE_TIMEOUT_MS,
      }),
    )
    return outcome.ok
      ? { success: true, connectionType: outcome.kind }
      : { success: false, error: outcome.failure.message, errorType: outcome.failure.type }
  }

  /** Keeps a connection to this peer alive until the returned function is called. */
  function watch(peerId: PeerId, options: WatchOptions = {}): () => void {
    if (state === 'stopped' || peerId === transport.peerId) return () => undefined
    if (options.relays) hints.set(peerId, options.relays)
    const protocols = options.links ?? []
    for (const protocol of protocols) links.keep(peerId, protocol, true)
    const release = watcher.watch(peerId, options.member, options.unknown)
    let released = false
    return () => {
      if (released || state === 'stopped') return
      released = true
      if (options.relays) hints.delete(peerId)
      release()
      for (const protocol of protocols)
        if (!isMember(peerId) || !MEMBER_LINKS.includes(protocol)) links.keep(peerId, protocol, false)
    }
  }

  const isMember = (peerId: PeerId): boolean =>
    [...memberships.values()].some(m => m.wallet.members.some(x => x.peerId === peerId))

  /** Enters a wallet's presence room and watches its members; again with a changed record replaces it. */
  function joinWallet(wallet: PresenceWallet): void {
    if (state === 'stopped') return
    const before = memberships.get(wallet.walletId)
    if (state === 'running') rooms.join(wallet)
    choice.setList(`wallet ${wallet.walletId}`, wallet.relays)
    const releases: Array<() => void> = []
    memberships.set(wallet.walletId, {
      wallet,
      release: () => {
        for (const release of releases) release()
      },
    })
    const others = wallet.members.filter(m => m.peerId !== transport.peerId)
    for (const m of others) {
      releases.push(watcher.watch(m.peerId, m.accountKey))
      for (const protocol of MEMBER_LINKS) links.keep(m.peerId, protocol, true)
    }
    // after the new ones, so that who stays is not let go in between
    if (before) dismiss(before)
  }

  function leaveWallet(walletId: WalletId): void {
    const membership = memberships.get(walletId)
    if (!membership || state === 'stopped') return
    memberships.delete(walletId)
    rooms.leave(walletId)
    choice.setList(`wallet ${walletId}`, undefined)
    dismiss(membership)
  }

  function dismiss(membership: { readonly wallet: PresenceWallet; readonly release: () => void }): void {
    membership.release()
    for (const m of membership.wallet.members) if (!isMember(m.peerId)) links.forget(m.peerId)
  }

  function members(walletId: WalletId): MemberOnline[] {
    const membership = memberships.get(walletId)
    const table = rooms.table(walletId)
    if (!membership) return []
    return membership.wallet.members
      .filter(m => m.peerId !== transport.peerId)
      .map(m => {
        const status = watcher.status(m.peerId)
        const heard = table?.lastHeard(m.peerId) ?? 0
        const lastSeen = Math.max(heard, answered.get(m.peerId) ?? 0)
        // who was looked for in vain after its last word has gone, although the word has not expired
        const online =
          status?.connected === true ||
          ((table?.online(m.peerId, clock.now()) ?? false) && heard > (missed.get(m.peerId) ?? 0))
        return {
          accountKey: m.accountKey,
          peerId: m.peerId,
          online,
          ...(lastSeen > 0 ? { lastSeen } : {}),
          ...(status ? { status } : {}),
        }
      })
  }

  async function start(): Promise<void> {
    await cache.load()
    await transport.start()
    // stopped, or newer-instance, while the network came up
    if (state !== 'new') return
    state = 'running'
    choice.setList('app', baseRelays)
    choice.start()
    watcher.start()
    for (const { wallet } of memberships.values()) rooms.join(wallet)
  }

  /** Ends everything: dials, timers, streams, listeners, and the transport. */
  async function stop(): Promise<void> {
    if (state === 'stopped') return
    state = 'stopped'
    unlisten()
    for (const controller of running) controller.abort(netError('AbortError', 'stopped'))
    rooms.stop()
    watcher.stop()
    choice.stop()
    links.stop()
    try {
      await transport.stop()
    } catch (error) {
      logError('net.stop-failed')(error)
    } finally {
      clock.cancelAll()
      listeners.clear()
      timeline.clear()
    }
  }

  return {
    peerId: transport.peerId,
    self,
    start,
    stop,
    ensureConnected: gate,
    connectToDiscoveredPeer: connectDiscovered,
    watch,
    joinWallet,
    leaveWallet,
    members,
    /** Replaces the relays of config.json and settings. */
    setRelays(relays: readonly string[]): void {
      baseRelays = relays
      choice.setList('app', relays)
    },
    /**
     * STUN and TURN servers and privacy of the connections that are made from now on; the others are verified at once.
     */
    async setIce(settings: IceSettings): Promise<void> {
      await transport.setIce(settings)
      if (state === 'running') watcher.wake()
    },
    /** The line to a peer in figures, and the last tries, for diagnostics. */
    report: (peerId: PeerId): Promise<LinkReport> =>
      linkReport(transport, timeline, peerId, watcher.status(peerId)?.rttMs),
    relayRoundTrip: (relay: string): Promise<number | undefined> => relayRoundTrip(transport, clock, relay),
    /** Circuit address of the peer on the relay where it was reached or heard last; undefined when it never was. */
    getCachedRelayAddress(peerId: PeerId): string | undefined {
      const relay = cache.relays(peerId)[0]
      return relay === undefined ? undefined : circuitAddress(relay, peerId)
    },
    getConnectionType: (peerId: PeerId): ConnectionKind | 'none' => transport.connections(peerId)[0]?.kind ?? 'none',
    statuses: (): ParticipantStatus[] => watcher.statuses(),
    status: (peerId: PeerId): ParticipantStatus | undefined => watcher.status(peerId),
    relays: (): readonly RelayStatus[] => transport.relays(),
    addresses: (): readonly string[] => transport.addresses(),
    /** `true` when handed to the network, which is no receipt */
    send: <N extends ProtocolName>(peerId: PeerId, protocol: N, message: MessageOf[N]): Promise<boolean> =>
      links.send(peerId, protocol, message),
    onMessage: <N extends ProtocolName>(
      protocol: N,
      handler: (peerId: PeerId, message: MessageOf[N]) => void | Promise<void>,
    ): (() => void) => links.onMessage(protocol, handler),
    /** What a peer said breaks a rule of the protocol: disconnected for 60 s, longer each time. */
    offence: (peerId: PeerId, reason: string): void => {
      links.offence(peerId, reason)
    },
    onLink: (listener: (peerId: PeerId, protocol: ProtocolName, up: boolean) => void): (() => void) =>
      links.onLink(listener),
    isLinkUp: (peerId: PeerId, protocol: ProtocolName): boolean => links.isUp(peerId, protocol),
    onEvent(listener: (event: P2PEvent) => void): () => void {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    /**
     * The page is seen, resumed or online again, or its network is gone: connections and places on relays are verified
     * at once, absent peers dialled.
     */
    wake(): void {
      if (state !== 'running') return
      choice.wake()
      transport.wake()
      watcher.wake()
    },
    /** what is pending or open, for diagnostics and for the proof that `stop` leaves nothing */
    counters: () => ({
      timers: clock.pending(),
      operations: running.size,
      listeners: listeners.size,
      ...links.counters(),
    }),
  }
}

// ---------------------------------------------------------------- the current instance

let current: P2P | undefined
const NOT_INITIALIZED = 'P2P not initialized'

/** Makes the current instance; the caller starts it. Throws when there is one already: `stopP2P` first. */
export function initP2P(deps: P2PDeps): P2P {
  if (current) throw new Error('P2P already initialized')
  current = createP2P(deps)
  return current
}

export const getP2P = (): P2P | undefined => current

export async function stopP2P(): Promise<void> {
  const instance = current
  current = undefined
  await instance?.stop()
}

/** The gate on the current instance; before `initP2P` nobody is reached. */
export async function ensureConnected(targets: readonly GateTarget[], options?: GateOptions): Promise<GateResult> {
  if (current) return current.ensureConnected(targets, options)
  const failed = targets.map((t): GateFailure => ({
    peerId: t.peerId ?? unknownPeerId(t.member),
    error: NOT_INITIALIZED,
    errorType: ConnectivityErrorType.NETWORK_ERROR,
    retryable: true,
    ...(t.member ? { member: t.member } : {}),
  }))
  return { allConnected: false, connected: [], failed }
}

/** Connects to a peer that discovery found: WebRTC through its relays, then the plain circuit. Never rejects. */
export async function connectToDiscoveredPeer(
  presence: DiscoveredPeer,
  options?: ConnectDiscoveredOptions,
): Promise<ConnectResult> {
  if (!current) return { success: false, error: NOT_INITIALIZED, errorType: ConnectivityErrorType.NETWORK_ERROR }
  return current.connectToDiscoveredPeer(presence, options)
}

export const getCachedRelayAddress = (peerId: PeerId): string | undefined => current?.getCachedRelayAddress(peerId)

export const getConnectionType = (peerId: PeerId): ConnectionKind | 'none' =>
  current?.getConnectionType(peerId) ?? 'none'
