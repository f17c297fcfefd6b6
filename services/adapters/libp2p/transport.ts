import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ed25519 } from '@noble/curves/ed25519.js'
import { BoundedMap } from '../../core/domain/bounded-map'
import type { IceSettings } from '../../core/domain/ice'
import type { PeerId } from '../../core/domain/ids'
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
import { named, raced } from './abortable'
import { relayOf, relayPeer } from './addresses'
import { Channels } from './channels'
import { ConnectionTable } from './connection-table'
import { Dials } from './dials'
import { InboundLimits } from './internals/inbound-limits'
import { rtcStats } from './internals/peer-connection-stats'
import { createNode, type Node } from './node'
import { pagePeerConnections } from './peer-connections'
import { pingConnection } from './ping'
import { RelayKeeper } from './relay-keeper'
import { RelayPlaces } from './relay-places'
import { Rtc } from './rtc'

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

/** peers whose refusal is remembered */
const REFUSED_PEERS = 1_024

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
  private readonly listeners = new Set<(event: TransportEvent) => void>()
  private readonly topics = new Map<string, Set<(bytes: Uint8Array) => void>>()
  private readonly table: ConnectionTable
  private readonly channels: Channels
  private readonly dials: Dials
  private readonly places: RelayPlaces
  private readonly keeper: RelayKeeper
  private readonly limits: InboundLimits
  private readonly rtc: Rtc | undefined
  /** whose calls are refused until when, unix milliseconds */
  private readonly refused = new BoundedMap<PeerId, number>(REFUSED_PEERS)
  private told = ''

  constructor(private readonly init: Libp2pTransportInit) {
    const { clock, entropy } = init
    this.privateKey = privateKeyFromRaw(new Uint8Array([...init.peerKey, ...ed25519.getPublicKey(init.peerKey)]))
    this.peerId = peerIdFromPrivateKey(this.privateKey).toString()
    this.limits = new InboundLimits(clock, peerId => this.flooded(peerId))
    if (init.webrtc ?? typeof globalThis.RTCPeerConnection === 'function') {
      this.rtc = new Rtc(
        init.ice ?? { servers: [], relayOnly: false },
        (answer, peerId, fact) => this.tell({ type: 'answering', answer, peerId, fact }),
        this.limits,
      )
    }
    this.table = new ConnectionTable(clock, {
      tell: event => this.tell(event),
      gone: peerId => this.channels.gone(peerId),
    })
    this.channels = new Channels(this.table, init)
    this.dials = new Dials(this.table, init)
    this.places = new RelayPlaces(
      this.table,
      clock,
      () => this.running(),
      () => this.changed(),
    )
    this.keeper = new RelayKeeper(
      this.places,
      clock,
      () => (entropy.bytes(1)[0] ?? 0) / 256,
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
      places: this.places.listened,
      limits: this.limits,
      takesCall: (relay, peerId) => this.takesCall(relay, peerId),
    })
    this.node = node
    node.addEventListener('connection:open', ({ detail }) => this.table.opened(detail))
    node.addEventListener('connection:close', ({ detail }) => {
      this.table.closed(detail.id)
      this.keeper.check()
    })
    node.addEventListener('transport:listening', () => this.changed())
    node.addEventListener('self:peer:update', () => this.changed())
    node.services.gossip.addEventListener('message', ({ detail }) => {
      for (const handler of [...(this.topics.get(detail.topic) ?? [])]) handler(detail.data)
    })
    await node.start()
    await this.table.answerFarewells(node)
    await this.channels.start(node)
    for (const topic of this.topics.keys()) node.services.gossip.subscribe(topic)
    this.keeper.start()
  }

  async stop(): Promise<void> {
    const { node } = this
    if (node === undefined) return
    this.node = undefined
    this.keeper.stop()
    await this.table.farewells()
    await node.stop()
    this.table.allClosed()
    this.places.listened.clear()
    this.listeners.clear()
    this.topics.clear()
    this.channels.clear()
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
    const seen = this.table.list().filter(info => info.kind === 'webrtc')
    await Promise.all(seen.map(info => this.table.close(info.id)))
    this.rtc.closeAll()
  }

  async dial(peerId: PeerId, address: string, options: DialOptions): Promise<ConnectionInfo> {
    options.signal.throwIfAborted()
    return this.dials.dial(this.running(), peerId, address, options)
  }

  connections(peerId?: PeerId): readonly ConnectionInfo[] {
    return this.table.list(peerId)
  }

  peerConnectionsMade(): number {
    return pagePeerConnections.made
  }

  async ping(connectionId: string, { signal }: { readonly signal: AbortSignal }): Promise<number> {
    signal.throwIfAborted()
    return raced(pingConnection(this.table.get(connectionId).connection, signal), signal)
  }

  closeConnection(connectionId: string): Promise<void> {
    return this.table.close(connectionId)
  }

  async open(connectionId: string, protocol: string, { signal }: { readonly signal: AbortSignal }): Promise<Channel> {
    signal.throwIfAborted()
    return this.channels.open(connectionId, protocol, signal)
  }

  handle(protocol: string, handler: (channel: Channel) => void): void {
    this.channels.handle(this.node, protocol, handler)
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
    this.refused.set(peerId, until)
  }

  onEvent(listener: (event: TransportEvent) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  async stats(connectionId: string): Promise<Readonly<Record<string, string | number>>> {
    const { info, connection, sent, received } = this.table.get(connectionId)
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

  private running(): Node {
    if (this.node === undefined) throw named('NotStartedError', 'the transport is not started')
    return this.node
  }

  /**
   * Only relays of ours hand calls on: through anybody else a peer would be another one, without a bound, and "direct".
   */
  private takesCall(relay: PeerId, peerId: PeerId): boolean {
    if (!this.keeper.statuses().some(({ address }) => relayPeer(address) === relay)) return false
    return (this.refused.get(peerId) ?? 0) <= this.init.clock.now() && this.limits.takesCall(peerId)
  }

  private flooded(peerId: PeerId): void {
    this.table.abort(peerId, named('RateLimitError', 'the other side sent too much'))
    this.tell({ type: 'flood', peerId })
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
