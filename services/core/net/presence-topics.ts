import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Transport } from '../../ports/transport'
import type { Hex } from '../domain/bytes'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import { LIMITS } from '../wire/limits'
import type { Announcement } from '../wire/messages'
import { isNewer, type SelfInfo } from './hello'
import {
  ANNOUNCE_MS,
  announcedRelays,
  openAnnouncement,
  presenceKeys,
  sealAnnouncement,
  type PresenceKeys,
} from './presence'
import { relayOfAddress, relayPeerId } from './rendezvous'
import { ReplayGuard } from './replay-guard'

/** What presence needs to know of a wallet. */
export interface PresenceWallet {
  readonly walletId: WalletId
  readonly groupSecret: Hex
  /** own account key in this wallet */
  readonly self: AccountKey
  /** the wallet's relay list */
  readonly relays: readonly string[]
  /** everybody, oneself included or not */
  readonly members: ReadonlyArray<{ readonly accountKey: AccountKey; readonly peerId: PeerId }>
}

export interface PresenceTopicsDeps {
  readonly transport: Pick<Transport, 'peerId' | 'addresses' | 'subscribe' | 'publish'>
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly self: SelfInfo
  /** Ed25519 by the peer key, which the network adapter holds */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  onHeard(wallet: PresenceWallet, announcement: Announcement, relays: readonly string[]): void
  /** our own peer id announced itself from a newer run: proof by signature that it is open on another device */
  onNewerSelf(announcement: Announcement): void
}

/** The gossip topic of one wallet. */
interface PresenceTopic {
  wallet: PresenceWallet
  readonly keys: PresenceKeys
  readonly replays: ReplayGuard
  readonly unsubscribe: () => void
  cancel?: () => void
  announcedAt: number
  /** announcements so far */
  announcements: number
}

/**
 * The first announcement often goes out before a relay knows who listens. It is repeated after 2, 4 and 8 s, then in
 * the usual pace, milliseconds.
 */
const EARLY_MS = [2_000, 4_000, 8_000] as const
/** milliseconds: address changes come in bursts */
const CHANGE_DELAY_MS = 250
/** milliseconds within which newcomers are answered, so that not all do in the same moment */
const ANSWER_SPREAD_MS = 1_000
/** milliseconds between two announcements at least: newcomers cannot make us flood */
const MIN_GAP_MS = 5_000

/**
 * Presence: one gossip topic per wallet. A sealed announcement goes out every 30 s, on a change of addresses, and once
 * to a newcomer.
 */
export class PresenceTopics {
  readonly #topics = new Map<WalletId, PresenceTopic>()
  #counter = 0
  #stopped = false

  constructor(private readonly d: PresenceTopicsDeps) {}

  join(wallet: PresenceWallet): void {
    const existing = this.#topics.get(wallet.walletId)
    if (existing) {
      existing.wallet = wallet
      this.#announceIn(existing, CHANGE_DELAY_MS)
      return
    }
    const keys = presenceKeys(wallet.groupSecret)
    const unsubscribe = this.d.transport.subscribe(keys.topic, bytes => {
      this.#hear(topic, bytes)
    })
    const topic: PresenceTopic = {
      wallet,
      keys,
      unsubscribe,
      replays: new ReplayGuard(),
      announcedAt: -Infinity,
      announcements: 0,
    }
    this.#topics.set(wallet.walletId, topic)
    this.#announceIn(topic, 0)
  }

  leave(walletId: WalletId): void {
    const topic = this.#topics.get(walletId)
    if (!topic) return
    this.#topics.delete(walletId)
    topic.cancel?.()
    topic.unsubscribe()
  }

  onAddresses(): void {
    for (const topic of this.#topics.values()) this.#announceIn(topic, CHANGE_DELAY_MS)
  }

  stop(): void {
    this.#stopped = true
    for (const walletId of [...this.#topics.keys()]) this.leave(walletId)
  }

  #announceIn(topic: PresenceTopic, ms: number): void {
    topic.cancel?.()
    topic.cancel = this.d.clock.after(ms, () => {
      void this.#announce(topic)
    })
  }

  async #announce(topic: PresenceTopic): Promise<void> {
    this.#announceIn(topic, EARLY_MS[topic.announcements++] ?? ANNOUNCE_MS)
    topic.announcedAt = this.d.clock.now()
    const announcement = this.#announcement(topic.wallet)
    try {
      const sealed = await sealAnnouncement(announcement, topic.keys, this.d.entropy, bytes => this.d.sign(bytes))
      if (!this.#stopped && this.#topics.get(topic.wallet.walletId) === topic)
        await this.d.transport.publish(topic.keys.topic, sealed)
    } catch (error) {
      // a hint only: nobody subscribed yet, or the relay is away
      this.d.log.write('debug', 'net.announce-failed', { error: error instanceof Error ? error.message : 'unknown' })
    }
  }

  #announcement(wallet: PresenceWallet): Announcement {
    const { transport, self, clock } = this.d
    const ids = new Set(wallet.relays.map(relayPeerId))
    return {
      sender: wallet.self,
      peerId: transport.peerId,
      addresses: transport
        .addresses()
        .filter(a => ids.has(relayOfAddress(a)))
        .slice(0, LIMITS.announcedAddresses),
      startedAt: self.startedAt,
      counter: ++this.#counter,
      instance: self.instance,
      at: Math.floor(clock.now()),
    }
  }

  #hear(topic: PresenceTopic, bytes: Uint8Array): void {
    if (this.#stopped) return
    const now = this.d.clock.now()
    const members = new Map(topic.wallet.members.map(m => [m.accountKey, m.peerId]))
    members.set(topic.wallet.self, this.d.transport.peerId)
    const opened = openAnnouncement(bytes, topic.keys, sender => members.get(sender), now)
    if (!opened.ok) {
      this.d.log.write('debug', 'net.announcement-dropped', { reason: opened.error })
      return
    }
    const announcement = opened.value
    if (announcement.peerId === this.d.transport.peerId) {
      if (announcement.instance !== this.d.self.instance && isNewer(announcement, this.d.self))
        this.d.onNewerSelf(announcement)
      return
    }
    const isNewcomer = topic.replays.instance(announcement.peerId) !== announcement.instance
    if (!topic.replays.accept(announcement, now)) return
    if (isNewcomer && now - topic.announcedAt >= MIN_GAP_MS)
      this.#announceIn(topic, ((this.d.entropy.bytes(1)[0] ?? 0) * ANSWER_SPREAD_MS) / 255)
    this.d.onHeard(topic.wallet, announcement, announcedRelays(announcement, topic.wallet.relays))
  }
}
