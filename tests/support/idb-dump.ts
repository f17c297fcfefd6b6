import { fromHex, toHex } from '../../services/core/domain/bytes'

/** One IndexedDB database as it lies on disk, as JSON. */
export interface Dump {
  readonly version: number
  readonly stores: Readonly<
    Record<string, { readonly keyPath: string | null; readonly rows: ReadonlyArray<readonly [string, unknown]> }>
  >
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the request failed'))
  })

/** Bytes, at any depth, are written as hex. */
function write(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(write)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, write(inner)]))
}
function read(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(read)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
  const [[name, inner] = []] = fields
  if (fields.length === 1 && name === 'bytes' && typeof inner === 'string') return fromHex(inner)
  return Object.fromEntries(fields.map(([key, field]) => [key, read(field)]))
}

export async function dumpDatabase(name: string): Promise<Dump> {
  const db = await done(indexedDB.open(name))
  const stores: Record<string, { keyPath: string | null; rows: Array<[string, unknown]> }> = {}
  for (const store of db.objectStoreNames) {
    const objects = db.transaction(store).objectStore(store)
    const [keys, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())])
    stores[store] = {
      keyPath: objects.keyPath as string | null,
      rows: keys.map((key, i) => [key as string, write(values[i])]),
    }
  }
  const { version } = db
  db.close()
  return { version, stores }
}

export async function restoreDatabase(name: string, { version, stores }: Dump): Promise<void> {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => {
    for (const [store, { keyPath }] of Object.entries(stores)) request.result.createObjectStore(store, { keyPath })
  }
  const db = await done(request)
  for (const [store, { keyPath, rows }] of Object.entries(stores)) {
    const objects = db.transaction(store, 'readwrite').objectStore(store)
    await Promise.all(rows.map(([key, value]) => done(objects.put(read(value), keyPath === null ? key : undefined))))
  }
  db.close()
}
