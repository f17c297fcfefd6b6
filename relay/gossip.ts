import { TopicValidatorResult, type GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { filterGossip, type TellTopics } from '../services/adapters/libp2p/internals/gossip-steps'
import type { RelayLimits } from './limits'
import type { Counters } from './metrics'

/** Only topics of this application are forwarded: the relay is no public square. */
const TOPIC = /^\/tandem\/[0-9a-zA-Z/_-]{1,120}$/
/** a sealed announcement is at most 4 KiB; room for the envelope */
const MESSAGE_BYTES = 8_192

/** Takes from the budget of a peer. */
export interface Budget {
  gossip(peer: string, bytes: number): boolean
  change(peer: string): boolean
}

type Gossip = Pick<GossipSub, 'subscribe' | 'unsubscribe' | 'topicValidators'>

/**
 * Forwards gossip. A gossipsub node passes on only what it subscribes to itself, so the relay follows each topic that a
 * connected peer follows, up to `topics` in all and `topicsPerPeer` for each, and leaves it when nobody is left. What a
 * peer sends beyond its budget is dropped here before gossipsub sees it, which would remember each message for a while.
 *
 * A peer is told only of topics that it follows itself. By itself gossipsub tells everybody of everything: each
 * newcomer would get the list of all wallets that are here, which is nobody's business, costs the square of the
 * clients, and is soon more than a browser takes in one message, and then it hears nothing.
 *
 * Invariant: the relay is subscribed to a topic if and only if `followers` has an entry for it, and no entry is empty.
 */
export class GossipForwarder {
  private readonly followers = new Map<string, Set<string>>()
  private readonly topicsOf = new Map<string, Set<string>>()

  private readonly tell: TellTopics

  /** @throws Error when the library has changed so that it cannot be told what to say and hear */
  constructor(
    private readonly gossip: Gossip,
    private readonly limits: Pick<RelayLimits, 'topics' | 'topicsPerPeer'>,
    private readonly counters: Counters,
    budget: Budget,
  ) {
    this.tell = filterGossip(gossip, {
      tells: (peer, topic) => this.topicsOf.get(peer)?.has(topic) === true,
      hears: (peer, rpc) => ({
        ...rpc,
        subscriptions: rpc.subscriptions.filter(() => budget.change(peer)),
        messages: rpc.messages.filter(({ data }) => budget.gossip(peer, data?.byteLength ?? 0)),
      }),
    })
  }

  get topics(): number {
    return this.followers.size
  }

  changed(peerId: PeerId, subscriptions: readonly { readonly topic: string; readonly subscribe: boolean }[]): void {
    const peer = peerId.toString()
    const running: string[] = []
    for (const { topic, subscribe } of subscriptions) {
      if (!subscribe) this.leave(peer, topic)
      else if (this.join(peer, topic) === 'running') running.push(topic)
    }
    // of new ones it was told when the relay followed them
    this.tell(peer, running, true)
  }

  /** The peer's last connection is gone; gossipsub says nothing about its topics then. */
  gone(peerId: PeerId): void {
    const peer = peerId.toString()
    for (const topic of [...(this.topicsOf.get(peer) ?? [])]) this.leave(peer, topic)
  }

  private join(peer: string, topic: string): 'new' | 'running' | undefined {
    if (!TOPIC.test(topic)) return undefined
    const topics = this.topicsOf.get(peer) ?? new Set()
    if (topics.has(topic)) return undefined
    if (topics.size >= this.limits.topicsPerPeer) return this.refuse('topics-per-peer', peer)
    const followers = this.followers.get(topic)
    if (followers === undefined && this.followers.size >= this.limits.topics) return this.refuse('topics', peer)
    this.topicsOf.set(peer, topics.add(topic))
    if (followers !== undefined) {
      followers.add(peer)
      return 'running'
    }
    this.followers.set(topic, new Set([peer]))
    this.gossip.topicValidators.set(topic, (from, { data }) => this.judge(from.toString(), topic, data.length))
    this.gossip.subscribe(topic)
    return 'new'
  }

  private refuse(reason: 'topics' | 'topics-per-peer', peer: string): undefined {
    this.counters.refuse(reason, { peer })
  }

  private judge(peer: string, topic: string, bytes: number): TopicValidatorResult {
    if (bytes > MESSAGE_BYTES) return TopicValidatorResult.Reject
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
