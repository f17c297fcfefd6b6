/**
 * Guards: the relay's memory, its places, and the truth of what it counts. The library tells of neither places nor
 * circuits, keeps all that waits for who does not read, keeps what a client sends after its request, and tells the life
 * of a circuit in milliseconds where the specification says seconds.
 * Upstream: @libp2p/circuit-relay-v2 4.2.13, dist/src/server/index.js (`handleHopProtocol`, `handleReserve`,
 * `handleConnect`, `stopHop`: methods of its class, which its interface does not list) and
 * dist/src/server/reservation-store.js (`signal` of a reservation).
 * Needless when: the server emits events for reservations and circuits, ends requests, has a write bound, and tells
 * seconds.
 * Held by: tests/unit/libp2p-internals/circuit-relay-server.test.ts, tests/unit/relay/circuits.test.ts,
 * tests/contract/relay-floods.test.ts, tests/contract/relay-server.test.ts.
 */
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { setMaxListeners, type AbortOptions, type Connection, type PeerId, type Stream } from '@libp2p/interface'
import { BackPressure } from './back-pressure'

/** What the relay is told. */
export interface CircuitCounters {
  reservationsGranted: number
  reservationsRenewed: number
  circuits: number
  circuitBytes: number
  refuse(reason: 'reservations' | 'circuit-failed' | 'no-reservation' | 'flood', who: { readonly peer: string }): void
}

/** What must be known of the relay's clients. */
export interface Clients {
  /** whether a connection of this peer is open */
  here(peer: string): boolean
  /** the place that a peer was allowed is not held */
  vacated(peer: string): void
}

interface Messages {
  write(message: Limited, options?: unknown): Promise<void>
}
interface MessageStream {
  unwrap(): Stream
  pb(codec: unknown): Messages
}
interface Request {
  readonly connection: Connection
  readonly stream: MessageStream
}
/** A message, or a request, that tells the limits of a circuit. */
interface Limited {
  readonly limit?: { readonly duration?: number; readonly data?: bigint }
}

/** The steps of the library's service that are watched. */
interface Steps {
  handleHopProtocol(request: Request, options: unknown): Promise<void>
  handleReserve(request: Request, options: unknown): Promise<void>
  handleConnect(request: Request, options: unknown): Promise<void>
  stopHop(
    request: { readonly connection: Connection; readonly request: Limited },
    options: unknown,
  ): Promise<Stream | undefined>
}

/**
 * The library writes the life of a circuit as it counts it, in milliseconds; by the specification, and in its own
 * clients, it is in seconds.
 */
function inSeconds<T extends Limited>(message: T): T {
  const { limit } = message
  return limit?.duration === undefined
    ? message
    : { ...message, limit: { ...limit, duration: Math.ceil(limit.duration / 1000) } }
}

/** The same stream, whose messages tell the life of a circuit in seconds. */
function tellingSeconds(request: Request): Request {
  const { stream } = request
  const pb = (codec: unknown): Messages => {
    const messages = stream.pb(codec)
    return { ...messages, write: (message, options) => messages.write(inSeconds(message), options) }
  }
  return { ...request, stream: { ...stream, pb } }
}

/**
 * Counts places and relayed connections as the library makes them. It tells of neither, so its steps are watched from
 * outside; what they do is not changed, but for the unit of what they tell.
 */
export class CircuitWatch {
  private readonly open = new Map<string, number>()
  private all = 0
  private readonly pressure = new BackPressure()
  /** requests whose streams are circuits now */
  private readonly joined = new WeakSet<MessageStream>()
  /** peers whose request the guard has just refused, and counted */
  private readonly turnedAway = new Set<string>()

  /** @param clients is told of places that are not held any more, and knows who is here */
  constructor(
    private readonly counters: CircuitCounters,
    private readonly clients: Clients,
  ) {}

  circuits(peer?: string): number {
    return peer === undefined ? this.all : (this.open.get(peer) ?? 0)
  }

  refused(peer: string): void {
    this.turnedAway.add(peer)
  }

  /**
   * @param full whether no place is left
   * @throws Error when the library has changed so that it cannot be watched
   */
  watch(service: CircuitRelayService, full: () => boolean): void {
    const steps = service as unknown as Steps
    for (const name of ['handleHopProtocol', 'handleReserve', 'handleConnect', 'stopHop'] as const) {
      if (typeof steps[name] !== 'function') throw new Error(`this version of circuit-relay-v2 has no step ${name}`)
    }
    this.watchReservations(steps, service, full)
    this.watchCircuits(steps)
    this.endRequests(steps)
  }

  /** The library lets the client have its stream when the answer is given, and would keep whatever comes. */
  private endRequests(steps: Steps): void {
    const handle = steps.handleHopProtocol.bind(steps)
    steps.handleHopProtocol = async (request, options) => {
      await handle(request, options)
      if (this.joined.has(request.stream)) return
      const stream = request.stream.unwrap()
      await stream.closeRead()
      await stream.close(options as AbortOptions)
    }
  }

  private watchReservations(steps: Steps, service: CircuitRelayService, full: () => boolean): void {
    const reserve = steps.handleReserve.bind(steps)
    steps.handleReserve = async (request, options) => {
      const peer = request.connection.remotePeer
      const name = peer.toString()
      const had = service.reservations.has(peer)
      try {
        await reserve(tellingSeconds(request), options)
      } finally {
        const turnedAway = this.turnedAway.delete(name)
        if (service.reservations.has(peer) && !this.clients.here(name)) release(service, peer)
        if (!service.reservations.has(peer)) {
          this.clients.vacated(name)
          if (!turnedAway && full()) this.counters.refuse('reservations', { peer: name })
        } else if (had) {
          this.counters.reservationsRenewed++
        } else {
          this.counters.reservationsGranted++
          this.watchExpiry(name, signalOf(service, peer))
        }
      }
    }
  }

  private watchExpiry(peer: string, signal: Expiry | undefined): void {
    if (signal === undefined) return
    // the library adds a listener for each circuit to this peer, and takes it away when that ends
    setMaxListeners(Infinity, signal)
    signal.addEventListener(
      'abort',
      () => {
        this.clients.vacated(peer)
      },
      { once: true },
    )
  }

  private watchCircuits(steps: Steps): void {
    const [connect, stop] = [steps.handleConnect.bind(steps), steps.stopHop.bind(steps)]
    /**
     * the destination's stream of each request that got so far, by the options that the library hands from step to step
     */
    const destinations = new Map<unknown, Stream | undefined>()
    steps.stopHop = async (request, options) => {
      destinations.set(options, undefined)
      const stream = await stop({ ...request, request: inSeconds(request.request) }, options)
      destinations.set(options, stream)
      return stream
    }
    steps.handleConnect = async (request, options) => {
      const peer = request.connection.remotePeer.toString()
      try {
        await connect(tellingSeconds(request), options)
        const far = destinations.get(options)
        if (far !== undefined) {
          this.joined.add(request.stream)
          this.opened(peer, request.stream.unwrap(), far)
        } else if (destinations.has(options)) this.counters.refuse('circuit-failed', { peer })
        else if (!this.turnedAway.delete(peer)) this.counters.refuse('no-reservation', { peer })
      } catch (error) {
        this.counters.refuse('circuit-failed', { peer })
        throw error
      } finally {
        this.turnedAway.delete(peer)
        destinations.delete(options)
      }
    }
  }

  /** Called in the turn in which the library joined the two streams. */
  private opened(peer: string, near: Stream, far: Stream): void {
    this.counters.circuits++
    const end = (reason: string): void => {
      for (const stream of [near, far]) stream.abort(new Error(reason))
    }
    if (near.status !== 'open' || far.status !== 'open') {
      end('the other end has gone')
      return
    }
    const overflow = (): void => {
      this.counters.refuse('flood', { peer })
      end('too much waits for who does not read')
    }
    this.all++
    this.open.set(peer, this.circuits(peer) + 1)
    const count = ({ data }: { readonly data: { readonly byteLength: number } }): void => {
      this.counters.circuitBytes += data.byteLength
    }
    let over = false
    const close = (): void => {
      if (over) return
      over = true
      this.all--
      const left = this.circuits(peer) - 1
      if (left > 0) this.open.set(peer, left)
      else this.open.delete(peer)
    }
    for (const [stream, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.pressure.hold(stream, other, overflow)
      stream.addEventListener('message', count)
      stream.addEventListener('close', close, { once: true })
    }
  }
}

/** The timer of a reservation, which its interface does not list. */
interface Expiry extends AbortSignal {
  clear?: () => void
}

const signalOf = (service: CircuitRelayService, peer: PeerId): Expiry | undefined =>
  (service.reservations.get(peer) as { signal?: Expiry } | undefined)?.signal

/**
 * Frees the place of a peer that left: the library would hold it until it expires. The reservation's own timer is
 * stopped too, or it would later remove the place that the peer has taken anew.
 */
export function release(service: CircuitRelayService, peer: PeerId): void {
  signalOf(service, peer)?.clear?.()
  service.reservations.delete(peer)
}
