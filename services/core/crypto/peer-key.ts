import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '../domain/bytes'
import { TAGS } from './tagged'

/**
 * Fixed hardened path of the key behind a profile's peer key: "tand" in ASCII, then its version. Below no BIP44
 * purpose.
 */
export const PEER_KEY_PATH = 'm/1952542308h/1h'

/**
 * Ed25519 seed (32 bytes) of a profile's libp2p identity, from the 32-byte private key at `PEER_KEY_PATH` (RFC 5869, no
 * salt).
 */
export function peerKeySeed(privateKey: Uint8Array): Uint8Array {
  return hkdf(sha256, privateKey, undefined, utf8ToBytes(TAGS.peerKey), 32)
}

/** Key of the wallet file (32 bytes), from the 64-byte BIP39 seed: words + file restore a wallet anywhere. */
export function fileKey(seed: Uint8Array): Uint8Array {
  return hkdf(sha256, seed, undefined, utf8ToBytes(TAGS.fileKey), 32)
}
