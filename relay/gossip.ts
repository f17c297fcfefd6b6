import { TopicValidatorResult, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { LengthScan } from '../services/adapters/libp2p/frame-scans'
import { withMethods } from '../services/adapters/libp2p/with-methods'
import type { Windowed } from './circuits'
import type { RelayLimits } from './limits'
import type { Counters } from './metrics'

/** Only topics of this application are forwarded: the relay is no public square. */
const TOPIC = /^\/tandem\/[0-9a-zA-Z/_-]{1,120}$/
/** a sealed announcement is at most 4 KiB; room for the envelope */
const MESSAGE_BYTES = 8_192

/** a browser takes 8 KiB at once: topics of the greatest length that fit with room */
const TOLD_AT_ONCE = 48

interface Rpc {
  readonly subscriptions: readonly { readonly topic?: string; readonly subscribe?: boolean }[]
  readonly messages: readonly { readonly data?: Uint8Array }[]
}

/**
 * The steps of gossipsub by which it tells a peer what it follows, and hears one: methods of its class, which its
 * interface does not list.
 */
interface Steps {
  sendSubscriptions(peer: string, topics: string[], subscribe: boolean): void
  handleReceivedRpc(from: PeerId, rpc: Rpc): Promise<void>
}

/** Takes from the budget of a peer. */
export interface Budget {
  rpcs(peer: string, count: number): number
  gossip(peer: string, bytes: number): boolean
  change(peer: string): boolean
}

type Gossip = Pick<GossipSub, 'subscribe' | 'unsubscribe' | 'topicValidators'>

type Registrar = GossipSubComponents['registrar']

/**
 * who owes more than this is ended, milliseconds: a window of the messages that a client sends on is less, and it may
 * have to send many on
 */
const LONGEST_WAIT_MS = 20_000

/**
 * The registrar as gossipsub shall see it: who sends more messages of it than anybody honest must wait, and is ended
 * when it is far more, before they are read. Gossipsub reads however many there are in one go, and hears nothing more
 * of a peer whose stream alone is ended.
 */
export function boundRpcs(registrar: Registrar, budget: Pick<Budget, 'rpcs'>, bytes: number): Registrar {
  return withMethods(registrar, {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          const scan = new LengthScan(bytes)
          const windowed = stream as unknown as Windowed
          let resumes: NodeJS.Timeout | undefined
          stream.addEventListener('message', event => {
            const units = scan.units(event.data.subarray())
            const wait = units === undefined ? Infinity : budget.rpcs(connection.remotePeer.toString(), units)
            if (wait === 0) return
            clearTimeout(resumes)
            if (wait > LONGEST_WAIT_MS) {
              event.stopImmediatePropagation()
              connection.abort(new Error('too much gossip'))
              return
            }
            windowed.sendPause()
            resumes = setTimeout(() => {
              if (stream.status === 'open') windowed.sendResume()
            }, wait).unref()
          })
          return handler(stream, connection)
        },
        options,
      ),
  })
}

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

  private readonly tell: (peer: string, topics: string[], subscribe: boolean) => void

  /** @throws Error when the library has changed so that it cannot be told what to say and hear */
  constructor(
    private readonly gossip: Gossip,
    private readonly limits: Pick<RelayLimits, 'topics' | 'topicsPerPeer'>,
    private readonly counters: Counters,
    budget: Omit<Budget, 'rpcs'>,
  ) {
    const steps = gossip as unknown as Steps
    for (const name of ['sendSubscriptions', 'handleReceivedRpc'] as const) {
      if (typeof steps[name] !== 'function') throw new Error(`this version of gossipsub has no step ${name}`)
    }
    const [say, hear] = [steps.sendSubscriptions.bind(steps), steps.handleReceivedRpc.bind(steps)]
    this.tell = (peer, topics, subscribe) => {
      for (let from = 0; from < topics.length; from += TOLD_AT_ONCE)
        say(peer, topics.slice(from, from + TOLD_AT_ONCE), subscribe)
    }
    steps.sendSubscriptions = (peer, topics, subscribe) =>
      this.tell(
        peer,
        topics.filter(topic => this.topicsOf.get(peer)?.has(topic) === true),
        subscribe,
      )
    steps.handleReceivedRpc = (from, rpc) => {
      const peer = from.toString()
      return hear(from, {
        ...rpc,
        subscriptions: rpc.subscriptions.filter(() => budget.change(peer)),
        messages: rpc.messages.filter(({ data }) => budget.gossip(peer, data?.byteLength ?? 0)),
      })
    }
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
