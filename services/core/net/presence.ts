import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '@scure/base'
import type { Entropy } from '../../ports/entropy'
import { concatBytes, fromHex, toHex, utf8ToBytes, type Hex } from '../domain/bytes'
import type { AccountKey, PeerId } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import { decodeAnnouncement, encodeAnnouncement } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import type { Announcement } from '../wire/messages'
import { relayOfAddress, relayPeerId } from './rendezvous'

/** milliseconds between two announcements without a change */
export const ANNOUNCE_MS = 30_000
/** milliseconds after which an announcement says nothing any more: six were missed */
export const PRESENCE_EXPIRY_MS = 180_000

const VERSION = 1
const NONCE = 24
const TAG = 16
const SIGNATURE = 64
/** bytes: sizes on the wire come in few steps, so that a relay learns little from them */
const PAD_STEP = 256
const SIGNATURE_CONTEXT = utf8ToBytes('tandem/presence/1')
/**
 * protobuf of an Ed25519 public key in an identity multihash @see
 * https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
const ED25519_PREFIX = fromHex('002408011220')

export interface PresenceKeys {
  /** gossip topic: says nothing about the wallet to who has not its group secret */
  readonly topic: string
  /** 32 bytes */
  readonly key: Uint8Array
}

/** Topic and sealing key of a wallet: HKDF-SHA256 (RFC 5869) of its group secret with distinct labels. */
export function presenceKeys(groupSecret: Hex): PresenceKeys {
  const secret = fromHex(groupSecret)
  const derive = (label: string): Uint8Array => hkdf(sha256, secret, undefined, utf8ToBytes(label), 32)
  return {
    topic: `/tandem/presence/${VERSION}/${toHex(derive('tandem/presence/topic/1'))}`,
    key: derive('tandem/presence/key/1'),
  }
}

const additionalData = (topic: string): Uint8Array => concatBytes(Uint8Array.of(VERSION), utf8ToBytes(topic))
const signedBytes = (topic: string, content: Uint8Array): Uint8Array =>
  concatBytes(SIGNATURE_CONTEXT, additionalData(topic), content)

/** Public key inside an Ed25519 peer id ("12D3KooW..."); undefined for any other text. */
export function peerIdPublicKey(peerId: PeerId): Uint8Array | undefined {
  if (peerId.length > LIMITS.peerIdBytes) return undefined
  try {
    const bytes = base58.decode(peerId)
    const prefixed = bytes.length === ED25519_PREFIX.length + 32 && ED25519_PREFIX.every((b, i) => bytes[i] === b)
    return prefixed ? bytes.slice(ED25519_PREFIX.length) : undefined
  } catch {
    return undefined
  }
}

/** Ed25519 (RFC 8032) by the key that the peer id embeds; false for anything malformed. */
export function verifyPeerSignature(peerId: PeerId, message: Uint8Array, signature: Uint8Array): boolean {
  const key = peerIdPublicKey(peerId)
  if (!key || signature.length !== SIGNATURE) return false
  try {
    return ed25519.verify(signature, message, key)
  } catch {
    return false
  }
}

/**
 * nonce (24) || XChaCha20-Poly1305 of: signature (64) || content length (2, big endian) || content || zeros up to a
 * 256-byte step. Additional data: version and topic. `sign` is Ed25519 by the sender's peer key, which the network
 * adapter holds.
 */
export async function sealAnnouncement(
  announcement: Announcement,
  keys: PresenceKeys,
  entropy: Entropy,
  sign: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const content = encodeAnnouncement(announcement)
  const signature = await sign(signedBytes(keys.topic, content))
  const plain = concatBytes(signature, Uint8Array.of(content.length >> 8, content.length & 0xff), content)
  const padded = new Uint8Array(Math.ceil(plain.length / PAD_STEP) * PAD_STEP)
  padded.set(plain)
  const nonce = entropy.bytes(NONCE)
  return concatBytes(nonce, xchacha20poly1305(keys.key, nonce, additionalData(keys.topic)).encrypt(padded))
}

export type PresenceError = 'size' | 'seal' | 'malformed' | 'unknown-sender' | 'signature' | 'stale'

/** The peer id of a member; undefined for who is not one. */
export type MemberPeer = (sender: AccountKey) => PeerId | undefined

/**
 * Opens and checks everything that needs no memory: seal, form, sender, peer-key signature, time (unix ms). Replays are
 * found by `ReplayGuard`.
 */
export function openAnnouncement(
  sealed: Uint8Array,
  keys: PresenceKeys,
  memberPeer: MemberPeer,
  now: number,
): Result<Announcement, PresenceError> {
  const steps = (sealed.length - NONCE - TAG) / PAD_STEP
  if (sealed.length > LIMITS.announcementBytes || steps < 1 || !Number.isInteger(steps)) return err('size')
  let plain: Uint8Array
  try {
    plain = xchacha20poly1305(keys.key, sealed.subarray(0, NONCE), additionalData(keys.topic)).decrypt(
      sealed.subarray(NONCE),
    )
  } catch {
    return err('seal')
  }
  const length = ((plain[SIGNATURE] ?? 0) << 8) | (plain[SIGNATURE + 1] ?? 0)
  const start = SIGNATURE + 2
  if (start + length > plain.length || plain.subarray(start + length).some(b => b !== 0)) return err('malformed')
  const content = plain.slice(start, start + length)
  const decoded = decodeAnnouncement(content)
  if (!decoded.ok) return err('malformed')
  const a = decoded.value
  if (memberPeer(a.sender) !== a.peerId) return err('unknown-sender')
  if (!verifyPeerSignature(a.peerId, signedBytes(keys.topic, content), plain.slice(0, SIGNATURE)))
    return err('signature')
  return Math.abs(a.at - now) > PRESENCE_EXPIRY_MS ? err('stale') : ok(a)
}

/**
 * The relays of the wallet's own list on which the sender says it is, as the list names them: a peer cannot make us
 * dial an address of its choice.
 */
export function announcedRelays(announcement: Announcement, walletRelays: readonly string[]): string[] {
  const ids = new Set(announcement.addresses.map(relayOfAddress))
  return walletRelays.filter(relay => ids.has(relayPeerId(relay)))
}
