import type { PeerId } from '../domain/ids'

/**
 * RTCPeerConnections that a page spends on its own dials. Chromium gives a page 500 in its life
 * (kMaxPeerConnections in Blink's rtc_peer_connection.cc); what is left is for those who dial us.
 */
export const PAGE_LINES = 450

/**
 * The budget of direct lines: each dial that comes to an offer uses one up, whether it succeeds or not. A peer gets at
 * most half of what is left beside it, so that one whose lines never open leaves enough for all the others: the first
 * 150, the next 100, and so on.
 */
export class LineBudget {
  readonly #spent = new Map<PeerId, number>()

  /** @param made how many this page has made in all, those of peers who dialled us included */
  constructor(private readonly made: () => number) {}

  allows(peerId: PeerId): boolean {
    return (this.#spent.get(peerId) ?? 0) < (PAGE_LINES - this.made()) / 2
  }

  spend(peerId: PeerId): void {
    this.#spent.set(peerId, (this.#spent.get(peerId) ?? 0) + 1)
  }
}
