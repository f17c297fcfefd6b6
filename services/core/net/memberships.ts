import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import type { ParticipantStatus } from '../domain/connectivity'
import type { ProtocolName } from '../wire/messages'
import type { Links } from './links'
import type { Peers } from './peers'
import type { PresenceTopics, PresenceWallet } from './presence-topics'
import type { RelaySelection } from './relay-selection'
import type { Watcher } from './watcher'

/** How one member of a wallet can be reached now. */
export interface MemberOnline {
  readonly accountKey: AccountKey
  readonly peerId: PeerId
  readonly online: boolean
  /** unix milliseconds, by our clock, of the last announcement or answer */
  readonly lastSeen?: number
  readonly status?: ParticipantStatus
}

/** links that are open to every member */
const MEMBER_LINKS: readonly ProtocolName[] = ['wallet', 'sign']

export interface MembershipsDeps {
  readonly self: PeerId
  readonly peers: Peers
  readonly watcher: Watcher
  readonly links: Links
  readonly topics: PresenceTopics
  readonly relays: RelaySelection
}

interface Membership {
  readonly wallet: PresenceWallet
  /** ends the watches of its members */
  readonly releases: ReadonlyArray<() => void>
}

/**
 * The wallets that this node is a member of. Of each joined wallet
 * 1. the other members are watched, have their places in `peers`, and have links;
 * 2. the presence topic is subscribed, once the network is up;
 * 3. the relay list is one of those on which reservations are made.
 */
export class Memberships {
  readonly #joined = new Map<WalletId, Membership>()
  #started = false

  constructor(private readonly d: MembershipsDeps) {}

  /** The network is up. */
  start(): void {
    this.#started = true
    for (const { wallet } of this.#joined.values()) this.d.topics.join(wallet)
  }

  /** Again with a changed record replaces it. */
  join(wallet: PresenceWallet): void {
    const { walletId, relays } = wallet
    const before = this.#joined.get(walletId)
    if (this.#started) this.d.topics.join(wallet)
    this.d.relays.setList(listName(walletId), relays)
    const releases = wallet.members
      .filter(m => m.peerId !== this.d.self)
      .map(({ peerId, accountKey }) => {
        const release = this.d.watcher.watch(peerId, accountKey)
        this.d.peers.setPlace(peerId, walletId, { accountKey, relays })
        for (const protocol of MEMBER_LINKS) this.d.links.keep(peerId, protocol, true)
        return release
      })
    this.#joined.set(walletId, { wallet, releases })
    // after the new ones, so that who stays is not let go in between
    if (before) this.#release(before, wallet)
  }

  leave(walletId: WalletId): void {
    const membership = this.#joined.get(walletId)
    if (!membership) return
    this.#joined.delete(walletId)
    this.d.topics.leave(walletId)
    this.d.relays.setList(listName(walletId), undefined)
    this.#release(membership)
  }

  /** The other members; nobody when the wallet is not joined. */
  members(walletId: WalletId): MemberOnline[] {
    const members = this.#joined.get(walletId)?.wallet.members ?? []
    return members.filter(m => m.peerId !== this.d.self).map(m => this.#member(m))
  }

  /** The link stays when nobody else wants it: the peer is a member, and members have one. */
  keepsLink(peerId: PeerId, protocol: ProtocolName): boolean {
    return MEMBER_LINKS.includes(protocol) && this.d.peers.isMember(peerId)
  }

  #member({ accountKey, peerId }: PresenceWallet['members'][number]): MemberOnline {
    const lastSeen = this.d.peers.lastSeen(peerId)
    const status = this.d.peers.get(peerId)?.status
    return {
      accountKey,
      peerId,
      online: this.d.peers.isOnline(peerId),
      ...(lastSeen === undefined ? {} : { lastSeen }),
      ...(status ? { status } : {}),
    }
  }

  #release({ wallet, releases }: Membership, next?: PresenceWallet): void {
    const gone = wallet.members.filter(m => !next?.members.some(n => n.peerId === m.peerId))
    for (const { peerId } of gone) this.d.peers.setPlace(peerId, wallet.walletId, undefined)
    for (const release of releases) release()
    for (const { peerId } of gone) if (!this.d.peers.isMember(peerId)) this.d.links.forget(peerId)
  }
}

const listName = (walletId: WalletId): string => `wallet ${walletId}`
