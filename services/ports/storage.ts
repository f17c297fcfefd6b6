/**
 * Records of the unlocked profile, encrypted at rest by the adapter. Values are the plain bytes that the caller
 * encoded. Stores of one profile never see those of another.
 */
export const STORES = ['wallets', 'drafts', 'sessions', 'chain', 'settings', 'peers', 'transcripts'] as const
export type StoreName = (typeof STORES)[number]

/**
 * The form of what is in each store. It rises with each change after which this version of the app could not read an
 * older record as it is; the adapter then brings older ones up to it. What was stored before there were versions is 1.
 */
export const SCHEMA_VERSIONS: Readonly<Record<StoreName, number>> = {
  wallets: 1,
  drafts: 1,
  sessions: 1,
  chain: 1,
  settings: 1,
  peers: 1,
  transcripts: 1,
}

/** Said by every store, and by the vault's, of what a newer version of the app has stored. */
export const NEWER_VERSION =
  'A newer version of Tandem has stored this. Reload this page to update; nothing was changed or deleted.'

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
