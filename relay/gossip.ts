import { TopicValidatorResult, type GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { RelayLimits } from './limits'
import type { Counters } from './metrics'

/** Only topics of this application are forwarded: the relay is no public square. */
const TOPIC = /^\/tandem\/[0-9a-zA-Z/_-]{1,120}$/

/**
 * Forwards gossip. A gossipsub node passes on only what it subscribes to itself, so the relay follows each topic that a
 * connected peer follows, up to `topics` in all and `topicsPerPeer` for each, and leaves it when nobody is left. What a peer sends
 * beyond its budget is dropped here and goes to nobody.
 *
 * Invariant: the relay is subscribed to a topic if and only if `followers` has an entry for it, and no entry is empty.
 */
export class GossipForwarder {
  private readonly followers = new Map<string, Set<string>>()
  private readonly topicsOf = new Map<string, Set<string>>()

  /** @param admit takes a message of this many bytes from the budget of a peer */
  constructor(
    private readonly gossip: Pick<GossipSub, 'subscribe' | 'unsubscribe' | 'topicValidators'>,
    private readonly limits: Pick<RelayLimits, 'topics' | 'topicsPerPeer'>,
    private readonly counters: Counters,
    private readonly admit: (peer: string, bytes: number) => boolean,
  ) {}

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
    const topics = this.topicsOf.get(peer) ?? new Set()
    if (topics.has(topic)) return
    if (topics.size >= this.limits.topicsPerPeer) return this.counters.refuse('topics-per-peer', { peer })
    let followers = this.followers.get(topic)
    if (followers === undefined) {
      if (this.followers.size >= this.limits.topics) return this.counters.refuse('topics', { peer })
      followers = new Set()
      this.followers.set(topic, followers)
      this.gossip.topicValidators.set(topic, (from, { data }) => this.judge(from.toString(), topic, data.length))
      this.gossip.subscribe(topic)
    }
    followers.add(peer)
    topics.add(topic)
    this.topicsOf.set(peer, topics)
  }

  private judge(peer: string, topic: string, bytes: number): TopicValidatorResult {
    // ignored, not rejected: a busy evening is no offence that gossipsub should keep in mind
    if (!this.admit(peer, bytes)) return TopicValidatorResult.Ignore
    const followers = this.followers.get(topic)
    this.counters.gossipMessages++
    this.counters.gossipBytes += bytes
    this.counters.gossipDeliveries += (followers?.size ?? 0) - (followers?.has(peer) === true ? 1 : 0)
    return TopicValidatorResult.Accept
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
    this.gossip.topicValidators.delete(topic)
    this.gossip.unsubscribe(topic)
  }
}
