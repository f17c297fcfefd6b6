import type { Log } from '../../ports/log'
import type { RelayStatus, Transport, TransportEvent } from '../../ports/transport'
import { toHex } from '../domain/bytes'
import type { ConnectionKind, ParticipantStatus } from '../domain/connectivity'
import type { LinkReport } from '../domain/diagnostics'
import type { IceSettings } from '../domain/ice'
import type { PeerId, WalletId } from '../domain/ids'
import type { Announcement, ProtocolName } from '../wire/messages'
import { AddressCache, storedPeers } from './address-cache'
import { connectPeer, type ConnectDeps } from './connect'
import { trackedClock, type TrackedClock } from './deadline'
import { GATE_TIMEOUT_MS, runGate, type GateOptions, type GateResult, type GateTarget } from './gate'
import type { SelfInfo } from './hello'
import type { MessageHandler, MessageOf } from './inbound-streams'
import { Links, type LinkListener } from './links'
import { Memberships, type MemberOnline } from './memberships'
import { Operations } from './operations'
import { PeerConnectionBudget } from './peer-connection-budget'
import type {
  ConnectDiscoveredOptions,
  ConnectResult,
  DiscoveredPeer,
  NetworkCounters,
  P2PDeps,
  P2PEvent,
  WatchOptions,
} from './peer-network-types'
import { PeerRelays } from './peer-relays'
import { Peers } from './peers'
import { PresenceTopics, type PresenceWallet } from './presence-topics'
import { RelaySelection } from './relay-selection'
import { linkReport, relayRoundTrip } from './report'
import { Timeline } from './timeline'
import { Watcher } from './watcher'

/** name of the relay list of config.json and settings */
const APP_LIST = 'app'

/**
 * The network of one unlocked profile: joins the parts of core/net and the ports.
 * 1. Wallets may be joined before `start`. After `stop` it is done for good.
 * 2. Network trouble is always a result or an event, never an exception.
 * 3. What is known of each peer is in one map (peers.ts).
 */
export class PeerNetwork {
  readonly peerId: PeerId
  /** this run of the app */
  readonly self: SelfInfo
  readonly #log: Log
  readonly #clock: TrackedClock
  readonly #timeline: Timeline
  readonly #transport: Transport
  readonly #listeners: Set<(event: P2PEvent) => void>
  readonly #operations = new Operations()
  readonly #cache: AddressCache
  readonly #relays: RelaySelection
  readonly #peers: Peers
  readonly #peerRelays: PeerRelays
  readonly #connect: ConnectDeps
  readonly #links: Links
  readonly #topics: PresenceTopics
  readonly #watcher: Watcher
  readonly #memberships: Memberships
  readonly #unlisten: () => void
  #appRelays: readonly string[]
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(deps: P2PDeps) {
    const { entropy, log } = deps
    const clock = trackedClock(deps.clock)
    const timeline = new Timeline(clock)
    const transport = timeline.watch(deps.transport)
    const self = selfInfo(deps)
    const ports = { transport, clock, entropy, log, self }
    this.peerId = transport.peerId
    this.self = self
    this.#log = log
    this.#clock = clock
    this.#timeline = timeline
    this.#transport = transport
    this.#appRelays = deps.relays
    this.#listeners = new Set(deps.onEvent ? [deps.onEvent] : [])

    const peers = new Peers({ clock, onStatus: status => this.#emit({ type: 'peer', status }) })
    const cache = new AddressCache(deps.storage && storedPeers(deps.storage), this.#logError('net.peer-cache-failed'))
    const relays = new RelaySelection({ transport, clock, onError: this.#logError('net.set-relays-failed') })
    const peerRelays = new PeerRelays({ peers, cache, transport, appRelays: () => this.#appRelays })
    const connect: ConnectDeps = {
      transport,
      clock,
      entropy,
      budget: new PeerConnectionBudget(() => transport.peerConnectionsMade()),
      candidates: peerId => peerRelays.candidates(peerId),
      onReached: (peerId, relay) => cache.note(peerId, [relay], clock.now()),
    }
    const links = new Links({
      ...ports,
      allowed: (peerId, protocol) => deps.allowed(peerId, protocol),
      onEvent: event => this.#emit(event),
    })
    const topics = new PresenceTopics({
      ...ports,
      sign: bytes => deps.sign(bytes),
      onHeard: (wallet, announcement, announced) => this.#onHeard(wallet, announcement, announced),
      onNewerSelf: announcement => this.#onNewerSelf(announcement),
    })
    const watcher = new Watcher({ ...connect, peers, blockedUntil: peerId => links.blockedUntil(peerId) })
    this.#peers = peers
    this.#cache = cache
    this.#relays = relays
    this.#peerRelays = peerRelays
    this.#connect = connect
    this.#links = links
    this.#topics = topics
    this.#watcher = watcher
    this.#memberships = new Memberships({ self: this.peerId, peers, watcher, links, topics, relays })
    this.#unlisten = transport.onEvent(event => this.#onTransport(event))
  }

  async start(): Promise<void> {
    await this.#cache.load()
    await this.#transport.start()
    // stopped, or newer-instance, while the network came up
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#relays.setList(APP_LIST, this.#appRelays)
    this.#relays.start()
    this.#watcher.start()
    this.#memberships.start()
  }

  /** Ends everything: dials, timers, streams, listeners, and the transport. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    this.#unlisten()
    this.#operations.stop()
    this.#topics.stop()
    this.#watcher.stop()
    this.#relays.stop()
    this.#links.stop()
    try {
      await this.#transport.stop()
    } catch (error) {
      this.#logError('net.stop-failed')(error)
    } finally {
      this.#clock.cancelAll()
      this.#listeners.clear()
      this.#timeline.clear()
    }
  }

  /**
   * The page is seen, resumed or online again, or its network is gone: connections and reservations are verified at
   * once, absent peers dialled.
   */
  wake(): void {
    if (this.#state !== 'running') return
    this.#relays.wake()
    this.#transport.wake()
    this.#watcher.wake()
  }

  onEvent(listener: (event: P2PEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  // ---------------------------------------------------------------- who is to be reached

  /** Subscribes a wallet's presence topic and watches its members. Again with a changed record replaces it. */
  joinWallet(wallet: PresenceWallet): void {
    if (this.#state !== 'stopped') this.#memberships.join(wallet)
  }

  leaveWallet(walletId: WalletId): void {
    if (this.#state !== 'stopped') this.#memberships.leave(walletId)
  }

  members(walletId: WalletId): MemberOnline[] {
    return this.#memberships.members(walletId)
  }

  /** Keeps a connection to this peer alive until the returned function is called. */
  watch(peerId: PeerId, options: WatchOptions = {}): () => void {
    if (this.#state === 'stopped' || peerId === this.peerId) return () => undefined
    const protocols = options.links ?? []
    for (const protocol of protocols) this.#links.keep(peerId, protocol, true)
    const release = this.#watcher.watch(peerId, options.member, options.unknown)
    if (options.relays) this.#peers.setInviteRelays(peerId, options.relays)
    let released = false
    return () => {
      if (released || this.#state === 'stopped') return
      released = true
      if (options.relays) this.#peers.setInviteRelays(peerId, undefined)
      release()
      for (const protocol of protocols)
        if (!this.#memberships.keepsLink(peerId, protocol)) this.#links.keep(peerId, protocol, false)
    }
  }

  /**
   * Connects these peers now and says of each what came of it (gate.ts). Background dials to them make way, and go on
   * afterwards. The statuses of watched peers show each step as well.
   */
  async ensureConnected(targets: readonly GateTarget[], options: GateOptions = {}): Promise<GateResult> {
    const release = this.#watcher.hold(targets.flatMap(t => t.peerId ?? []))
    try {
      return await this.#operations.run(options.signal, signal =>
        runGate(this.#connect, targets, {
          ...options,
          signal,
          onStatus: status => {
            this.#onGateStatus(status)
            options.onStatus?.(status)
          },
        }),
      )
    } finally {
      if (this.#state !== 'stopped') release()
    }
  }

  /** Connects to a peer that discovery found: WebRTC through its relays, then the plain circuit. */
  async connectToDiscoveredPeer(
    presence: DiscoveredPeer,
    options: ConnectDiscoveredOptions = {},
  ): Promise<ConnectResult> {
    const { peerId, webrtcAddr, multiaddrs = [], relayAddrs = [] } = presence
    const first = this.#peerRelays.ofAddresses(peerId, [webrtcAddr ?? '', ...multiaddrs, ...relayAddrs])
    const outcome = await this.#operations.run(options.signal, signal =>
      connectPeer({
        ...this.#connect,
        peerId,
        candidates: this.#peerRelays.candidates(peerId, first),
        signal,
        retry: this.#connect.entropy,
        deadlineMs: options.timeoutMs ?? GATE_TIMEOUT_MS,
      }),
    )
    return outcome.ok
      ? { success: true, connectionType: outcome.kind }
      : { success: false, error: outcome.failure.message, errorType: outcome.failure.type }
  }

  // ---------------------------------------------------------------- messages

  /** `true` when handed to the network, which is no receipt */
  send<N extends ProtocolName>(peerId: PeerId, protocol: N, message: MessageOf[N]): Promise<boolean> {
    return this.#links.send(peerId, protocol, message)
  }

  onMessage<N extends ProtocolName>(protocol: N, handler: MessageHandler<N>): () => void {
    return this.#links.onMessage(protocol, handler)
  }

  onLink(listener: LinkListener): () => void {
    return this.#links.onLink(listener)
  }

  isLinkUp(peerId: PeerId, protocol: ProtocolName): boolean {
    return this.#links.isUp(peerId, protocol)
  }

  /** What a peer said breaks a rule of the protocol: disconnected for 60 s, longer each time. */
  offence(peerId: PeerId, reason: string): void {
    this.#links.offence(peerId, reason)
  }

  // ---------------------------------------------------------------- what is known

  /** Of a watched peer. */
  status(peerId: PeerId): ParticipantStatus | undefined {
    return this.#peers.get(peerId)?.status
  }

  statuses(): ParticipantStatus[] {
    return this.#peers.all().map(peer => peer.status)
  }

  getConnectionType(peerId: PeerId): ConnectionKind | 'none' {
    return this.#transport.connections(peerId)[0]?.kind ?? 'none'
  }

  /** Circuit address of the peer on the relay where it was reached or heard last; undefined when it never was. */
  getCachedRelayAddress(peerId: PeerId): string | undefined {
    return this.#peerRelays.cachedAddress(peerId)
  }

  relays(): readonly RelayStatus[] {
    return this.#transport.relays()
  }

  addresses(): readonly string[] {
    return this.#transport.addresses()
  }

  /** The connection to a peer in figures, and the last attempts, for diagnostics. */
  report(peerId: PeerId): Promise<LinkReport> {
    return linkReport(this.#transport, this.#timeline, peerId, this.status(peerId)?.rttMs)
  }

  relayRoundTrip(relay: string): Promise<number | undefined> {
    return relayRoundTrip(this.#transport, this.#clock, relay)
  }

  /** What is pending or open, for diagnostics and for the proof that `stop` leaves nothing. */
  counters(): NetworkCounters {
    return {
      timers: this.#clock.pending(),
      operations: this.#operations.size,
      listeners: this.#listeners.size,
      ...this.#links.counters(),
    }
  }

  // ---------------------------------------------------------------- settings

  /** Replaces the relays of config.json and settings. */
  setRelays(relays: readonly string[]): void {
    this.#appRelays = relays
    this.#relays.setList(APP_LIST, relays)
  }

  /**
   * STUN and TURN servers and privacy of the connections that are made from now on; the others are verified at once.
   */
  async setIce(settings: IceSettings): Promise<void> {
    await this.#transport.setIce(settings)
    if (this.#state === 'running') this.#watcher.wake()
  }

  // ---------------------------------------------------------------- what happens

  #onTransport(event: TransportEvent): void {
    this.#watcher.onTransport(event)
    if (event.type === 'relay') {
      this.#relays.onRelay(event.relay)
      this.#emit(event)
    } else if (event.type === 'addresses') {
      this.#topics.onAddresses()
      this.#emit(event)
    } else if (event.type === 'answering') {
      this.#timeline.onAnswer(event.answer, event.peerId, event.fact)
    }
  }

  #onHeard({ walletId }: PresenceWallet, { peerId, sender }: Announcement, relays: readonly string[]): void {
    const at = this.#clock.now()
    this.#cache.note(peerId, relays, at)
    this.#peers.setHeard(peerId)
    this.#watcher.onHeard(peerId)
    this.#emit({ type: 'presence', walletId, accountKey: sender, peerId, at })
  }

  /** While the gate dials nobody else does. That a peer is connected, or lost, is seen by the watcher. */
  #onGateStatus(status: ParticipantStatus): void {
    const { peerId, state } = status
    if (this.status(peerId)?.connected !== false) return
    if (state === 'connecting' || state === 'failed') this.#peers.setStatus(peerId, status)
  }

  #onNewerSelf({ instance, startedAt }: Announcement): void {
    if (this.#state === 'stopped') return
    this.#emit({ type: 'newer-instance', instance, startedAt })
    void this.stop()
  }

  #emit(event: P2PEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  #logError(event: string): (error: unknown) => void {
    return error =>
      this.#log.write('warn', event, { error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })
  }
}

function selfInfo({ build = 'dev', clock, entropy }: P2PDeps): SelfInfo {
  // `hello` cannot carry another one, and then no link would ever come up
  if (!/^[\x21-\x7e]{1,32}$/.test(build)) throw new TypeError('build: not 1 to 32 visible ASCII characters')
  return { instance: toHex(entropy.bytes(16)), startedAt: Math.floor(clock.now()), build }
}
