import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'

/** Only topics of this application are forwarded: the relay is no public square. */
const TOPIC = /^\/tandem\/[0-9a-zA-Z/_-]{1,120}$/

/**
 * Forwards gossip. A gossipsub node passes on only what it subscribes to itself, so the relay follows each topic that a
 * connected peer follows, up to `maxTopics`, and leaves it when nobody is left.
 *
 * Invariant: the relay is subscribed to a topic if and only if `followers` has an entry for it, and no entry is empty.
 */
export class GossipForwarder {
  private readonly followers = new Map<string, Set<string>>()
  private readonly topicsOf = new Map<string, Set<string>>()

  constructor(private readonly gossip: Pick<GossipSub, 'subscribe' | 'unsubscribe'>, private readonly maxTopics: number) {}

  get topics(): number { return this.followers.size }

  changed(peerId: PeerId, subscriptions: readonly { readonly topic: string; readonly subscribe: boolean }[]): void {
    const peer = peerId.toString()
    for (const { topic, subscribe } of subscriptions) {
      if (subscribe) this.join(peer, topic)
      else this.leave(peer, topic)
    }
  }

  /** The peer's last connection is gone; gossipsub says nothing about its topics then. */
  gone(peerId: PeerId): void {
    const peer = peerId.toString()
    for (const topic of [...this.topicsOf.get(peer) ?? []]) this.leave(peer, topic)
  }

  private join(peer: string, topic: string): void {
    if (!TOPIC.test(topic)) return
    let followers = this.followers.get(topic)
    if (followers === undefined) {
      if (this.followers.size >= this.maxTopics) return
      followers = new Set()
      this.followers.set(topic, followers)
      this.gossip.subscribe(topic)
    }
    followers.add(peer)
    const topics = this.topicsOf.get(peer) ?? new Set()
    topics.add(topic)
    this.topicsOf.set(peer, topics)
  }

  private leave(peer: string, topic: string): void {
    const topics = this.topicsOf.get(peer)
    topics?.delete(topic)
    if (topics?.size === 0) this.topicsOf.delete(peer)
    const followers = this.followers.get(topic)
    if (followers === undefined) return
    followers.delete(peer)
    if (followers.size > 0) return
    this.followers.delete(topic)
    this.gossip.unsubscribe(topic)
  }
}
