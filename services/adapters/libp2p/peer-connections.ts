import type { PeerId } from '../../core/domain/ids'

/** Of Chromium's 500 in a page's life the last ten are not touched. */
const MOST = 490
/** What strangers and members who dial us can use up: the other half stays for our own dials, whoever keeps calling. */
const MOST_INBOUND = 240

/**
 * Counts RTCPeerConnections. The library asks for the configuration of each before it makes it, and that is where they
 * are counted.
 */
export class PeerConnectionCount {
  #own = 0
  #inbound = 0
  readonly #from = new Map<PeerId, number>()
  #dialling = false

  get made(): number {
    return this.#own + this.#inbound
  }

  /**
   * Whether there is one for who calls. Nobody may have taken more than is left for all who do: one peer alone uses up
   * half.
   */
  has(caller: PeerId): boolean {
    return this.made < MOST && (this.#from.get(caller) ?? 0) < MOST_INBOUND - this.#inbound
  }

  /** One more, and for whom if he called; throws when there are none left, and the library then makes none. */
  take(caller: PeerId = ''): void {
    if (this.#dialling ? this.made >= MOST : !this.has(caller)) {
      throw Object.assign(new Error('this page has used up its WebRTC connections'), {
        name: 'PeerConnectionsSpentError',
      })
    }
    if (this.#dialling) {
      this.#own++
      return
    }
    this.#inbound++
    this.#from.set(caller, (this.#from.get(caller) ?? 0) + 1)
  }

  /**
   * Starts a dial, in which the library asks for its configuration before it first waits: what is asked for meanwhile
   * is ours. The second part gives back what was taken when nothing came of it.
   */
  dial<T>(start: () => T): { readonly dialling: T; giveBack(): void } {
    const before = this.#own
    this.#dialling = true
    try {
      const dialling = start()
      const taken = this.#own - before
      return {
        dialling,
        giveBack: () => {
          this.#own -= taken
        },
      }
    } finally {
      this.#dialling = false
    }
  }
}

/** Those of this page, all transports together: locking a profile and opening another does not give any back. */
export const pagePeerConnections = new PeerConnectionCount()
