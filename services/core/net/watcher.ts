import type { TransportEvent } from '../../ports/transport'
import type { AccountKey, PeerId } from '../domain/ids'
import { RelayedClosings } from './upgrade'
import { WatchedPeer, type WatchDeps } from './watched-peer'

/**
 * Keeps connections to the peers that matter, each in its own way (watched-peer.ts).
 * 1. A peer is watched as long as somebody wants it. So long it is in `peers`.
 * 2. Nothing is dialled before `start`.
 * 3. What says that a peer is there cuts its backoff short: an inbound connection, presence, `wake`, the end of a hold.
 * 4. After `stop` nothing is pending.
 */
export class Watcher {
  readonly #watched = new Map<PeerId, WatchedPeer>()
  readonly #closings: RelayedClosings
  #started = false
  #stopped = false

  constructor(private readonly d: WatchDeps) {
    this.#closings = new RelayedClosings(d.transport, d.clock)
  }

  /** The network is up. */
  start(): void {
    this.#started = true
    this.wake()
  }

  /**
   * Watches the peer until the returned function was called as often as this one.
   * @param unknown the other side does not watch this one
   */
  watch(peerId: PeerId, member?: AccountKey, unknown = false): () => void {
    const peer = this.#watched.get(peerId) ?? this.#add(peerId, unknown)
    peer.uses++
    peer.isUnknownThere &&= unknown
    if (member) this.d.peers.setMember(peerId, member)
    let released = false
    return () => {
      if (released) return
      released = true
      if (--peer.uses > 0) return
      peer.stop()
      if (this.#watched.get(peerId) !== peer) return
      this.#watched.delete(peerId)
      this.d.peers.remove(peerId)
    }
  }

  /** A gate dials these itself: no background dial until the returned function is called. */
  hold(peerIds: readonly PeerId[]): () => void {
    const held = peerIds.flatMap(p => this.#watched.get(p) ?? [])
    for (const peer of held) peer.hold()
    return () => {
      for (const peer of held) peer.release()
    }
  }

  onHeard(peerId: PeerId): void {
    this.#watched.get(peerId)?.onHeard()
  }

  /** The page is seen again, or online again. */
  wake(): void {
    for (const peer of this.#watched.values()) peer.wake()
  }

  onTransport(event: TransportEvent): void {
    if (event.type !== 'connected' && event.type !== 'disconnected') return
    const peer = this.#watched.get(event.connection.peerId)
    if (event.type === 'connected') peer?.onConnected(event.connection)
    else peer?.onDisconnected()
  }

  stop(): void {
    this.#stopped = true
    for (const peer of this.#watched.values()) peer.stop()
    this.#watched.clear()
    this.d.peers.clear()
    this.#closings.stop()
  }

  #add(peerId: PeerId, unknown: boolean): WatchedPeer {
    const peer = new WatchedPeer(
      { ...this.d, closings: this.#closings, isStarted: () => this.#started && !this.#stopped },
      peerId,
      unknown,
    )
    this.#watched.set(peerId, peer)
    this.d.peers.add(peerId)
    peer.verify()
    return peer
  }
}
