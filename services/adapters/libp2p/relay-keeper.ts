import type { Clock } from '../../ports/clock'
import type { RelayStatus } from '../../ports/transport'

/** What the keeper does to the world. */
export interface RelayHost {
  /** connects to the relay and asks for a place; rejects with the library's error */
  reserve(address: string): Promise<void>
  /** whether a place on it is held at this moment */
  holds(address: string): boolean
  /** a live ping over the connection that holds the place; a silent one is closed */
  verify(address: string): Promise<void>
  /** gives the place back and closes the connection */
  release(address: string): Promise<void>
}

/** wait before the first try after a loss, milliseconds; doubled for each further one */
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 30_000
/** a relay that refused us is full or none: it is asked less often */
const REFUSED_WAIT_MS = 60_000
/** how often a held place is looked at when no event said anything, milliseconds */
const LOOK_MS = 30_000

interface Place {
  status: RelayStatus
  tries: number
  busy: boolean
  cancel: () => void
}

/**
 * Holds places on relays. The library makes a reservation once and does not remake it when the relay connection closes
 * (js-libp2p#3601), so this does.
 *
 * Invariants: a wanted relay that is not held has either an attempt running or a timer; one that is not wanted has
 * neither; no failure of one relay touches another.
 */
export class RelayKeeper {
  private readonly places = new Map<string, Place>()
  private cancelLook: () => void = () => undefined
  private running = false

  /** @param random number in [0, 1), for jitter: browsers that lost the same relay must not come back in step */
  constructor(
    private readonly host: RelayHost,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly tell: (status: RelayStatus) => void,
  ) {}

  statuses(): readonly RelayStatus[] {
    return [...this.places.values()].map(p => p.status)
  }

  start(): void {
    this.running = true
    for (const address of this.places.keys()) void this.attempt(address)
    this.look()
  }

  stop(): void {
    this.running = false
    this.cancelLook()
    for (const place of this.places.values()) place.cancel()
  }

  /**
   * Wants exactly these. Those not held are tried at once, whatever their wait: the caller knows that something
   * changed.
   */
  async set(addresses: readonly string[]): Promise<void> {
    const gone = [...this.places.keys()].filter(address => !addresses.includes(address))
    for (const address of gone) {
      this.places.get(address)?.cancel()
      this.places.delete(address)
    }
    for (const address of addresses) {
      const place = this.places.get(address)
      if (place === undefined) {
        this.places.set(address, { status: { address, state: 'idle' }, tries: 0, busy: false, cancel: () => undefined })
      } else {
        place.tries = 0
      }
      if (this.running && !this.host.holds(address)) void this.attempt(address)
    }
    await Promise.all(gone.map(address => this.host.release(address)))
  }

  /** The machine slept or the network changed: waits are cut short, and a place that is held must answer. */
  wake(): void {
    if (!this.running) return
    for (const [address, place] of this.places) {
      place.tries = 0
      if (this.host.holds(address)) void this.host.verify(address).then(() => this.check())
      else void this.attempt(address)
    }
  }

  /** Something happened to connections or addresses: notices lost places. */
  check(): void {
    for (const [address, place] of this.places) {
      if (place.status.state !== 'reserved' || this.host.holds(address)) continue
      this.report(place, { address, state: 'unreachable', error: new Error('the place on the relay was lost') })
      this.retryLater(address, place)
    }
  }

  private look(): void {
    this.cancelLook = this.clock.after(LOOK_MS, () => {
      this.check()
      this.look()
    })
  }

  private async attempt(address: string): Promise<void> {
    const place = this.places.get(address)
    if (place === undefined || place.busy || !this.running) return
    place.cancel()
    place.busy = true
    this.report(place, { address, state: 'connecting' })
    let failure: { readonly error: unknown } | undefined
    try {
      await this.host.reserve(address)
      if (!this.host.holds(address)) failure = { error: new Error('the relay gave no address') }
    } catch (error) {
      failure = { error }
    }
    place.busy = false
    if (this.places.get(address) !== place) {
      // no longer wanted, or wanted anew under another entry, which then makes its own attempt
      if (failure === undefined && !this.places.has(address)) await this.host.release(address)
      return
    }
    if (failure === undefined) {
      place.tries = 0
      this.report(place, { address, state: 'reserved' })
      return
    }
    this.report(place, { address, state: isRefusal(failure.error) ? 'refused' : 'unreachable', error: failure.error })
    this.retryLater(address, place)
  }

  private retryLater(address: string, place: Place): void {
    if (!this.running) return
    const longest =
      place.status.state === 'refused' ? REFUSED_WAIT_MS : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** place.tries)
    place.tries = Math.min(place.tries + 1, 16)
    place.cancel()
    place.cancel = this.clock.after(longest * (0.5 + this.random() / 2), () => {
      void this.attempt(address)
    })
  }

  private report(place: Place, status: RelayStatus): void {
    place.status = status
    if (this.running) this.tell(status)
  }
}

/** The relay is there and says no: full, closed to us, or no relay at all. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'UnsupportedProtocolError' ||
      /RESERVATION_REFUSED|PERMISSION_DENIED|previously invalid/.test(error.message))
  )
}
