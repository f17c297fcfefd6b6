import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Transport, TransportEvent } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import { TokenBucket } from '../domain/token-bucket'
import { encodeFrame } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import { PROTOCOLS, type ProtocolName } from '../wire/messages'
import { closeQuietly } from './attempt'
import type { SelfInfo } from './hello'
import { HelloExchange, type HelloEvent } from './hello-exchange'
import { InboundStreams, type MessageHandler, type MessageOf } from './inbound-streams'
import { Offences } from './offences'
import { OutgoingLink } from './outgoing-link'

export type LinkEvent =
  | HelloEvent
  /** the peer sent what no version of the protocol allows; not served until `until` (unix ms) */
  | { readonly type: 'offence'; readonly peerId: PeerId; readonly reason: string; readonly until: number }

export type LinkListener = (peerId: PeerId, protocol: ProtocolName, up: boolean) => void

export interface LinksDeps {
  readonly transport: Pick<Transport, 'open' | 'handle' | 'connections' | 'closeConnection' | 'refuse' | 'onEvent'>
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly self: SelfInfo
  /** roster peers, or the join protocol while an invite is open: nobody else is served or sent to */
  allowed(peerId: PeerId, protocol: ProtocolName): boolean
  onEvent(event: LinkEvent): void
}

/** Our own pace. The other side's transport resets a stream above the limit, hellos of both protocols included. */
const PACE = { perSecond: LIMITS.messagesPerSecond - 10, burst: LIMITS.messagesPerSecond - 20 } as const

const NAMES = Object.keys(PROTOCOLS) as ProtocolName[]

/**
 * Messages to and from peers.
 * 1. A link is the outgoing stream to one peer for one protocol (outgoing-link.ts).
 * 2. What peers send comes on streams that they open (inbound-streams.ts).
 * 3. Both kinds of stream begin with a hello in both directions (hello-exchange.ts).
 * 4. Only those are served and sent to whom `allowed` names.
 * 5. Who breaks a rule is disconnected for a while (offences.ts).
 */
export class Links {
  readonly #links = new Map<string, OutgoingLink>()
  readonly #listeners = new Set<LinkListener>()
  /** one pace for all protocols of a peer */
  readonly #paces = new Map<PeerId, TokenBucket>()
  readonly #offences: Offences
  readonly #hello: HelloExchange
  readonly #inbound: InboundStreams
  readonly #unlisten: () => void
  #stopped = false

  constructor(private readonly d: LinksDeps) {
    const { transport, clock, log, self } = d
    this.#offences = new Offences({
      transport,
      clock,
      log,
      abortStreams: (peerId, reason) => this.#inbound.abort(peerId, reason),
      onOffence: (peerId, reason, until) => d.onEvent({ type: 'offence', peerId, reason, until }),
    })
    this.#hello = new HelloExchange({
      transport,
      clock,
      self,
      offence: (peerId, reason) => this.#offences.add(peerId, reason),
      onEvent: event => {
        if (event.type === 'superseded') this.forget(event.by)
        d.onEvent(event)
      },
    })
    this.#inbound = new InboundStreams({
      clock,
      log,
      hello: this.#hello,
      offences: this.#offences,
      mayServe: (peerId, protocol) => this.#mayServe(peerId, protocol),
    })
    for (const protocol of NAMES) {
      transport.handle(PROTOCOLS[protocol], channel => {
        void this.#inbound.serve(channel, protocol)
      })
    }
    this.#unlisten = transport.onEvent(event => {
      this.#onTransport(event)
    })
  }

  /** Wants (or no longer wants) the link open whenever there is a connection. */
  keep(peerId: PeerId, protocol: ProtocolName, wanted: boolean): void {
    if (this.#stopped || (!wanted && !this.#links.has(`${protocol} ${peerId}`))) return
    this.#link(peerId, protocol).keep(wanted)
  }

  isUp(peerId: PeerId, protocol: ProtocolName): boolean {
    return this.#links.get(`${protocol} ${peerId}`)?.up ?? false
  }

  /** `true` when handed to the network, which is no receipt; `false` at once when there is no way to the peer now. */
  send<P extends ProtocolName>(peerId: PeerId, protocol: P, message: MessageOf[P]): Promise<boolean> {
    if (this.#stopped || !this.d.allowed(peerId, protocol)) return Promise.resolve(false)
    return this.#link(peerId, protocol).send(encodeFrame<ProtocolName>(protocol, message))
  }

  onMessage<P extends ProtocolName>(protocol: P, handler: MessageHandler<P>): () => void {
    return this.#inbound.onMessage(protocol, handler)
  }

  /** Up: the outgoing stream is greeted and usable. Down: it ended; what was not said must be said again by `sync`. */
  onLink(listener: LinkListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** A peer broke a rule of what the frames mean: as a malformed frame, it ends the connection for a while. */
  offence(peerId: PeerId, reason: string): void {
    this.#offences.add(peerId, reason)
  }

  /** unix milliseconds until which the peer is left alone; 0 when it is not */
  blockedUntil(peerId: PeerId): number {
    return this.#offences.blockedUntil(peerId)
  }

  /** Ends everything with a peer that is no longer served. */
  forget(peerId: PeerId): void {
    for (const protocol of NAMES) {
      this.#links.get(`${protocol} ${peerId}`)?.stop()
      this.#links.delete(`${protocol} ${peerId}`)
    }
    this.#inbound.abort(peerId, 'no longer served')
    this.#paces.delete(peerId)
    this.#hello.forget(peerId)
  }

  stop(): void {
    this.#stopped = true
    this.#unlisten()
    this.#offences.stop()
    this.#hello.stop()
    for (const link of this.#links.values()) link.stop()
    this.#links.clear()
    this.#inbound.stop()
  }

  /** open streams of both directions, for the proof that nothing is left */
  counters(): { outgoing: number; inbound: number } {
    return { outgoing: [...this.#links.values()].filter(l => l.up).length, inbound: this.#inbound.size }
  }

  #mayServe(peerId: PeerId, protocol: ProtocolName): boolean {
    return (
      !this.#stopped &&
      this.blockedUntil(peerId) === 0 &&
      !this.#hello.isSupersededBy(peerId) &&
      this.d.allowed(peerId, protocol)
    )
  }

  #link(peerId: PeerId, protocol: ProtocolName): OutgoingLink {
    const key = `${protocol} ${peerId}`
    const existing = this.#links.get(key)
    if (existing) return existing
    const { transport, clock, entropy } = this.d
    const pace = this.#paces.get(peerId) ?? new TokenBucket(PACE, () => clock.now())
    this.#paces.set(peerId, pace)
    const link = new OutgoingLink(
      {
        transport,
        clock,
        entropy,
        pace,
        hello: this.#hello,
        mayOpen: () => this.#mayServe(peerId, protocol),
        onFailed: error =>
          this.d.log.write('debug', 'net.link-failed', {
            peer: peerId,
            protocol,
            error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
          }),
        onUp: up => {
          for (const listener of this.#listeners) listener(peerId, protocol, up)
        },
      },
      peerId,
      protocol,
    )
    this.#links.set(key, link)
    return link
  }

  #onTransport(event: TransportEvent): void {
    // each connection of the peer may tell of it
    if (event.type === 'flood' && this.blockedUntil(event.peerId) === 0) this.#offences.add(event.peerId, 'flood')
    if (event.type !== 'connected') return
    const { connection } = event
    if (this.blockedUntil(connection.peerId) > 0) {
      closeQuietly(this.d.transport, connection)
      return
    }
    for (const link of this.#links.values()) if (link.peerId === connection.peerId) link.onConnection(connection)
  }
}
