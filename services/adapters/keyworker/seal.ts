/**
 * Encryption at rest: AES-256-GCM of WebCrypto under the password's key and under the storage key, XChaCha20-Poly1305
 * for the wallet file, whose key comes from the seed. Every sealed value starts with its version and binds what it is
 * for.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concatBytes, utf8ToBytes } from '../../core/domain/bytes'
import type { PasswordCost } from './ports'

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16

/** 64 MiB, three passes, one lane: the first parameter choice above RFC 9106's memory-constrained one in passes. */
export const PASSWORD_COST: PasswordCost = { memoryKiB: 65_536, iterations: 3, parallelism: 1 }

/** A stored cost outside these bounds was tampered with: too cheap to be ours, or meant to hang the device. */
export function isSaneCost(cost: PasswordCost): boolean {
  const within = (value: unknown, min: number, max: number): boolean =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  return within(cost.memoryKiB, 65_536, 524_288) && within(cost.iterations, 3, 16) && within(cost.parallelism, 1, 1)
}

/** WebCrypto asks for views of plain buffers; all of ours are (SharedArrayBuffer is banned by a lint rule). */
const view = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>

/** Not extractable: after this the raw bytes can be wiped. */
export function importKey(raw: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', view(raw), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/** version (1), IV (12), ciphertext and tag. `iv` must be fresh and random. */
export async function sealWith(
  key: CryptoKey,
  iv: Uint8Array,
  purpose: string,
  plain: Uint8Array,
): Promise<Uint8Array> {
  const additionalData = view(concatBytes(Uint8Array.of(VERSION), utf8ToBytes(purpose)))
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: view(iv), additionalData }, key, view(plain))
  return concatBytes(Uint8Array.of(VERSION), iv, new Uint8Array(sealed))
}

/** Undefined when key, purpose or any byte differs. */
export async function openWith(key: CryptoKey, purpose: string, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  if (sealed[0] !== VERSION || sealed.length < 1 + IV_BYTES + TAG_BYTES) return undefined
  const additionalData = view(concatBytes(Uint8Array.of(VERSION), utf8ToBytes(purpose)))
  try {
    const plain = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: view(sealed.slice(1, 1 + IV_BYTES)), additionalData },
      key,
      view(sealed.slice(1 + IV_BYTES)),
    )
    return new Uint8Array(plain)
  } catch {
    return undefined
  }
}

/** "TDMF" and the version: the header of a wallet file, bound as additional data. */
const FILE_HEADER = Uint8Array.of(0x54, 0x44, 0x4d, 0x46, 1)
const FILE_NONCE_BYTES = 24

/** Header (5), nonce (24, fresh and random), ciphertext and tag. */
export function sealFileWith(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return concatBytes(FILE_HEADER, nonce, xchacha20poly1305(key, nonce, FILE_HEADER).encrypt(plain))
}

/** Undefined for another seed's file, a newer version or a damaged one. */
export function openFileWith(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const start = FILE_HEADER.length + FILE_NONCE_BYTES
  if (sealed.length < start + TAG_BYTES || FILE_HEADER.some((byte, i) => sealed[i] !== byte)) return undefined
  try {
    return xchacha20poly1305(key, sealed.slice(FILE_HEADER.length, start), FILE_HEADER).decrypt(sealed.slice(start))
  } catch {
    return undefined
  }
}
