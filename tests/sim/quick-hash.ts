import { hash } from 'node:crypto'
import { sha256 as noble } from '@noble/hashes/sha2.js'

export { sha384, sha512, sha512_256, sha224 } from '@noble/hashes/sha2.js'

function digest(message: Uint8Array): Uint8Array {
  const text = hash('sha256', message, 'binary')
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i++) out[i] = text.charCodeAt(i)
  return out
}

/**
 * Stands for the library's SHA256 in the simulation: that of Node, the same bytes in a fifth of the time. What is
 * hashed in pieces still is by the library.
 */
export const sha256: typeof noble = Object.assign(digest, noble) as typeof noble
