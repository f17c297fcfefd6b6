/**
 * Guards: privacy, and the relay's memory. By itself gossipsub tells everybody of every topic, and remembers each
 * message that it sees.
 * Upstream: @libp2p/gossipsub 17.1.1, dist/src/gossipsub.js (`sendSubscriptions` and `handleReceivedRpc`, the steps by
 * which it tells a peer what it follows, and hears one: methods of its class, which its interface does not list).
 * Needless when: gossipsub asks whom to tell of a topic, and whether to take a message, before it remembers it.
 * Held by: tests/unit/libp2p-internals/gossip-steps.test.ts, tests/unit/relay/relay.test.ts.
 */
import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'

export interface Rpc {
  readonly subscriptions: readonly { readonly topic?: string; readonly subscribe?: boolean }[]
  readonly messages: readonly { readonly data?: Uint8Array }[]
}

interface Steps {
  sendSubscriptions(peer: string, topics: string[], subscribe: boolean): void
  handleReceivedRpc(from: PeerId, rpc: Rpc): Promise<void>
}

/** What a peer is told, and what is heard of it. */
export interface GossipFilter {
  tells(peer: string, topic: string): boolean
  hears(peer: string, rpc: Rpc): Rpc
}

/** a browser takes 8 KiB at once: topics of the greatest length that fit with room */
const TOLD_AT_ONCE = 48

export type TellTopics = (peer: string, topics: readonly string[], subscribe: boolean) => void

/**
 * From now on gossipsub tells and hears only what the filter lets through.
 * @returns how to tell a peer of topics, whatever the filter says
 * @throws Error when the library has changed so that it cannot be told what to say and hear
 */
export function filterGossip(gossip: Pick<GossipSub, 'topicValidators'>, filter: GossipFilter): TellTopics {
  const steps = gossip as unknown as Steps
  for (const name of ['sendSubscriptions', 'handleReceivedRpc'] as const) {
    if (typeof steps[name] !== 'function') throw new Error(`this version of gossipsub has no step ${name}`)
  }
  const [say, hear] = [steps.sendSubscriptions.bind(steps), steps.handleReceivedRpc.bind(steps)]
  const tell: TellTopics = (peer, topics, subscribe) => {
    for (let from = 0; from < topics.length; from += TOLD_AT_ONCE)
      say(peer, topics.slice(from, from + TOLD_AT_ONCE), subscribe)
  }
  steps.sendSubscriptions = (peer, topics, subscribe) =>
    tell(
      peer,
      topics.filter(topic => filter.tells(peer, topic)),
      subscribe,
    )
  steps.handleReceivedRpc = (from, rpc) => hear(from, filter.hears(from.toString(), rpc))
  return tell
}
