import type { Hex } from '../domain/bytes'
import type { PeerId } from '../domain/ids'
import type { Announcement } from '../wire/messages'
import { PRESENCE_EXPIRY_MS } from './presence'

interface Last {
  readonly startedAt: number
  readonly counter: number
  readonly instance: Hex
  /** unix milliseconds by our own clock */
  readonly heardAt: number
}

/** The last announcement of each member of one wallet: refuses what is not newer. Bounded by the roster. */
export class ReplayGuard {
  readonly #last = new Map<PeerId, Last>()

  /** False for a replay or anything older than what was heard; (startedAt, counter) only goes up. */
  accept(a: Announcement, now: number): boolean {
    const last = this.#last.get(a.peerId)
    // past twice the expiry no replay passes the time check, and a clock that was set back gets its chance
    if (last && now - last.heardAt <= 2 * PRESENCE_EXPIRY_MS) {
      if (
        a.startedAt < last.startedAt ||
        (a.startedAt === last.startedAt && (a.instance !== last.instance || a.counter <= last.counter))
      )
        return false
    }
    this.#last.set(a.peerId, { startedAt: a.startedAt, counter: a.counter, instance: a.instance, heardAt: now })
    return true
  }

  /** the run of the app that was heard last */
  instance(peerId: PeerId): Hex | undefined {
    return this.#last.get(peerId)?.instance
  }
}
