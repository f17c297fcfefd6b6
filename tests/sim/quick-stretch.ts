import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '../../services/core/domain/bytes'

/** Stands for PBKDF2 in the simulation: stretching words into a seed has its own tests, and takes longer than a run. */
export function pbkdf2(
  _hash: unknown,
  password: string | Uint8Array,
  salt: string | Uint8Array,
  options: { readonly dkLen: number },
): Uint8Array {
  const bytes = (x: string | Uint8Array): Uint8Array => (typeof x === 'string' ? utf8ToBytes(x) : x)
  return sha512(concatBytes(bytes(password), Uint8Array.of(0), bytes(salt))).slice(0, options.dkLen)
}

export const pbkdf2Async = async (...args: Parameters<typeof pbkdf2>): Promise<Uint8Array> => pbkdf2(...args)
