/**
 * Records of the unlocked profile, encrypted at rest by the adapter. Values are the plain bytes that the caller
 * encoded. Stores of one profile never see those of another.
 */
export const STORES = ['wallets', 'drafts', 'sessions', 'chain', 'settings', 'peers', 'transcripts'] as const
export type StoreName = (typeof STORES)[number]

/**
 * `strict` (unless said otherwise): on the disk when the promise resolves, so that a power cut does not forget what was
 * sent after it. `relaxed`: survives a crash of the browser, and is many milliseconds faster; for what can be had
 * again.
 */
export type Durability = 'strict' | 'relaxed'

export interface Storage {
  get(store: StoreName, key: string): Promise<Uint8Array | undefined>
  /** all keys with their values, in key order */
  all(store: StoreName): Promise<Array<{ key: string; value: Uint8Array }>>
  put(store: StoreName, key: string, value: Uint8Array, durability?: Durability): Promise<void>
  /** several writes that happen together or not at all; `undefined` deletes */
  putAll(
    writes: ReadonlyArray<{ store: StoreName; key: string; value: Uint8Array | undefined }>,
    durability?: Durability,
  ): Promise<void>
  delete(store: StoreName, key: string): Promise<void>
}
