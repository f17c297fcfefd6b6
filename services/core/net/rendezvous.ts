import { sha256 } from '@noble/hashes/sha2.js'
import { compareBytes, concatBytes, utf8ToBytes } from '../domain/bytes'
import type { PeerId } from '../domain/ids'

/** Own reservations per relay list: one to live on, one for when it dies (protocol.md, "Reaching each other"). */
export const OWN_RELAYS = 2
/** Ranks that others try: the two reserved ones and the two that replace them when relays are dead. */
export const TRIED_RANKS = 4

const PEER_TAIL = /\/p2p\/([A-Za-z0-9]+)$/
const CIRCUIT = /\/p2p\/([A-Za-z0-9]+)\/p2p-circuit(\/|$)/

/** Peer id of a relay multiaddr (`.../p2p/<id>`); undefined when it names none or is itself relayed. */
export function relayPeerId(relay: string): PeerId | undefined {
  return relay.includes('/p2p-circuit') ? undefined : PEER_TAIL.exec(relay)?.[1]
}

/** Peer id of the relay that a circuit or webrtc address goes through. */
export const relayOfAddress = (address: string): PeerId | undefined => CIRCUIT.exec(address)?.[1]

/**
 * All relays of the list in the rendezvous (highest random weight) order of `peerId`: SHA-256 over the peer id and the
 * relay's own id, so that everybody gets the same order without a directory, and a relay that moves to another host
 * keeps its rank. Entries without a peer id are left out, equal ones count once.
 */
export function rankRelays(peerId: PeerId, relays: readonly string[]): string[] {
  const weighed = [...new Set(relays)].flatMap(relay => {
    const id = relayPeerId(relay)
    return id === undefined
      ? []
      : [{ relay, weight: sha256(concatBytes(utf8ToBytes(`tandem/rendezvous/1 ${peerId} ${id}`))) }]
  })
  return weighed.sort((a, b) => compareBytes(b.weight, a.weight) || (a.relay < b.relay ? -1 : 1)).map(w => w.relay)
}

export type RelayLife = 'live' | 'pending' | 'dead' | 'probe'

/**
 * The relays on which a node wants its reservations: its first two that are not dead, in rank order. A dead one whose
 * cool-down is over is asked again (`probe`) beside the two, so that a working relay is not given up for it. When there
 * are not two others, dead ones stay wanted.
 */
export function ownRelays(peerId: PeerId, relays: readonly string[], life: (relay: string) => RelayLife): string[] {
  const ranked = rankRelays(peerId, relays)
  const wanted = new Set<string>()
  let count = 0
  for (const relay of ranked) {
    if (count >= OWN_RELAYS) break
    const state = life(relay)
    if (state === 'dead') continue
    wanted.add(relay)
    if (state !== 'probe') count++
  }
  for (const relay of ranked) {
    if (count >= OWN_RELAYS) break
    if (wanted.has(relay)) continue
    wanted.add(relay)
    count++
  }
  return ranked.filter(relay => wanted.has(relay))
}

export interface Candidate {
  readonly relay: string
  readonly address: string
  readonly kind: 'webrtc' | 'relay'
}

export const webrtcAddress = (relay: string, peerId: PeerId): string => `${relay}/p2p-circuit/webrtc/p2p/${peerId}`
export const circuitAddress = (relay: string, peerId: PeerId): string => `${relay}/p2p-circuit/p2p/${peerId}`

/**
 * Addresses to dial, in order: WebRTC through each relay that the peer may be on (known ones first, then ranks 1 to 4),
 * then the plain circuits in the same order. Everything is built from the list's own entries, whatever a peer
 * announced.
 */
export function candidates(peerId: PeerId, relays: readonly string[], known: readonly string[]): Candidate[] {
  const allowed = new Set(relays)
  const order = [
    ...new Set([...known.filter(r => allowed.has(r)), ...rankRelays(peerId, relays).slice(0, TRIED_RANKS)]),
  ]
  return [
    ...order.map((relay): Candidate => ({ relay, address: webrtcAddress(relay, peerId), kind: 'webrtc' })),
    ...order.map((relay): Candidate => ({ relay, address: circuitAddress(relay, peerId), kind: 'relay' })),
  ]
}
