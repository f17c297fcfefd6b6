/** Cryptographically secure random bytes. */
export interface Entropy {
  bytes(length: number): Uint8Array
}
