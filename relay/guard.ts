import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { TokenBucket, type Rate } from '../services/core/domain/token-bucket'
import { limitKey } from './addresses'
import type { RelayLimits } from './limits'
import type { Counters, Refusal } from './metrics'

/** IPs that are remembered before the quiet ones are forgotten */
const KNOWN_IPS = 4096

interface Source {
  open: number
  readonly rate: TokenBucket
}
interface Talker {
  readonly messages: TokenBucket
  readonly bytes: TokenBucket
  readonly changes: TokenBucket
  readonly rpcs: TokenBucket
}
/**
 * messages of gossipsub for each of gossip that one peer may send, per second and at once: it has some of its own for
 * each topic and each announcement, of which a client of two relays sends those on that it hears at the other one
 */
const RPCS = { perSecond: 10, burst: 200 }
/** topics that one peer may begin or cease to follow per second, beside twice all that it may follow at once */
const CHANGES_PER_SECOND = 10

/** What the guard must know of the relay to judge. */
export interface Occupancy {
  circuits(peer?: string): number
  /** told when a request of this peer for a place or a connection is refused here */
  refused(peer: string): void
}

/**
 * Says who may come in and how much of the relay one may have; counts whom it turned away and why.
 *
 * Invariants: `open` of a source is the number of its sockets between `admit` and `left`; a source without sockets
 * whose bucket is full again may be forgotten, as it is like one never seen. `holders` has a peer from the moment in
 * which it is allowed a place, so that many who ask at once are not all allowed the last one, until `vacated` or its
 * last connection ends.
 */
export class Guard {
  private readonly sources = new Map<string, Source>()
  private readonly peers = new Map<string, { connections: number; ip: string }>()
  private readonly holders = new Map<string, Set<string>>()
  private readonly talkers = new Map<string, Talker>()
  private open = 0
  draining = false

  constructor(
    private readonly limits: RelayLimits,
    private readonly counters: Counters,
    private readonly occupancy: Occupancy,
    private readonly now: () => number = Date.now,
  ) {}

  get connections(): number {
    return this.open
  }

  /** A socket wants in. Without a refusal it counts as open until `left`. */
  admit(ip: string): Refusal | undefined {
    const refusal = this.judge(ip)
    if (refusal !== undefined) this.counters.refuse(refusal, { ip })
    return refusal
  }

  left(ip: string): void {
    this.open--
    const source = this.sources.get(limitKey(ip))
    if (source !== undefined) source.open--
  }

  private judge(ip: string): Refusal | undefined {
    const { limits } = this
    if (this.draining) return 'draining'
    if (this.open >= limits.connections) return 'connections'
    const key = limitKey(ip)
    let source = this.sources.get(key)
    if (source === undefined) {
      if (this.sources.size >= KNOWN_IPS) this.forget()
      const perSecond = limits.connectionsPerIpSecond
      source = { open: 0, rate: this.bucket({ perSecond, burst: perSecond * 2 }) }
      this.sources.set(key, source)
    }
    if (source.open >= limits.connectionsPerIp) return 'connections-per-ip'
    if (!source.rate.take()) return 'connections-per-ip-second'
    source.open++
    this.open++
    this.counters.connections++
    return undefined
  }

  private forget(): void {
    for (const [key, source] of this.sources) if (source.open === 0 && source.rate.full()) this.sources.delete(key)
  }

  private bucket(rate: Rate): TokenBucket {
    return new TokenBucket(rate, this.now)
  }

  /** A connection whose peer is known was opened. */
  arrived(peer: string, ip: string): void {
    const known = this.peers.get(peer)
    if (known === undefined) this.peers.set(peer, { connections: 1, ip })
    else known.connections++
  }

  departed(peer: string): void {
    const known = this.peers.get(peer)
    if (known === undefined || --known.connections > 0) return
    this.peers.delete(peer)
    this.talkers.delete(peer)
    this.gaveBack(peer, known.ip)
  }

  /** Whether a connection of this peer is open. */
  here(peer: string): boolean {
    return this.peers.has(peer)
  }

  /** The place that a peer was allowed is not held: it was not given, or it has expired. */
  vacated(peer: string): void {
    const ip = this.peers.get(peer)?.ip
    if (ip !== undefined) this.gaveBack(peer, ip)
  }

  /** Takes one message of a peer from its budget. */
  gossip(peer: string, bytes: number): boolean {
    const { messages, bytes: volume } = this.talker(peer)
    return (messages.take() && volume.take(bytes)) || this.tooMuch(peer)
  }

  /**
   * Takes messages of gossipsub, whatever is in them. @returns how long the peer must wait until they are paid for,
   * milliseconds
   */
  rpcs(peer: string, count: number): number {
    const wait = this.talker(peer).rpcs.spend(count)
    if (wait > 0) this.tooMuch(peer)
    return wait
  }

  /** The same for a topic that it begins or ceases to follow. */
  change(peer: string): boolean {
    return this.talker(peer).changes.take() || this.tooMuch(peer)
  }

  private talker(peer: string): Talker {
    const { gossipPerSecond, gossipBytesPerSecond, topicsPerPeer } = this.limits
    const known = this.talkers.get(peer)
    if (known !== undefined) return known
    const talker = {
      messages: this.bucket({ perSecond: gossipPerSecond, burst: gossipPerSecond * 10 }),
      bytes: this.bucket({ perSecond: gossipBytesPerSecond, burst: gossipBytesPerSecond * 10 }),
      changes: this.bucket({ perSecond: CHANGES_PER_SECOND, burst: topicsPerPeer * 2 }),
      rpcs: this.bucket({ perSecond: gossipPerSecond * RPCS.perSecond, burst: gossipPerSecond * RPCS.burst }),
    }
    // who is gone already gets no entry that nobody would remove
    if (this.peers.has(peer)) this.talkers.set(peer, talker)
    return talker
  }

  private tooMuch(peer: string): false {
    this.counters.refuse('gossip-rate', { peer })
    return false
  }

  /** The questions that libp2p asks. */
  gater(): ConnectionGater {
    const refuse = (reason: Refusal, peer: PeerId): true => {
      this.counters.refuse(reason, { peer: peer.toString(), ...this.ipOf(peer) })
      return true
    }
    const refuseRequest = (reason: Refusal, peer: PeerId): true => {
      this.occupancy.refused(peer.toString())
      return refuse(reason, peer)
    }
    return {
      // the relay only answers
      denyDialPeer: () => true,
      denyDialMultiaddr: () => true,
      denyInboundEncryptedConnection: peer =>
        (this.peers.get(peer.toString())?.connections ?? 0) >= this.limits.connectionsPerPeer &&
        refuse('connections-per-peer', peer),
      denyInboundRelayReservation: peer => {
        if (this.draining) return refuseRequest('draining', peer)
        return !this.takes(peer.toString()) && refuseRequest('reservations-per-ip', peer)
      },
      denyOutboundRelayedConnection: source => {
        if (this.draining) return refuseRequest('draining', source)
        if (this.occupancy.circuits() >= this.limits.circuits) return refuseRequest('circuits', source)
        return (
          this.occupancy.circuits(source.toString()) >= this.limits.circuitsPerPeer &&
          refuseRequest('circuits-per-peer', source)
        )
      },
    }
  }

  private ipOf(peer: PeerId): { readonly ip?: string } {
    const ip = this.peers.get(peer.toString())?.ip
    return ip === undefined ? {} : { ip }
  }

  /**
   * Whether the peer may have a place beside the others of its IP; it then counts as having it. Who is gone already
   * needs none.
   */
  private takes(peer: string): boolean {
    const ip = this.peers.get(peer)?.ip
    if (ip === undefined) return true
    const key = limitKey(ip)
    const holders = this.holders.get(key) ?? new Set()
    if (!holders.has(peer) && holders.size >= this.limits.reservationsPerIp) return false
    this.holders.set(key, holders.add(peer))
    return true
  }

  private gaveBack(peer: string, ip: string): void {
    const key = limitKey(ip)
    const holders = this.holders.get(key)
    holders?.delete(peer)
    if (holders?.size === 0) this.holders.delete(key)
  }
}
