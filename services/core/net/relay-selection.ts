import type { Clock } from '../../ports/clock'
import type { RelayStatus, Transport } from '../../ports/transport'
import { ownRelays, type RelayLife } from './rendezvous'

/** milliseconds for which a dead relay is not asked again, doubled up to the maximum */
const COOLDOWN_MS = 60_000
const COOLDOWN_MAX_MS = 900_000

export interface RelaySelectionDeps {
  readonly transport: Pick<Transport, 'peerId' | 'setRelays' | 'relays'>
  readonly clock: Clock
  onError(error: unknown): void
}

/**
 * Where the node has its reservations: of each relay list in use (the app's own, each wallet's, an invite's) the first
 * two live ones by rendezvous hash. The transport remakes a reservation that is lost; this decides where.
 */
export class RelaySelection {
  readonly #lists = new Map<string, readonly string[]>()
  readonly #cooldowns = new Map<string, { until: number; times: number }>()
  readonly #live = new Set<string>()
  #wanted: readonly string[] = []
  #timer: (() => void) | undefined
  #running = false

  constructor(private readonly d: RelaySelectionDeps) {}

  /** The network is up. */
  start(): void {
    this.#running = true
    this.#update()
  }

  /** `undefined` lets the list go. */
  setList(name: string, relays: readonly string[] | undefined): void {
    if (relays) this.#lists.set(name, relays)
    else this.#lists.delete(name)
    this.#update()
  }

  onRelay(relay: RelayStatus): void {
    this.#live.delete(relay.address)
    if (relay.state === 'reserved') {
      this.#live.add(relay.address)
      this.#cooldowns.delete(relay.address)
    } else if (relay.state === 'unreachable' || relay.state === 'refused') {
      const before = this.#cooldowns.get(relay.address)
      // one failure is reported once per try of the transport; only a try after the cool-down makes it longer
      if (before && before.until > this.d.clock.now()) return
      const times = (before?.times ?? 0) + 1
      this.#cooldowns.set(relay.address, {
        until: this.d.clock.now() + Math.min(COOLDOWN_MAX_MS, COOLDOWN_MS * 2 ** (times - 1)),
        times,
      })
    } else return
    this.#update()
  }

  /** The network may be another one now: what was dead on the old one is asked again, beside those that live. */
  wake(): void {
    const now = this.d.clock.now()
    for (const relay of this.#cooldowns.keys()) this.#cooldowns.set(relay, { until: now, times: 0 })
    this.#update()
  }

  stop(): void {
    this.#running = false
    this.#timer?.()
  }

  #life(relay: string): RelayLife {
    if (this.#live.has(relay)) return 'live'
    const cooldown = this.#cooldowns.get(relay)
    if (!cooldown) return 'pending'
    return cooldown.until > this.d.clock.now() ? 'dead' : 'probe'
  }

  #update(): void {
    if (!this.#running) return
    const wanted = new Set<string>()
    for (const relays of this.#lists.values()) {
      for (const relay of ownRelays(this.d.transport.peerId, relays, r => this.#life(r))) wanted.add(relay)
    }
    const next = [...wanted]
    if (next.length !== this.#wanted.length || next.some((r, i) => r !== this.#wanted[i])) {
      this.#wanted = next
      this.d.transport.setRelays(next).catch((error: unknown) => {
        this.d.onError(error)
      })
    }
    this.#updateAtNextEnd()
  }

  /** The next cool-down that ends makes a relay eligible again. */
  #updateAtNextEnd(): void {
    this.#timer?.()
    const now = this.d.clock.now()
    const ends = [...this.#cooldowns.values()].map(c => c.until).filter(until => until > now)
    this.#timer =
      ends.length > 0
        ? this.d.clock.after(Math.min(...ends) - now, () => {
            this.#update()
          })
        : undefined
  }
}
