import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '../../services/core/domain/bytes'
import type { Entropy } from '../../services/ports/entropy'

/** The same bytes for the same seed: a SHA256 counter stream. Never repeats within one instance. */
export function createFakeEntropy(seed = 'seed'): Entropy {
  let counter = 0
  return {
    bytes: length => {
      const blocks: Uint8Array[] = []
      for (let have = 0; have < length; have += 32) blocks.push(sha256(utf8ToBytes(`${seed}/${counter++}`)))
      return concatBytes(...blocks).slice(0, length)
    },
  }
}
