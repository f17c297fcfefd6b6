import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { Connection, Stream } from '@libp2p/interface'
import type { Counters } from './metrics'

interface Request { readonly connection: Connection; readonly stream: { unwrap(): Stream } }

/** The steps of the library's service that are watched: methods of its class, which its interface does not list. */
interface Steps {
  handleReserve(request: Request, options: unknown): Promise<void>
  handleConnect(request: Request, options: unknown): Promise<void>
  stopHop(request: unknown, options: unknown): Promise<Stream | undefined>
}

/**
 * Counts places and relayed connections as the library makes them. It tells of neither, so its steps are watched from outside;
 * what they do is not changed.
 */
export class CircuitWatch {
  private readonly open = new Map<string, number>()
  private all = 0
  /** peers whose request the guard has just refused, and counted */
  private readonly turnedAway = new Set<string>()

  constructor(private readonly counters: Counters, private readonly holds: (peer: string) => void) {}

  circuits(peer?: string): number {
    return peer === undefined ? this.all : this.open.get(peer) ?? 0
  }

  refused(peer: string): void { this.turnedAway.add(peer) }

  /**
   * @param full whether no place is left
   * @throws Error when the library has changed so that it cannot be watched
   */
  watch(service: CircuitRelayService, full: () => boolean): void {
    const steps = service as unknown as Steps
    for (const name of ['handleReserve', 'handleConnect', 'stopHop'] as const) {
      if (typeof steps[name] !== 'function') throw new Error(`this version of circuit-relay-v2 has no step ${name}`)
    }
    this.watchReservations(steps, service, full)
    this.watchCircuits(steps)
  }

  private watchReservations(steps: Steps, service: CircuitRelayService, full: () => boolean): void {
    const reserve = steps.handleReserve.bind(steps)
    steps.handleReserve = async (request, options) => {
      const peer = request.connection.remotePeer
      const had = service.reservations.has(peer)
      await reserve(request, options)
      const turnedAway = this.turnedAway.delete(peer.toString())
      if (!service.reservations.has(peer)) {
        if (!turnedAway && full()) this.counters.refuse('reservations', { peer: peer.toString() })
      } else if (had) {
        this.counters.reservationsRenewed++
      } else {
        this.counters.reservationsGranted++
        this.holds(peer.toString())
      }
    }
  }

  private watchCircuits(steps: Steps): void {
    const [connect, stop] = [steps.handleConnect.bind(steps), steps.stopHop.bind(steps)]
    /** the destination's stream of each request that got so far, by the options that the library hands from step to step */
    const destinations = new Map<unknown, Stream | undefined>()
    steps.stopHop = async (request, options) => {
      destinations.set(options, undefined)
      const stream = await stop(request, options)
      destinations.set(options, stream)
      return stream
    }
    steps.handleConnect = async (request, options) => {
      const peer = request.connection.remotePeer.toString()
      try {
        await connect(request, options)
        const far = destinations.get(options)
        if (far !== undefined) this.opened(peer, request.stream.unwrap(), far)
        else if (destinations.has(options)) this.counters.refuse('circuit-failed', { peer })
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
    if (near.status !== 'open' && far.status !== 'open') return
    this.all++
    this.open.set(peer, this.circuits(peer) + 1)
    const count = ({ data }: { readonly data: { readonly byteLength: number } }): void => { this.counters.circuitBytes += data.byteLength }
    let over = false
    const close = (): void => {
      if (over) return
      over = true
      this.all--
      const left = this.circuits(peer) - 1
      if (left > 0) this.open.set(peer, left)
      else this.open.delete(peer)
    }
    for (const stream of [near, far]) {
      stream.addEventListener('message', count)
      stream.addEventListener('close', close, { once: true })
    }
  }
}
