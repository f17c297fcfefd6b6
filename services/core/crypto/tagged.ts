import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '../domain/bytes'

/**
 * Every domain of Tandem's own hashes and derived keys, in one list: two things that are hashed or derived never share
 * a tag. Session messages and statements use `tandem/<type>/1` (message-hash.ts), whose types are disjoint from the
 * names below.
 */
export const TAGS = {
  /** genesis hash, canonical descriptor */
  walletId: 'tandem/wallet-id/1',
  /** what a signature of this session commits to */
  digest: 'tandem/digest/1',
  sessionId: 'tandem/session-id/1',
  /** the only signable thing that is no transaction */
  practice: 'tandem/practice',
  /** one member's pubnonces of an attempt */
  pubnoncesHash: 'tandem/pubnonces-hash/1',
  /** extra input of BIP327 NonceGen */
  nonceExtra: 'tandem/nonce-extra/1',
  /** safety number over the roster */
  safety: 'tandem/safety/1',
  /** chain of a session's transcript */
  transcript: 'tandem/transcript-chain/1',
  /** HKDF label: Ed25519 seed of the peer key */
  peerKey: 'tandem/peer/1',
  /** HKDF label: key of the wallet file */
  fileKey: 'tandem/file/1',
} as const

/** SHA256(tag) twice, by tag: tags are few and written in the code */
const prefixes = new Map<string, Uint8Array>()

/** BIP340 tagged hash over the concatenation of `parts`; 32 bytes. */
export function tagged(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let prefix = prefixes.get(tag)
  if (prefix === undefined) {
    const hash = sha256(utf8ToBytes(tag))
    prefix = concatBytes(hash, hash)
    prefixes.set(tag, prefix)
  }
  return sha256(concatBytes(prefix, ...parts))
}

/** Little-endian bytes of a whole number that fits (Bitcoin's byte order). */
export function le(value: number | bigint, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  let rest = BigInt(value)
  for (let i = 0; i < bytes; i++, rest >>= 8n) out[i] = Number(rest & 0xffn)
  return out
}

/** Bytes with their length before them (u32 little-endian), so that neighbours in a hash cannot be shifted. */
export const sized = (bytes: Uint8Array): Uint8Array => concatBytes(le(bytes.length, 4), bytes)
