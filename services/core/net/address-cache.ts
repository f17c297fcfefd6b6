import { bytesToUtf8 } from '@noble/ciphers/utils.js'
import type { Storage } from '../../ports/storage'
import { BoundedMap } from '../domain/bounded-map'
import { utf8ToBytes } from '../domain/bytes'
import type { PeerId } from '../domain/ids'
import { LIMITS } from '../wire/limits'

/** Where a peer was reached or announced itself, relays only. */
export interface CachedPeer {
  readonly peerId: PeerId
  /** relay multiaddrs of our own lists, the last that worked first */
  readonly relays: readonly string[]
  /** unix milliseconds of the last news */
  readonly at: number
}

/** Where the cache outlives the page; both may fail without harm. */
export interface PeerStore {
  load(): Promise<readonly CachedPeer[]>
  save(peer: CachedPeer): Promise<void>
}

/** peers kept: members of all wallets of one profile, with room */
const MAX_PEERS = 512
const RELAYS_PER_PEER = 4

/** Last known relays of peers. A hint only: a candidate counts when its relay is on a list of ours at that moment. */
export class AddressCache {
  readonly #peers = new BoundedMap<PeerId, CachedPeer>(MAX_PEERS)

  constructor(
    private readonly store: PeerStore | undefined,
    private readonly onError: (error: unknown) => void,
  ) {}

  async load(): Promise<void> {
    if (!this.store) return
    try {
      for (const peer of await this.store.load()) {
        const known = this.#peers.get(peer.peerId)
        if (!known || known.at < peer.at) this.#set(peer)
      }
    } catch (error) {
      this.onError(error)
    }
  }

  relays(peerId: PeerId): readonly string[] {
    return this.#peers.get(peerId)?.relays ?? []
  }

  /** Puts `relays` first; nothing is written when that changes nothing. */
  note(peerId: PeerId, relays: readonly string[], at: number): void {
    if (relays.length === 0) return
    const before = this.relays(peerId)
    const after = [...new Set([...relays, ...before])].slice(0, RELAYS_PER_PEER)
    if (after.length === before.length && after.every((r, i) => r === before[i])) return
    const peer: CachedPeer = { peerId, relays: after, at }
    this.#set(peer)
    this.store?.save(peer).catch(this.onError)
  }

  #set(peer: CachedPeer): void {
    this.#peers.set(peer.peerId, { ...peer, relays: peer.relays.slice(0, RELAYS_PER_PEER) })
  }
}

function parse(peerId: PeerId, value: Uint8Array): CachedPeer | undefined {
  try {
    const parsed: unknown = JSON.parse(bytesToUtf8(value))
    if (typeof parsed !== 'object' || parsed === null || !('relays' in parsed) || !('at' in parsed)) return undefined
    const { relays, at } = parsed
    if (!Array.isArray(relays) || typeof at !== 'number') return undefined
    const texts = relays.filter((r): r is string => typeof r === 'string' && r.length <= LIMITS.multiaddrBytes)
    return { peerId, relays: texts, at }
  } catch {
    return undefined
  }
}

/** The store 'peers' of the profile, one record per peer id; an unreadable record is no record. */
export function storedPeers(storage: Pick<Storage, 'all' | 'put'>): PeerStore {
  return {
    async load() {
      const records = await storage.all('peers')
      return records.flatMap(({ key, value }) => parse(key, value) ?? [])
    },
    save: peer => storage.put('peers', peer.peerId, utf8ToBytes(JSON.stringify({ relays: peer.relays, at: peer.at }))),
  }
}
