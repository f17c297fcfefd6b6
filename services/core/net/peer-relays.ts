import type { Transport } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import type { AddressCache } from './address-cache'
import type { Peers } from './peers'
import {
  candidates,
  circuitAddress,
  rankRelays,
  relayOfAddress,
  relayPeerId,
  TRIED_RANKS,
  type Candidate,
} from './rendezvous'

/** relays tried for one peer; the union of several wallets' ranks must not use up the deadline */
const MAX_RELAYS_TRIED = 8

export interface PeerRelaysDeps {
  readonly peers: Peers
  readonly cache: AddressCache
  readonly transport: Pick<Transport, 'direct'>
  /** the app's own list, for peers of no wallet and no invite */
  appRelays(): readonly string[]
}

/**
 * Where a peer is looked for. Only relays on a list of ours are dialled, whatever a peer announced: those of the
 * wallets shared with it, those of an invite, else the app's own.
 */
export class PeerRelays {
  constructor(private readonly d: PeerRelaysDeps) {}

  /** Addresses to dial, in order. @param first relays that are tried before all others, if they are on a list */
  candidates(peerId: PeerId, first: readonly string[] = []): Candidate[] {
    const lists = this.#lists(peerId)
    const ranked = lists.flatMap(list => rankRelays(peerId, list).slice(0, TRIED_RANKS))
    const relays = new Set(lists.flat())
    const known = [...first, ...this.d.cache.relays(peerId), ...ranked].filter(relay => relays.has(relay))
    const tried = [...new Set(known)].slice(0, MAX_RELAYS_TRIED)
    return candidates(peerId, tried, tried).filter(c => c.kind === 'relay' || this.d.transport.direct())
  }

  /** The relays of our lists that these addresses of the peer go through. */
  ofAddresses(peerId: PeerId, addresses: readonly string[]): string[] {
    const ids = new Set(addresses.flatMap(address => relayOfAddress(address) ?? []))
    return this.#lists(peerId)
      .flat()
      .filter(relay => ids.has(relayPeerId(relay) ?? ''))
  }

  /** Circuit address of the peer on the relay where it was reached or heard last; undefined when it never was. */
  cachedAddress(peerId: PeerId): string | undefined {
    const [relay] = this.d.cache.relays(peerId)
    return relay === undefined ? undefined : circuitAddress(relay, peerId)
  }

  #lists(peerId: PeerId): Array<readonly string[]> {
    const peer = this.d.peers.get(peerId)
    const lists = [...(peer?.places.values() ?? [])].map(place => place.relays)
    if (peer?.inviteRelays) lists.push(peer.inviteRelays)
    return lists.length > 0 ? lists : [this.d.appRelays()]
  }
}
