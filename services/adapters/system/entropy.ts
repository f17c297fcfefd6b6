import type { Entropy } from '../../ports/entropy'

/** Bytes per call that WebCrypto gives. */
const MAX_CALL = 65_536

/** The browser's secure random source. */
export function createBrowserEntropy(): Entropy {
  return {
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += MAX_CALL) crypto.getRandomValues(bytes.subarray(at, at + MAX_CALL))
      return bytes
    },
  }
}
