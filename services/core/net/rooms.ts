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
  PresenceTable,
  sealAnnouncement,
  type PresenceKeys,
} from './presence'
import { relayOfAddress, relayPeerId } from './rendezvous'

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

export interface RoomsDeps {
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

interface Room {
  wallet: PresenceWallet
  readonly keys: PresenceKeys
  readonly table: PresenceTable
  readonly unsubscribe: () => void
  cancel?: () => void
  saidAt: number
  /** announcements so far */
  said: number
}

/**
 * The first announcement often goes out before a relay knows who listens: said again after 2, 4 and 8 s, then in the
 * usual pace, milliseconds.
 */
const EARLY_MS = [2_000, 4_000, 8_000] as const
/** milliseconds: address changes come in bursts; newcomers are answered soon, but not by all in the same moment */
const CHANGE_DELAY_MS = 250
const ANSWER_SPREAD_MS = 1_000
/** milliseconds between two announcements at least: newcomers cannot make us flood */
const MIN_GAP_MS = 5_000

/** One presence room per wallet: a sealed announcement every 30 s, on a change of addresses, and once to a newcomer. */
export class Rooms {
  readonly #rooms = new Map<WalletId, Room>()
  #counter = 0
  #stopped = false

  constructor(private readonly d: RoomsDeps) {}

  join(wallet: PresenceWallet): void {
    const existing = this.#rooms.get(wallet.walletId)
    if (existing) {
      existing.wallet = wallet
      this.#sayIn(existing, CHANGE_DELAY_MS)
      return
    }
    const keys = presenceKeys(wallet.groupSecret)
    const unsubscribe = this.d.transport.subscribe(keys.topic, bytes => {
      this.#hear(room, bytes)
    })
    const room: Room = { wallet, keys, unsubscribe, table: new PresenceTable(), saidAt: -Infinity, said: 0 }
    this.#rooms.set(wallet.walletId, room)
    this.#sayIn(room, 0)
  }

  leave(walletId: WalletId): void {
    const room = this.#rooms.get(walletId)
    if (!room) return
    this.#rooms.delete(walletId)
    room.cancel?.()
    room.unsubscribe()
  }

  wallets(): PresenceWallet[] {
    return [...this.#rooms.values()].map(r => r.wallet)
  }

  table(walletId: WalletId): PresenceTable | undefined {
    return this.#rooms.get(walletId)?.table
  }

  /** unix milliseconds of the last announcement of this peer in any wallet */
  lastHeard(peerId: PeerId): number | undefined {
    const times = [...this.#rooms.values()].flatMap(r => r.table.lastHeard(peerId) ?? [])
    return times.length > 0 ? Math.max(...times) : undefined
  }

  /** Own addresses changed. */
  changed(): void {
    for (const room of this.#rooms.values()) this.#sayIn(room, CHANGE_DELAY_MS)
  }

  stop(): void {
    this.#stopped = true
    for (const walletId of [...this.#rooms.keys()]) this.leave(walletId)
  }

  #sayIn(room: Room, ms: number): void {
    room.cancel?.()
    room.cancel = this.d.clock.after(ms, () => {
      void this.#say(room)
    })
  }

  async #say(room: Room): Promise<void> {
    this.#sayIn(room, EARLY_MS[room.said++] ?? ANNOUNCE_MS)
    room.saidAt = this.d.clock.now()
    const { transport, self } = this.d
    const ids = new Set(room.wallet.relays.map(relayPeerId))
    const announcement: Announcement = {
      sender: room.wallet.self,
      peerId: transport.peerId,
      addresses: transport
        .addresses()
        .filter(a => ids.has(relayOfAddress(a)))
        .slice(0, LIMITS.announcedAddresses),
      startedAt: self.startedAt,
      counter: ++this.#counter,
      instance: self.instance,
      at: Math.floor(this.d.clock.now()),
    }
    try {
      const sealed = await sealAnnouncement(announcement, room.keys, this.d.entropy, bytes => this.d.sign(bytes))
      if (!this.#stopped && this.#rooms.get(room.wallet.walletId) === room)
        await transport.publish(room.keys.topic, sealed)
    } catch (error) {
      // a hint only: nobody subscribed yet, or the relay is away
      this.d.log.write('debug', 'net.announce-failed', { error: error instanceof Error ? error.message : 'unknown' })
    }
  }

  #hear(room: Room, bytes: Uint8Array): void {
    if (this.#stopped) return
    const now = this.d.clock.now()
    const members = new Map(room.wallet.members.map(m => [m.accountKey, m.peerId]))
    members.set(room.wallet.self, this.d.transport.peerId)
    const opened = openAnnouncement(bytes, room.keys, sender => members.get(sender), now)
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
    const newcomer = room.table.instance(announcement.peerId) !== announcement.instance
    if (!room.table.accept(announcement, now)) return
    if (newcomer && now - room.saidAt >= MIN_GAP_MS)
      this.#sayIn(room, ((this.d.entropy.bytes(1)[0] ?? 0) * ANSWER_SPREAD_MS) / 255)
    this.d.onHeard(room.wallet, announcement, announcedRelays(announcement, room.wallet.relays))
  }
}
