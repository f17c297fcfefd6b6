import { TokenBucket } from '../../services/core/domain/token-bucket'
import type { ConnectionKind, ConnectStep } from '../../services/core/domain/connectivity'
import { directAllowed, type IceSettings } from '../../services/core/domain/ice'
import type { PeerId } from '../../services/core/domain/ids'
import { LIMITS } from '../../services/core/wire/limits'
import type { Clock } from '../../services/ports/clock'
import type {
  Channel,
  ConnectionInfo,
  DialOptions,
  RelayStatus,
  Transport,
  TransportEvent,
} from '../../services/ports/transport'
import { abortable, End, named, openChannel, timeoutError, type Party, type Wire } from './memory-link'

/** A dial that shall fail: with this error, after these steps were reported. */
export interface DialFault {
  readonly error: unknown
  /** the last step that is reported before the error; default 'relay' */
  readonly step?: ConnectStep
  /** only dials of this kind; default all */
  readonly kind?: ConnectionKind
  /** how many dials fail; default all until `heal` */
  readonly times?: number
}

/** Two people between whom nothing (of these kinds) gets through. */
type Kinds = readonly ConnectionKind[]

const MESSAGES = { perSecond: LIMITS.messagesPerSecond, burst: LIMITS.messagesPerSecond }
const ALL: Kinds = ['webrtc', 'relay', 'direct']
const RANK: Record<ConnectionKind, number> = { webrtc: 0, direct: 1, relay: 2 }
/** the adapter's own `addressDialTimeout`, milliseconds */
const ADDRESS_DIAL_MS = 22_000
/**
 * after this long a relay gives up on a peer that holds its connection but answers nothing (seen in browsers),
 * milliseconds
 */
const FROZEN_MS = 4_000

const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

const pairKey = (a: PeerId, b: PeerId): string => [a, b].sort().join('|')

class MemoryRelay implements Party {
  readonly handlers = new Map<string, (channel: Channel) => void>()
  readonly reserved = new Map<PeerId, MemoryTransport>()
  readonly ends = new Set<End>()
  up = true

  constructor(
    readonly peerId: PeerId,
    readonly address: string,
    readonly capacity: number,
  ) {}

  admit(): boolean {
    return true
  }
  opened(end: End): void {
    this.ends.add(end)
  }
  closed(end: End): void {
    this.ends.delete(end)
    this.reserved.delete(end.info.peerId)
  }
}

/**
 * Relays and browsers in memory. Without a delay everything happens in microtasks, so that a test awaits it; with one,
 * time passes through `clock`. The controls make the troubles of the real network, with errors of the names the library
 * gives them.
 */
export function createMemoryNetwork(options: { readonly clock?: Clock } = {}): MemoryNetwork {
  return new MemoryNetwork(options.clock ?? systemClock)
}

export class MemoryNetwork implements Wire {
  private readonly relayNodes = new Map<PeerId, MemoryRelay>()
  private readonly peers = new Map<PeerId, MemoryTransport>()
  private readonly cuts = new Map<string, Kinds>()
  private readonly faults = new Map<PeerId, DialFault[]>()
  private readonly sleepers = new Map<PeerId, (() => void)[]>()
  private readonly offliners = new Set<PeerId>()
  private readonly refusers = new Set<PeerId>()
  private delayMs = 0
  private counter = 0

  constructor(readonly clock: Clock) {}

  /** Starts a relay; gives its address. `reservations` is how many peers it holds. */
  relay(init: { readonly reservations?: number; readonly peerId?: PeerId } = {}): string {
    const peerId = init.peerId ?? `12D3KooWRelay${++this.counter}`
    const address = `/dns4/relay${this.counter}.test/tcp/443/wss/p2p/${peerId}`
    this.relayNodes.set(peerId, new MemoryRelay(peerId, address, init.reservations ?? 1024))
    return address
  }

  /**
   * A browser. Asking again for the same peer id is that profile's next visit; the older one should be stopped or
   * killed.
   */
  transport(peerId: PeerId, init: { readonly relays?: readonly string[] } = {}): MemoryTransport {
    const transport = new MemoryTransport(this, peerId, init.relays ?? [])
    this.peers.set(peerId, transport)
    return transport
  }

  /** Closes what joins the two (of these kinds) and lets nothing new through, until `mend`. */
  cut(a: PeerId, b: PeerId, kinds: Kinds = ALL): void {
    this.cuts.set(pairKey(a, b), kinds)
    for (const end of this.between(a, b)) if (kinds.includes(end.info.kind)) end.shutBoth()
  }

  mend(a: PeerId, b: PeerId): void {
    this.cuts.delete(pairKey(a, b))
  }

  /** Closes open connections between the two; new ones are possible at once. */
  drop(a: PeerId, b: PeerId, kinds: Kinds = ALL): void {
    for (const end of this.between(a, b)) if (kinds.includes(end.info.kind)) end.shutBoth()
  }

  /** The peer loses its network: all see it go. */
  offline(peerId: PeerId): void {
    this.offliners.add(peerId)
    this.peers.get(peerId)?.unplug()
  }

  online(peerId: PeerId): void {
    this.offliners.delete(peerId)
    void this.peers.get(peerId)?.reserveAll()
  }

  /** The browser dies without a goodbye: relays notice, other peers keep a dead connection until `reap`. */
  kill(peerId: PeerId): void {
    this.peers.get(peerId)?.die()
    this.peers.delete(peerId)
  }

  /** Other peers notice at last that their connections to this one are dead. */
  reap(peerId: PeerId): void {
    for (const peer of this.peers.values()) {
      for (const end of peer.endsTo(peerId)) if (end.stale) end.shut()
    }
  }

  /** `b` loses its side of the connections to `a`, who does not notice: pings and streams of `a` hang. */
  goStale(a: PeerId, b: PeerId): void {
    for (const end of this.peers.get(a)?.endsTo(b) ?? []) {
      end.stale = true
      end.other.shut()
    }
  }

  /** The peer's page sleeps: it keeps its connections and answers nothing until `thaw`. */
  freeze(peerId: PeerId): void {
    if (!this.sleepers.has(peerId)) this.sleepers.set(peerId, [])
  }

  thaw(peerId: PeerId): void {
    const waiting = this.sleepers.get(peerId) ?? []
    this.sleepers.delete(peerId)
    for (const wake of waiting) wake()
  }

  /** The peer denies every incoming connection (its relay answers PERMISSION_DENIED) until `accept`. */
  refuse(peerId: PeerId): void {
    this.refusers.add(peerId)
  }
  accept(peerId: PeerId): void {
    this.refusers.delete(peerId)
  }

  /** Dials *to* this peer fail in the given way. */
  failDials(peerId: PeerId, fault: DialFault): void {
    this.faults.set(peerId, [...(this.faults.get(peerId) ?? []), fault])
  }

  heal(peerId: PeerId): void {
    this.faults.delete(peerId)
  }

  /** One-way delay of everything, milliseconds of `clock`. */
  delay(ms: number): void {
    this.delayMs = ms
  }

  /** The relay goes away with its reservations, circuits and gossip; WebRTC connections live on. */
  dropRelay(address: string): void {
    const relay = this.relayAt(address)
    if (relay === undefined) return
    relay.up = false
    for (const peer of this.peers.values()) peer.relayGone(relay)
    relay.reserved.clear()
  }

  restoreRelay(address: string): void {
    const relay = this.relayAt(address)
    if (relay === undefined) return
    relay.up = true
    for (const peer of this.peers.values()) void peer.reserveAll()
  }

  // What the transports use.

  frozen(peerId: PeerId): boolean {
    return this.sleepers.has(peerId)
  }

  async pass(from: PeerId, to: PeerId): Promise<void> {
    await this.tick()
    for (const peerId of [from, to]) {
      while (this.sleepers.has(peerId))
        await new Promise<void>(wake => {
          this.sleepers.get(peerId)?.push(wake)
        })
    }
  }

  tick(ms = this.delayMs): Promise<void> {
    return ms === 0
      ? Promise.resolve()
      : new Promise(resolve => {
          this.clock.after(ms, resolve)
        })
  }

  isOffline(peerId: PeerId): boolean {
    return this.offliners.has(peerId)
  }

  relayAt(address: string): MemoryRelay | undefined {
    return this.relayNodes.get(/\/p2p\/([^/]+)/.exec(address)?.[1] ?? '')
  }

  allows(a: PeerId, b: PeerId, kind: ConnectionKind): boolean {
    return this.cuts.get(pairKey(a, b))?.includes(kind) !== true
  }

  refuses(peerId: PeerId): boolean {
    return this.refusers.has(peerId)
  }

  /** The fault that this dial meets, used up by one. */
  takeFault(peerId: PeerId, kind: ConnectionKind): DialFault | undefined {
    const list = this.faults.get(peerId) ?? []
    const at = list.findIndex(f => f.kind === undefined || f.kind === kind)
    const fault = list[at]
    if (fault === undefined) return undefined
    if (fault.times !== undefined) {
      if (fault.times > 1) list[at] = { ...fault, times: fault.times - 1 }
      else list.splice(at, 1)
    }
    return fault
  }

  join(from: Party, to: Party, kind: ConnectionKind, relayId?: PeerId): End {
    const make = (owner: Party, other: Party, direction: 'inbound' | 'outbound'): End =>
      new End(
        owner,
        { id: `c${++this.counter}`, peerId: other.peerId, kind, direction, openedAt: this.clock.now() },
        relayId,
        this,
      )
    const near = make(from, to, 'outbound')
    const far = make(to, from, 'inbound')
    near.other = far
    far.other = near
    to.opened(far)
    from.opened(near)
    return near
  }

  /** Gossip goes from relay to relay through whoever subscribes on both, to every other subscriber, once. */
  spread(from: MemoryTransport, topic: string, bytes: Uint8Array): void {
    const reached = new Set<MemoryTransport>([from])
    const visited = new Set<MemoryRelay>()
    const queue = [from]
    for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
      for (const relay of this.relayNodes.values()) {
        if (!relay.up || visited.has(relay) || ![...relay.ends].some(e => e.info.peerId === peer?.peerId)) continue
        visited.add(relay)
        for (const other of this.peers.values()) {
          const here = [...relay.ends].some(e => e.other.owner === other)
          if (!here || reached.has(other) || !other.follows(topic)) continue
          reached.add(other)
          queue.push(other)
          void this.pass(from.peerId, other.peerId).then(() => other.hear(topic, bytes))
        }
      }
    }
  }

  private between(a: PeerId, b: PeerId): readonly End[] {
    return [...(this.peers.get(a)?.endsTo(b) ?? []), ...(this.peers.get(b)?.endsTo(a) ?? [])]
  }
}

export class MemoryTransport implements Transport, Party {
  readonly handlers = new Map<string, (channel: Channel) => void>()
  private readonly ends = new Map<string, End>()
  private readonly listeners = new Set<(event: TransportEvent) => void>()
  private readonly topics = new Map<string, Set<(bytes: Uint8Array) => void>>()
  private readonly budgets = new Map<PeerId, TokenBucket>()
  private readonly heard = new Set<string>()
  private readonly refused = new Map<PeerId, number>()
  private readonly wanted = new Map<string, RelayStatus>()
  private started = false
  private lines = 0
  private ice: IceSettings = { servers: [], relayOnly: false }

  constructor(
    private readonly network: MemoryNetwork,
    readonly peerId: PeerId,
    relays: readonly string[],
  ) {
    for (const address of relays) this.wanted.set(address, { address, state: 'idle' })
  }

  async start(): Promise<void> {
    this.started = true
    await this.reserveAll()
  }

  async stop(): Promise<void> {
    if (!this.started) return
    for (const end of [...this.ends.values()]) end.shutBoth()
    this.started = false
    this.handlers.clear()
    this.topics.clear()
    await this.network.tick(0)
    this.listeners.clear()
  }

  addresses(): readonly string[] {
    return this.relays()
      .filter(r => r.state === 'reserved')
      .flatMap(r => [
        ...(this.direct() ? [`${r.address}/p2p-circuit/webrtc/p2p/${this.peerId}`] : []),
        `${r.address}/p2p-circuit/p2p/${this.peerId}`,
      ])
  }

  direct(): boolean {
    return directAllowed(this.ice)
  }

  async setIce(settings: IceSettings): Promise<void> {
    const hides = settings.relayOnly && !this.ice.relayOnly
    this.ice = settings
    this.tellAddresses()
    if (hides) for (const end of [...this.ends.values()]) if (end.info.kind === 'webrtc') end.shutBoth()
    await this.network.tick(0)
  }

  async setRelays(addresses: readonly string[]): Promise<void> {
    for (const address of [...this.wanted.keys()]) {
      if (addresses.includes(address)) continue
      this.wanted.delete(address)
      const relayId = this.network.relayAt(address)?.peerId
      for (const end of relayId === undefined ? [] : this.endsTo(relayId)) end.shutBoth()
      this.tellAddresses()
    }
    for (const address of addresses) if (!this.wanted.has(address)) this.wanted.set(address, { address, state: 'idle' })
    if (this.started) await this.reserveAll()
  }

  relays(): readonly RelayStatus[] {
    return [...this.wanted.values()]
  }

  wake(): void {
    if (this.started) void this.reserveAll()
  }

  async dial(peerId: PeerId, address: string, options: DialOptions): Promise<ConnectionInfo> {
    options.signal.throwIfAborted()
    if (!this.started) throw named('NotStartedError', 'Not started')
    const end = await abortable(this.reach(peerId, address, options), options.signal)
    return end.info
  }

  peerConnectionsMade(): number {
    return this.lines
  }

  connections(peerId?: PeerId): readonly ConnectionInfo[] {
    return [...this.ends.values()]
      .map(e => e.info)
      .filter(c => peerId === undefined || c.peerId === peerId)
      .sort((a, b) => RANK[a.kind] - RANK[b.kind] || b.openedAt - a.openedAt)
  }

  async ping(connectionId: string, options: { readonly signal: AbortSignal }): Promise<number> {
    const end = this.end(connectionId)
    const from = this.network.clock.now()
    const there = async (): Promise<void> => {
      if (end.stale) await new Promise<never>(() => undefined)
      await this.network.pass(this.peerId, end.info.peerId)
      await this.network.pass(end.info.peerId, this.peerId)
      if (!end.open) throw named('ConnectionClosedError', 'The connection is closed')
    }
    await abortable(there(), options.signal)
    return this.network.clock.now() - from
  }

  async closeConnection(connectionId: string): Promise<void> {
    const end = this.ends.get(connectionId)
    if (end === undefined) return
    end.shutBoth()
    await this.network.tick(0)
  }

  open(connectionId: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<Channel> {
    const end = this.ends.get(connectionId)
    if (end === undefined) return Promise.reject(named('ConnectionClosedError', 'The connection is closed'))
    return openChannel(end, protocol, options.signal)
  }

  handle(protocol: string, handler: (channel: Channel) => void): void {
    this.handlers.set(protocol, handler)
  }

  subscribe(topic: string, handler: (bytes: Uint8Array) => void): () => void {
    const handlers = this.topics.get(topic) ?? new Set()
    handlers.add(handler)
    this.topics.set(topic, handlers)
    return () => {
      handlers.delete(handler)
      if (handlers.size === 0 && this.topics.get(topic) === handlers) this.topics.delete(topic)
    }
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    if (!this.started) throw named('NotStartedError', 'Not started')
    this.network.spread(this, topic, bytes.slice())
  }

  refuse(peerId: PeerId, until: number): void {
    this.refused.set(peerId, until)
  }

  onEvent(listener: (event: TransportEvent) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  async stats(connectionId: string): Promise<Readonly<Record<string, string | number>>> {
    const end = this.end(connectionId)
    const relay = end.info.kind === 'relay' ? end.relayId : undefined
    return {
      kind: end.info.kind,
      ...(relay === undefined ? {} : { relay }),
      bytesSent: end.sent,
      bytesReceived: end.received,
    }
  }

  // What the network and the links use.

  endsTo(peerId: PeerId): readonly End[] {
    return [...this.ends.values()].filter(e => e.info.peerId === peerId)
  }
  follows(topic: string): boolean {
    return this.topics.has(topic)
  }

  hear(topic: string, bytes: Uint8Array): void {
    // message id = the bytes themselves: the same bytes are heard once
    const id = `${topic}:${Buffer.from(bytes).toString('base64')}`
    if (this.heard.has(id)) return
    this.heard.add(id)
    for (const handler of this.topics.get(topic) ?? []) handler(bytes.slice())
  }

  admit(from: PeerId): boolean {
    let budget = this.budgets.get(from)
    if (budget === undefined) {
      budget = new TokenBucket(MESSAGES, () => this.network.clock.now())
      this.budgets.set(from, budget)
    }
    return budget.take()
  }

  opened(end: End): void {
    this.ends.set(end.info.id, end)
    this.tell({ type: 'connected', connection: end.info })
  }

  closed(end: End): void {
    this.ends.delete(end.info.id)
    this.tell({ type: 'disconnected', connection: end.info })
    for (const status of this.relays()) {
      if (status.state === 'reserved' && this.network.relayAt(status.address)?.peerId === end.info.peerId) {
        this.status({
          address: status.address,
          state: 'unreachable',
          error: named('ConnectionClosedError', 'The relay went away'),
        })
        this.tellAddresses()
      }
    }
  }

  relayGone(relay: { readonly peerId: PeerId }): void {
    for (const end of [...this.ends.values()]) {
      if (end.info.peerId === relay.peerId || end.relayId === relay.peerId) end.shutBoth()
    }
  }

  /** As the adapter tells of a peer that sends too much. */
  flooded(peerId: PeerId): void {
    for (const end of this.endsTo(peerId)) end.shutBoth()
    this.tell({ type: 'flood', peerId })
  }

  unplug(): void {
    for (const end of [...this.ends.values()]) end.shutBoth()
  }

  die(): void {
    for (const end of [...this.ends.values()]) {
      if (end.other.owner instanceof MemoryRelay) end.other.shut()
      else end.other.stale = true
      end.open = false
    }
    this.ends.clear()
    this.started = false
    this.listeners.clear()
    this.topics.clear()
    this.handlers.clear()
  }

  async reserveAll(): Promise<void> {
    await Promise.all(
      this.relays()
        .filter(r => r.state !== 'reserved')
        .map(r => this.reserve(r.address)),
    )
  }

  private async reserve(address: string): Promise<void> {
    if (!this.started || !this.wanted.has(address)) return
    this.status({ address, state: 'connecting' })
    await this.network.tick()
    if (!this.started || !this.wanted.has(address)) return
    const relay = this.network.relayAt(address)
    if (relay === undefined || !relay.up || this.network.isOffline(this.peerId)) {
      this.status({ address, state: 'unreachable', error: new Event('error') })
      return
    }
    if (this.endsTo(relay.peerId).length === 0) this.network.join(this, relay, 'direct')
    if (relay.reserved.size >= relay.capacity && !relay.reserved.has(this.peerId)) {
      this.status({ address, state: 'refused', error: new Error('reservation failed with status RESERVATION_REFUSED') })
      return
    }
    relay.reserved.set(this.peerId, this)
    this.status({ address, state: 'reserved' })
    this.tellAddresses()
  }

  private async reach(peerId: PeerId, address: string, { signal, onStep }: DialOptions): Promise<End> {
    const kind: ConnectionKind = !address.includes('/p2p-circuit')
      ? 'direct'
      : address.includes('/webrtc')
        ? 'webrtc'
        : 'relay'
    const steps: readonly ConnectStep[] = kind === 'webrtc' ? ['relay', 'sdp', 'ice'] : ['relay']
    if (kind === 'webrtc' && !this.direct()) throw named('DialDeniedError', 'direct lines are switched off')
    const fault = this.network.takeFault(peerId, kind)
    if (fault !== undefined) {
      const last = steps.indexOf(fault.step ?? 'relay')
      steps.slice(0, last + 1).forEach(step => onStep?.(step))
      await this.network.tick()
      throw fault.error
    }
    onStep?.('relay')
    await this.network.tick()
    const relay = this.network.relayAt(address)
    if (relay === undefined || !relay.up || this.network.isOffline(this.peerId)) throw new Event('error')
    if (kind === 'direct') return this.network.join(this, relay, 'direct')
    const target = relay.reserved.get(peerId)
    if (target === undefined)
      throw named('InvalidMessageError', 'failed to connect via relay with status NO_RESERVATION')
    if (this.network.refuses(peerId))
      throw named('InvalidMessageError', 'failed to connect via relay with status PERMISSION_DENIED')
    if (this.network.frozen(peerId)) {
      await this.network.tick(FROZEN_MS)
      throw named('InvalidMessageError', 'failed to connect via relay with status MALFORMED_MESSAGE')
    }
    const refused = (target.refused.get(this.peerId) ?? 0) > this.network.clock.now()
    if (refused || (kind === 'relay' && !this.network.allows(this.peerId, peerId, 'relay'))) {
      throw named('InvalidMessageError', 'failed to connect via relay with status CONNECTION_FAILED')
    }
    if (kind === 'webrtc') {
      this.lines++
      target.lines++
      onStep?.('sdp')
      await this.network.tick()
      if (!target.direct()) throw named('StreamResetError', 'stream reset')
      onStep?.('ice')
      await this.network.tick()
      if (!this.network.allows(this.peerId, peerId, 'webrtc')) {
        await this.network.tick(ADDRESS_DIAL_MS)
        throw timeoutError()
      }
    }
    signal.throwIfAborted()
    return this.network.join(this, target, kind, kind === 'relay' ? relay.peerId : undefined)
  }

  private end(connectionId: string): End {
    const end = this.ends.get(connectionId)
    if (end === undefined) throw named('ConnectionClosedError', 'The connection is closed')
    return end
  }

  private status(relay: RelayStatus): void {
    if (!this.wanted.has(relay.address)) return
    this.wanted.set(relay.address, relay)
    this.tell({ type: 'relay', relay })
  }

  private tellAddresses(): void {
    this.tell({ type: 'addresses', addresses: this.addresses() })
  }

  /** Events arrive after the call that caused them, as from the library. */
  private tell(event: TransportEvent): void {
    for (const listener of [...this.listeners])
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener(event)
      })
  }
}
