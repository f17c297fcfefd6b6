/**
 * The Transport port over libp2p: dials, connections, streams, gossip. Long because the port is wide and every call
 * ends in the one node; relays, frames, statistics and the watching of RTCPeerConnections have their own files.
 */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { ConnectionKind, ConnectStep } from '../../core/domain/connectivity'
import type { AttemptFact } from '../../core/domain/diagnostics'
import type { IceSettings } from '../../core/domain/ice'
import type { PeerId } from '../../core/domain/ids'
import { LIMITS } from '../../core/wire/limits'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type {
  Channel,
  ConnectionInfo,
  DialOptions,
  RelayStatus,
  Transport,
  TransportEvent,
} from '../../ports/transport'
import { StreamChannel } from './channel'
import { pageLines } from './lines'
import { Inflow } from './inflow'
import { ADDRESS_DIAL_MS, createNode, kindOf, type Node, type ReservationPlace } from './node'
import { peerOf } from './peer-of'
import { pingConnection } from './ping'
import { RateLimit } from './rate-limit'
import { RelayKeeper } from './relay-keeper'
import { FACT, Rtc } from './rtc'
import { relayOf, rtcStats } from './stats'

export interface Libp2pTransportInit {
  /** 32-byte Ed25519 seed: the peer id follows from it */
  readonly peerKey: Uint8Array
  /** multiaddrs that end in /p2p/<relay peer id>; more by `setRelays` */
  readonly relays?: readonly string[]
  /** default: no server, which works on one network, and no other is ever asked */
  readonly ice?: IceSettings
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** default: whether the platform has RTCPeerConnection */
  readonly webrtc?: boolean
}

const RANK: Record<ConnectionKind, number> = { webrtc: 0, direct: 1, relay: 2 }
/** how long the goodbye of a connection may take, milliseconds */
const GOODBYE_MS = 2_000
/**
 * Opening this stream says "I close this connection". A browser notices the end of a WebRTC connection only when pings
 * fail, after 10 s or more, because the library sends no goodbye of its own.
 */
const FAREWELL = '/tandem/bye/1'
/** how long a farewell may take, milliseconds; the connection is closed in any case */
const FAREWELL_MS = 500
/** how long a relay may take to answer a ping after a sleep, milliseconds */
const RELAY_PING_MS = 2_000
/** time for the answer to the farewell to leave before this side closes too, milliseconds */
const LINGER_MS = 100
/**
 * channels that one connection may open of one protocol: the other side allows LIMITS.streamsPerPeer, its refusal is
 * the answer
 */
const OUTBOUND_STREAMS = 64

/** peers whose refusal is remembered */
const REFUSED_PEERS = 1_024

/** Which progress of the library is which step for people. */
const STEPS: Readonly<Record<string, ConnectStep>> = {
  'webrtc:dial-relay': 'relay',
  'webrtc:reuse-relay-connection': 'relay',
  'circuit-relay:open-connection': 'relay',
  'circuit-relay:reuse-connection': 'relay',
  'websockets:open-connection': 'relay',
  'webrtc:open-signaling-stream': 'sdp',
  'webrtc:send-sdp-offer': 'sdp',
  'webrtc:read-ice-candidates': 'ice',
}
const ORDER: readonly ConnectStep[] = ['relay', 'sdp', 'ice']

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })

interface Link {
  readonly info: ConnectionInfo
  readonly connection: Connection
  sent: number
  received: number
}

/**
 * The Transport over libp2p: WebRTC and relayed connections, gossip over relays. See the port for the meaning of each
 * method.
 */
export function createLibp2pTransport(init: Libp2pTransportInit): Transport {
  return new Libp2pTransport(init)
}

class Libp2pTransport implements Transport {
  readonly peerId: PeerId
  private node: Node | undefined
  private readonly privateKey
  private readonly links = new Map<string, Link>()
  private readonly listeners = new Set<(event: TransportEvent) => void>()
  private readonly handlers = new Map<string, (channel: Channel) => void>()
  private readonly topics = new Map<string, Set<(bytes: Uint8Array) => void>>()
  private readonly budgets = new Map<PeerId, RateLimit>()
  /** inbound channels by peer and protocol, over all of its connections */
  private readonly inbound = new Map<string, number>()
  private readonly places = new Map<string, ReservationPlace>()
  private readonly keeper: RelayKeeper
  private readonly inflow: Inflow
  private readonly rtc: Rtc | undefined
  /** whose calls are refused until when, unix milliseconds; the oldest first */
  private readonly refused = new Map<PeerId, number>()
  private told = ''

  constructor(private readonly init: Libp2pTransportInit) {
    this.privateKey = privateKeyFromRaw(new Uint8Array([...init.peerKey, ...ed25519.getPublicKey(init.peerKey)]))
    this.peerId = peerIdFromPrivateKey(this.privateKey).toString()
    this.inflow = new Inflow(init.clock, peerId => this.flooded(peerId))
    if (init.webrtc ?? typeof globalThis.RTCPeerConnection === 'function') {
      this.rtc = new Rtc(
        init.ice ?? { servers: [], relayOnly: false },
        (answer, peerId, fact) => this.tell({ type: 'answering', answer, peerId, fact }),
        this.inflow,
      )
    }
    this.keeper = new RelayKeeper(
      {
        reserve: address => this.reserve(address),
        holds: address => this.places.get(listenAddress(address))?.held() ?? false,
        verify: address => this.verify(address),
        release: address => this.release(address),
      },
      init.clock,
      () => (init.entropy.bytes(1)[0] ?? 0) / 256,
      relay => {
        this.tell({ type: 'relay', relay })
        this.tellAddresses()
      },
    )
    void this.keeper.set(init.relays ?? [])
  }

  async start(): Promise<void> {
    if (this.node !== undefined) return
    const node = await createNode({
      privateKey: this.privateKey,
      rtc: this.rtc,
      places: this.places,
      inflow: this.inflow,
      takesCall: (relay, peerId) => this.takesCall(relay, peerId),
    })
    this.node = node
    node.addEventListener('connection:open', ({ detail }) => this.opened(detail))
    node.addEventListener('connection:close', ({ detail }) => {
      this.closed(detail.id)
      this.keeper.check()
    })
    node.addEventListener('transport:listening', () => this.changed())
    node.addEventListener('self:peer:update', () => this.changed())
    node.services.gossip.addEventListener('message', ({ detail }) => {
      for (const handler of [...(this.topics.get(detail.topic) ?? [])]) handler(detail.data)
    })
    await node.start()
    await node.handle(
      FAREWELL,
      (_stream, connection) => {
        this.closed(connection.id)
        this.init.clock.after(LINGER_MS, () =>
          connection.abort(named('ConnectionClosedError', 'the other side closed the connection')),
        )
      },
      { runOnLimitedConnection: true },
    )
    for (const protocol of this.handlers.keys()) await this.register(node, protocol)
    for (const topic of this.topics.keys()) node.services.gossip.subscribe(topic)
    this.keeper.start()
  }

  async stop(): Promise<void> {
    const { node } = this
    if (node === undefined) return
    this.node = undefined
    this.keeper.stop()
    await Promise.all([...this.links.values()].map(link => this.farewell(link)))
    await node.stop()
    for (const id of [...this.links.keys()]) this.closed(id)
    this.places.clear()
    this.listeners.clear()
    this.topics.clear()
    this.handlers.clear()
    this.budgets.clear()
    this.inbound.clear()
  }

  addresses(): readonly string[] {
    const all = this.node?.getMultiaddrs().map(a => a.toString()) ?? []
    return [...new Set(all)].sort((a, b) => Number(b.includes('/webrtc')) - Number(a.includes('/webrtc')))
  }

  setRelays(addresses: readonly string[]): Promise<void> {
    return this.keeper.set(addresses)
  }
  relays(): readonly RelayStatus[] {
    return this.keeper.statuses()
  }
  wake(): void {
    this.keeper.wake()
  }

  direct(): boolean {
    return this.rtc?.direct() ?? false
  }

  async setIce(settings: IceSettings): Promise<void> {
    if (this.rtc === undefined) return
    const hides = this.rtc.set(settings)
    this.tellAddresses()
    if (!hides) return
    const seen = [...this.links.values()].filter(link => link.info.kind === 'webrtc')
    await Promise.all(seen.map(link => this.closeConnection(link.info.id)))
    this.rtc.closeAll()
  }

  async dial(peerId: PeerId, address: string, { signal, onStep, onFact }: DialOptions): Promise<ConnectionInfo> {
    signal.throwIfAborted()
    const node = this.running()
    const target = multiaddr(address)
    if (!address.endsWith(`/p2p/${peerId}`)) throw named('InvalidMultiaddrError', 'the address is not that of the peer')
    this.dropClosing(node, peerId)
    const late = new AbortController()
    const cancel = this.init.clock.after(ADDRESS_DIAL_MS, () =>
      late.abort(new DOMException('the address did not answer in time', 'TimeoutError')),
    )
    const either = AbortSignal.any([signal, late.signal])
    let reached = -1
    const step = (name: ConnectStep): void => {
      // each step once, and never back: a relay that is dialled inside a WebRTC dial reports its own progress
      for (; reached < ORDER.indexOf(name);) {
        const next = ORDER[++reached]
        if (next !== undefined) onStep?.(next)
      }
    }
    let offered = false
    // Straight to the transport: the library's dial queue would join dials to one peer and try the addresses of all.
    const { dialling, giveBack } = pageLines.dial(() =>
      node.services.manager.dial(target, {
        signal: either,
        onProgress: event => {
          // the types of other transports' events, and our own, are not in the union that is seen here
          const { type }: { readonly type: string } = event
          if (type === FACT) return onFact?.(event.detail as unknown as AttemptFact)
          if (type === 'webrtc:send-sdp-offer') offered = true
          const name = STEPS[type]
          if (name !== undefined) step(name)
        },
      }),
    )
    try {
      const connection = await raced(dialling, either)
      return this.opened(connection).info
    } catch (error) {
      // a dial that dies at the relay makes no line
      if (!offered) giveBack()
      // what comes too late is not wanted any more
      dialling.then(
        connection => {
          connection.abort(named('AbortError', 'the dial was given up'))
        },
        () => undefined,
      )
      const reason: unknown = either.aborted ? either.reason : error
      this.init.log.write('debug', 'transport.dial.failed', {
        peerId,
        step: ORDER[reached],
        error: reason instanceof Error ? `${reason.name}: ${reason.message}` : 'event',
      })
      throw reason
    } finally {
      cancel()
    }
  }

  connections(peerId?: PeerId): readonly ConnectionInfo[] {
    return [...this.links.values()]
      .map(link => link.info)
      .filter(info => peerId === undefined || info.peerId === peerId)
      .sort((a, b) => RANK[a.kind] - RANK[b.kind] || b.openedAt - a.openedAt)
  }

  directLines(): number {
    return pageLines.made
  }

  async ping(connectionId: string, { signal }: { readonly signal: AbortSignal }): Promise<number> {
    signal.throwIfAborted()
    return raced(pingConnection(this.link(connectionId).connection, signal), signal)
  }

  async closeConnection(connectionId: string): Promise<void> {
    const link = this.links.get(connectionId)
    if (link === undefined) return
    this.closed(connectionId)
    await this.farewell(link)
    const late = new AbortController()
    const cancel = this.init.clock.after(GOODBYE_MS, () =>
      late.abort(named('TimeoutError', 'the other side did not answer')),
    )
    try {
      await raced(link.connection.close({ signal: late.signal }), late.signal)
    } catch (error) {
      link.connection.abort(error instanceof Error ? error : new Error('the connection could not be closed'))
    } finally {
      cancel()
    }
  }

  async open(connectionId: string, protocol: string, { signal }: { readonly signal: AbortSignal }): Promise<Channel> {
    signal.throwIfAborted()
    const link = this.link(connectionId)
    const opening = link.connection.newStream(protocol, {
      signal,
      runOnLimitedConnection: true,
      maxOutboundStreams: OUTBOUND_STREAMS,
    })
    try {
      const stream = await raced(opening, signal)
      return this.channel(stream, link, () => undefined)
    } catch (error) {
      opening.then(
        stream => {
          stream.abort(named('AbortError', 'the stream was given up'))
        },
        () => undefined,
      )
      throw error
    }
  }

  handle(protocol: string, handler: (channel: Channel) => void): void {
    const known = this.handlers.has(protocol)
    this.handlers.set(protocol, handler)
    if (!known && this.node !== undefined) {
      this.register(this.node, protocol).catch((error: Error) =>
        this.init.log.write('error', 'transport.handle.failed', { protocol, error: error.message }),
      )
    }
  }

  subscribe(topic: string, handler: (bytes: Uint8Array) => void): () => void {
    let handlers = this.topics.get(topic)
    if (handlers === undefined) {
      handlers = new Set()
      this.topics.set(topic, handlers)
      this.node?.services.gossip.subscribe(topic)
    }
    const mine = handlers
    mine.add(handler)
    return () => {
      mine.delete(handler)
      if (mine.size > 0 || this.topics.get(topic) !== mine) return
      this.topics.delete(topic)
      this.node?.services.gossip.unsubscribe(topic)
    }
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    await this.running().services.gossip.publish(topic, bytes)
  }

  refuse(peerId: PeerId, until: number): void {
    this.refused.delete(peerId)
    this.refused.set(peerId, until)
    const [oldest] = this.refused.keys()
    if (oldest !== undefined && this.refused.size > REFUSED_PEERS) this.refused.delete(oldest)
  }

  onEvent(listener: (event: TransportEvent) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  async stats(connectionId: string): Promise<Readonly<Record<string, string | number>>> {
    const { info, connection, sent, received } = this.link(connectionId)
    const relay = info.kind === 'relay' ? relayOf(connection) : undefined
    return {
      kind: info.kind,
      direction: info.direction,
      openedAt: info.openedAt,
      bytesSent: sent,
      bytesReceived: received,
      ...(relay === undefined ? {} : { relay }),
      ...(await rtcStats(connection)),
    }
  }

  /**
   * A WebRTC dial makes its offer over whatever connection the library still has to the peer. One that is silent and
   * being closed (the goodbye takes seconds) would swallow it, and the dial would be counted as a failure of WebRTC.
   */
  private dropClosing(node: Node, peerId: PeerId): void {
    for (const connection of node.getConnections(peerIdFromString(peerId))) {
      if (!this.links.has(connection.id))
        connection.abort(named('ConnectionClosedError', 'the connection was being closed'))
    }
  }

  private running(): Node {
    if (this.node === undefined) throw named('NotStartedError', 'the transport is not started')
    return this.node
  }

  private link(connectionId: string): Link {
    const link = this.links.get(connectionId)
    if (link === undefined) throw named('ConnectionClosedError', 'the connection is closed')
    return link
  }

  private opened(connection: Connection): Link {
    const known = this.links.get(connection.id)
    if (known !== undefined) return known
    const info: ConnectionInfo = {
      id: connection.id,
      peerId: connection.remotePeer.toString(),
      kind: kindOf(connection),
      direction: connection.direction,
      openedAt: this.init.clock.now(),
    }
    const link: Link = { info, connection, sent: 0, received: 0 }
    if (connection.status !== 'open') throw named('ConnectionClosedError', 'the connection was closed at once')
    this.links.set(info.id, link)
    this.tell({ type: 'connected', connection: info })
    return link
  }

  private closed(connectionId: string): void {
    const link = this.links.get(connectionId)
    if (link === undefined) return
    this.links.delete(connectionId)
    if (this.connections(link.info.peerId).length === 0) this.budgets.delete(link.info.peerId)
    this.tell({ type: 'disconnected', connection: link.info })
  }

  /**
   * Only relays of ours hand calls on: through anybody else a peer would be another one, without a bound, and "direct".
   */
  private takesCall(relay: PeerId, peerId: PeerId): boolean {
    if (!this.keeper.statuses().some(({ address }) => relayPeer(address) === relay)) return false
    return (this.refused.get(peerId) ?? 0) <= this.init.clock.now() && this.inflow.takesCall(peerId)
  }

  /** All lines of the peer go: the library does not notice by itself when a direct one is closed here. */
  private flooded(peerId: PeerId): void {
    for (const { info, connection } of [...this.links.values()]) {
      if (info.peerId !== peerId) continue
      this.closed(info.id)
      connection.abort(named('RateLimitError', 'the other side sent too much'))
    }
    this.tell({ type: 'flood', peerId })
  }

  private async farewell({ info, connection }: Link): Promise<void> {
    if (info.kind !== 'webrtc' || connection.status !== 'open') return
    const late = new AbortController()
    const cancel = this.init.clock.after(FAREWELL_MS, () =>
      late.abort(named('TimeoutError', 'no answer to the farewell')),
    )
    try {
      await raced(connection.newStream(FAREWELL, { signal: late.signal, runOnLimitedConnection: true }), late.signal)
    } catch {
      // nobody there to say it to
    } finally {
      cancel()
    }
  }

  private async register(node: Node, protocol: string): Promise<void> {
    await node.handle(protocol, (stream, connection) => this.accept(protocol, stream, connection), {
      maxInboundStreams: LIMITS.streamsPerPeer,
      maxOutboundStreams: OUTBOUND_STREAMS,
      runOnLimitedConnection: true,
    })
  }

  private accept(protocol: string, stream: Stream, connection: Connection): void {
    const handler = this.handlers.get(protocol)
    const link = this.links.get(connection.id) ?? this.opened(connection)
    const key = `${link.info.peerId} ${protocol}`
    const held = this.inbound.get(key) ?? 0
    if (handler === undefined || held >= LIMITS.streamsPerPeer) {
      stream.abort(named('TooManyInboundProtocolStreamsError', 'no more streams of this protocol'))
      return
    }
    this.inbound.set(key, held + 1)
    handler(
      this.channel(stream, link, () => {
        const left = (this.inbound.get(key) ?? 1) - 1
        if (left > 0) this.inbound.set(key, left)
        else this.inbound.delete(key)
      }),
    )
  }

  private channel(stream: Stream, link: Link, ended: () => void): Channel {
    const peer = link.info.peerId
    const budget = this.budgets.get(peer) ?? new RateLimit(LIMITS.messagesPerSecond, () => this.init.clock.now())
    this.budgets.set(peer, budget)
    return new StreamChannel(stream, link.info, {
      clock: this.init.clock,
      admit: () => budget.take(),
      count: (direction, bytes) => {
        link[direction] += bytes
      },
      ended,
    })
  }

  private async reserve(address: string): Promise<void> {
    const node = this.running()
    const listen = multiaddr(listenAddress(address))
    if (!this.places.has(listen.toString())) await node.services.manager.listen([listen])
    const place = this.places.get(listen.toString())
    if (place === undefined) throw named('NoValidAddressesError', 'no transport for this relay address')
    await place.reserve()
  }

  /**
   * After a sleep the WebSocket to a relay may be long dead without a word: the library finds out after many seconds, a
   * ping in two.
   */
  private async verify(address: string): Promise<void> {
    await Promise.all(
      this.relayConnections(address).map(async ({ id }) => {
        const late = new AbortController()
        const cancel = this.init.clock.after(RELAY_PING_MS, () =>
          late.abort(named('TimeoutError', 'the relay did not answer')),
        )
        try {
          await this.ping(id, late)
        } catch {
          await this.closeConnection(id)
        } finally {
          cancel()
        }
      }),
    )
  }

  private relayConnections(address: string): readonly ConnectionInfo[] {
    return this.connections(relayPeer(address)).filter(info => info.kind === 'direct')
  }

  /** A reservation lives as long as the connection that asked for it: closing that gives it back. */
  private async release(address: string): Promise<void> {
    await Promise.all(this.relayConnections(address).map(info => this.closeConnection(info.id)))
    this.changed()
  }

  private changed(): void {
    this.keeper.check()
    this.tellAddresses()
  }

  private tellAddresses(): void {
    const addresses = this.addresses()
    const now = addresses.join(' ')
    if (now === this.told) return
    this.told = now
    this.tell({ type: 'addresses', addresses })
  }

  private tell(event: TransportEvent): void {
    for (const listener of [...this.listeners]) listener(event)
  }
}

const listenAddress = (relay: string): string => `${relay}/p2p-circuit`

/** The relay's own peer id: the last one of its address. */
export const relayPeer = (address: string): PeerId => peerOf(multiaddr(address))

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as that aborts, whatever the library still
 * does.
 */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : named('AbortError', 'aborted'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
