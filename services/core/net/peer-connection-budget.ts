import type { PeerId } from '../domain/ids'

/**
 * RTCPeerConnections that a page spends on its own dials. Chromium gives a page 500 in its life (kMaxPeerConnections in
 * Blink's rtc_peer_connection.cc). What is left is for those who dial us.
 */
export const PAGE_PEER_CONNECTIONS = 450

/**
 * The budget of RTCPeerConnections. Each dial that comes to an offer uses one up, whether it succeeds or not. A peer
 * gets at most half of what is left beside it: the first 150, the next 100, and so on. So a peer to whom WebRTC never
 * succeeds leaves enough for all the others.
 */
export class PeerConnectionBudget {
  readonly #spent = new Map<PeerId, number>()

  /** @param made how many this page has made in all, those of peers who dialled us included */
  constructor(private readonly made: () => number) {}

  allows(peerId: PeerId): boolean {
    return (this.#spent.get(peerId) ?? 0) < (PAGE_PEER_CONNECTIONS - this.made()) / 2
  }

  spend(peerId: PeerId): void {
    this.#spent.set(peerId, (this.#spent.get(peerId) ?? 0) + 1)
  }
}
