import { IDBFactory } from 'fake-indexeddb'
import 'fake-indexeddb/auto'
import { createIndexedDbStorage, type IndexedDbStorage } from '../../../services/adapters/indexeddb'
import { concatBytes, utf8ToBytes } from '../../../services/core/domain/bytes'
import { err, ok } from '../../../services/core/domain/result'
import { createFakeLog, type FakeLog } from '../../fakes/log'

export interface Sealer {
  locked: boolean
  seal(context: string, plain: Uint8Array): Promise<Uint8Array>
  open(context: string, sealed: Uint8Array): ReturnType<Parameters<typeof createIndexedDbStorage>[0]['open']>
}

/** AES-256-GCM as the vault does it, with the context as additional data. */
export async function createSealer(): Promise<Sealer> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const params = (iv: Uint8Array, context: string): AesGcmParams => ({
    name: 'AES-GCM',
    iv: iv.slice(),
    additionalData: new Uint8Array(utf8ToBytes(context)),
  })
  const sealer: Sealer = {
    locked: false,
    async seal(context, plain) {
      if (sealer.locked) throw Object.assign(new Error('the vault is locked'), { name: 'VaultLocked' })
      const iv = crypto.getRandomValues(new Uint8Array(12))
      return concatBytes(iv, new Uint8Array(await crypto.subtle.encrypt(params(iv, context), key, plain.slice())))
    },
    async open(context, sealed) {
      if (sealer.locked) return err({ code: 'locked' })
      try {
        return ok(
          new Uint8Array(await crypto.subtle.decrypt(params(sealed.subarray(0, 12), context), key, sealed.slice(12))),
        )
      } catch {
        return err({ code: 'bad-file' })
      }
    },
  }
  return sealer
}

export interface IndexedDbRig {
  readonly sealer: Sealer
  readonly log: FakeLog
  storage(profileId?: string): IndexedDbStorage
  /** every record as it lies on disk */
  raw(profileId?: string): Promise<Array<{ store: string; id: string; value: unknown }>>
  write(store: string, id: string, value: unknown, profileId?: string): Promise<void>
  close(): Promise<void>
}

/** A browser's IndexedDB of its own, and one vault. */
export async function createRig(): Promise<IndexedDbRig> {
  globalThis.indexedDB = new IDBFactory()
  const sealer = await createSealer()
  const log = createFakeLog()
  const opened: IndexedDbStorage[] = []
  const connect = (profileId: string): Promise<IDBDatabase> =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open(`tandem-${profileId}`)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('no database'))
    })
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('request failed'))
    })
  return {
    sealer,
    log,
    storage(profileId = 'p1') {
      const storage = createIndexedDbStorage({
        profileId,
        log,
        seal: (c, b) => sealer.seal(c, b),
        open: (c, b) => sealer.open(c, b),
      })
      opened.push(storage)
      return storage
    },
    async raw(profileId = 'p1') {
      const db = await connect(profileId)
      const rows: Array<{ store: string; id: string; value: unknown }> = []
      for (const store of db.objectStoreNames) {
        const objects = db.transaction(store).objectStore(store)
        const [ids, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())])
        ids.forEach((id, i) => rows.push({ store, id: String(id as string), value: values[i] as unknown }))
      }
      db.close()
      return rows
    },
    async write(store, id, value, profileId = 'p1') {
      const db = await connect(profileId)
      await done(db.transaction(store, 'readwrite').objectStore(store).put(value, id))
      db.close()
    },
    async close() {
      for (const storage of opened) await storage.close()
    },
  }
}
