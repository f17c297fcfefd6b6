import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { setMaxListeners, type AbortOptions, type Connection, type PeerId, type Stream } from '@libp2p/interface'
import type { Guard } from './guard'
import type { Counters } from './metrics'

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

/**
 * bytes of a circuit that may wait for who does not read, beside the windows of both ends; then its sender must wait
 */
const WAITING_BYTES = 1024 * 1024
/** the same of all circuits; then the one for which most waits is ended */
const ALL_WAITING_BYTES = 256 * 1024 * 1024
/** what a part costs that waits, beside its bytes */
const PART_BYTES = 1024
/** a part of fewer bytes is copied, or it would keep all that came with it */
const SMALL_BYTES = 32 * 1024

/** One direction of a circuit. */
interface Way {
  waiting: number
  readonly end: () => void
}

/** What is needed of a stream to hold its sender back: methods of its class, which its interface does not list. */
export interface Windowed {
  onData(data: { readonly byteLength: number; slice(): unknown }): void
  /** sends no new window */
  sendPause(): void
  sendResume(): void
}

/** The steps of the library's service that are watched: methods of its class, which its interface does not list. */
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
  /** bytes that wait in all circuits, and where: both ways of each whose ends are there */
  private waiting = 0
  private readonly ways = new Set<Way>()
  /** requests whose streams are circuits now */
  private readonly joined = new WeakSet<MessageStream>()
  /** peers whose request the guard has just refused, and counted */
  private readonly turnedAway = new Set<string>()

  /** @param guard is told of places that are not held any more, and knows who is here */
  constructor(
    private readonly counters: Counters,
    private readonly guard: Pick<Guard, 'here' | 'vacated'>,
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
        if (service.reservations.has(peer) && !this.guard.here(name)) release(service, peer)
        if (!service.reservations.has(peer)) {
          this.guard.vacated(name)
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
        this.guard.vacated(peer)
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

  /**
   * Has the sender wait while much of what it sent waits for the other end, which may never read: the library keeps all
   * of it. Its stream is not paused, because what lies in a paused one is lost when its sender has done.
   */
  private holdBack(from: Stream, to: Stream, end: () => void): void {
    const windowed = from as unknown as Windowed
    const way: Way = { waiting: 0, end }
    let held = false
    this.ways.add(way)
    const add = (bytes: number): void => {
      if (!this.ways.has(way)) return
      way.waiting += bytes
      this.waiting += bytes
    }
    const onData = windowed.onData.bind(from)
    windowed.onData = data => {
      onData(data.byteLength < SMALL_BYTES ? (data.slice() as typeof data) : data)
    }
    from.addEventListener('message', ({ data }) => {
      add(data.byteLength + PART_BYTES)
      if (!held && way.waiting > WAITING_BYTES) {
        held = true
        windowed.sendPause()
      }
      if (this.waiting > ALL_WAITING_BYTES)
        [...this.ways].reduce((most, other) => (other.waiting > most.waiting ? other : most)).end()
    })
    const send = to.send.bind(to)
    to.send = data => {
      add(-data.byteLength - PART_BYTES)
      const more = send(data)
      if (held && way.waiting <= WAITING_BYTES / 2) {
        held = false
        if (from.status === 'open') windowed.sendResume()
      }
      return more
    }
    to.addEventListener(
      'close',
      () => {
        add(-way.waiting)
        this.ways.delete(way)
      },
      { once: true },
    )
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
      this.holdBack(stream, other, overflow)
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
