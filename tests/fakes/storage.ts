import type { Storage, StoreName } from '../../services/ports/storage'

export interface FakeStorage extends Storage {
  /** the next `count` writes reject, as a full disk does; nothing of them is kept */
  failWrites(count: number): void
  /** everything that was ever written, in order, for tests that look for secrets */
  readonly written: ReadonlyArray<{ store: StoreName; key: string; value: Uint8Array }>
}

/** Storage in memory. Values are copied both ways, so that no caller can change what is stored. */
export function createFakeStorage(): FakeStorage {
  const stores = new Map<StoreName, Map<string, Uint8Array>>()
  const written: Array<{ store: StoreName; key: string; value: Uint8Array }> = []
  let failing = 0
  const of = (store: StoreName): Map<string, Uint8Array> => {
    const found = stores.get(store) ?? new Map<string, Uint8Array>()
    stores.set(store, found)
    return found
  }
  const putAll: Storage['putAll'] = async writes => {
    if (failing > 0) {
      failing--
      throw new Error('storage is full (fake)')
    }
    for (const { store, key, value } of writes) {
      if (value === undefined) of(store).delete(key)
      else {
        of(store).set(key, value.slice())
        written.push({ store, key, value: value.slice() })
      }
    }
  }
  return {
    written,
    failWrites: count => {
      failing = count
    },
    get: async (store, key) => of(store).get(key)?.slice(),
    all: async store =>
      [...of(store)]
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([key, value]) => ({ key, value: value.slice() })),
    put: (store, key, value) => putAll([{ store, key, value }]),
    putAll,
    delete: (store, key) => putAll([{ store, key, value: undefined }]),
  }
}
