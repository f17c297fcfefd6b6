import type { Clock } from '../../ports/clock'
import { ConnectivityErrorType, type ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import { PRESENCE_EXPIRY_MS } from './presence'

/** A member's place in the roster of one wallet. */
export interface RosterPlace {
  readonly accountKey: AccountKey
  /** the wallet's relay list, on which the member has its reservations */
  readonly relays: readonly string[]
}

/** What is known of one peer. All times are unix milliseconds by our own clock. */
export interface Peer {
  readonly peerId: PeerId
  /** of its connection */
  readonly status: ParticipantStatus
  /** its last announcement in the presence topic of any wallet */
  readonly heardAt?: number
  /** its last answer over a connection */
  readonly answeredAt?: number
  /** when relays last said that they do not have it; what fails otherwise says nothing about whether it is online */
  readonly missedAt?: number
  readonly places: ReadonlyMap<WalletId, RosterPlace>
  /** relays on which it may be although no wallet says so: those of an invite */
  readonly inviteRelays?: readonly string[]
}

/** The part of a status that its connection decides. */
export type StatusChange = Omit<ParticipantStatus, 'peerId' | 'member' | 'since'>

type Entry = { -readonly [K in keyof Peer]: Peer[K] } & { readonly places: Map<WalletId, RosterPlace> }

export interface PeersDeps {
  readonly clock: Pick<Clock, 'now'>
  onStatus(status: ParticipantStatus): void
}

/**
 * The one map of what is known of each peer. Parts of the network write facts into it. Whoever shows a peer reads it.
 * 1. A peer is in it as long as it is watched (watcher.ts).
 * 2. Members of joined wallets are always watched, so each has an entry with its places in rosters.
 * 3. A status is told when something in it changed, and only then.
 */
export class Peers {
  readonly #peers = new Map<PeerId, Entry>()

  constructor(private readonly d: PeersDeps) {}

  get(peerId: PeerId): Peer | undefined {
    return this.#peers.get(peerId)
  }

  all(): Peer[] {
    return [...this.#peers.values()]
  }

  /** Nothing is known of the peer yet. */
  add(peerId: PeerId): void {
    const since = this.d.clock.now()
    const status: ParticipantStatus = { peerId, connected: false, state: 'waiting', since }
    this.#peers.set(peerId, { peerId, status, places: new Map() })
  }

  remove(peerId: PeerId): void {
    this.#peers.delete(peerId)
  }

  clear(): void {
    this.#peers.clear()
  }

  isMember(peerId: PeerId): boolean {
    return (this.#peers.get(peerId)?.places.size ?? 0) > 0
  }

  /** Reachable now, as far as can be known: connected, or heard within 180 s and not missed since. */
  isOnline(peerId: PeerId): boolean {
    const peer = this.#peers.get(peerId)
    if (!peer) return false
    if (peer.status.connected) return true
    const { heardAt, missedAt = 0 } = peer
    // who was looked for after its last announcement, and was not there, has gone although that has not expired
    return heardAt !== undefined && this.d.clock.now() - heardAt < PRESENCE_EXPIRY_MS && heardAt > missedAt
  }

  /** The last announcement or answer; undefined when there was none. */
  lastSeen(peerId: PeerId): number | undefined {
    const peer = this.#peers.get(peerId)
    const at = Math.max(peer?.heardAt ?? 0, peer?.answeredAt ?? 0)
    return at > 0 ? at : undefined
  }

  setHeard(peerId: PeerId): void {
    const peer = this.#peers.get(peerId)
    if (peer) peer.heardAt = this.d.clock.now()
  }

  /** `undefined`: it has no place in this wallet any more. */
  setPlace(peerId: PeerId, walletId: WalletId, place: RosterPlace | undefined): void {
    const places = this.#peers.get(peerId)?.places
    if (place) places?.set(walletId, place)
    else places?.delete(walletId)
  }

  setInviteRelays(peerId: PeerId, relays: readonly string[] | undefined): void {
    const peer = this.#peers.get(peerId)
    if (!peer) return
    if (relays) peer.inviteRelays = relays
    else delete peer.inviteRelays
  }

  /** Who the peer is; the first answer stays. Is not told by itself. */
  setMember(peerId: PeerId, member: AccountKey): void {
    const peer = this.#peers.get(peerId)
    if (peer && peer.status.member === undefined) peer.status = { ...peer.status, member }
  }

  setStatus(peerId: PeerId, change: StatusChange): void {
    const peer = this.#peers.get(peerId)
    if (!peer) return
    const now = this.d.clock.now()
    if (change.connected) peer.answeredAt = now
    else if (change.errorType === ConnectivityErrorType.PEER_NOT_FOUND) peer.missedAt = now
    const before = peer.status
    const { member } = before
    peer.status = {
      ...change,
      peerId,
      ...(member ? { member } : {}),
      since: change.state === before.state ? before.since : now,
    }
    if (isDifferent(before, peer.status)) this.d.onStatus(peer.status)
  }
}

const COMPARED = ['state', 'step', 'connectionType', 'rttMs', 'errorType'] as const
const isDifferent = (a: ParticipantStatus, b: ParticipantStatus): boolean => COMPARED.some(key => a[key] !== b[key])
