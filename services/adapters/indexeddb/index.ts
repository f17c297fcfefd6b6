/**
 * The profile's records in IndexedDB, one database per profile, nothing of them in clear.
 *
 * 1. A value is sealed by the vault together with its key text, bound to the store and to the name under which it lies:
 * records
 * cannot be read, forged, or put in one another's place. An older one can be put back in its own place by whoever has
 *     the disk: nothing that must never go backwards (a nonce) is stored.
 * 2. The name of a record is an HMAC of its key under a random key which is itself stored sealed: on disk one sees how
 * many
 *     records there are and how long, not which wallets or sessions they are about.
 *  3. Writes happen in the order in which they were asked for, and reads see the writes asked for before them, although
 *     sealing takes a turn through the vault.
 * 4. A record that does not open is logged and left out, never an exception. A locked vault is one: nothing would be
 * true.
 * 5. Each store has a schema version (`meta`, not sealed: it is no secret, and whoever could change it could delete
 * everything). What a newer version of the app has stored is left alone: every call rejects with `newer-version`.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { concatBytes, equalBytes, toHex, utf8ToBytes } from '../../core/domain/bytes'
import type { ProfileId } from '../../core/domain/ids'
import type { Result } from '../../core/domain/result'
import type { Log } from '../../ports/log'
import {
  NEWER_VERSION,
  SCHEMA_VERSIONS,
  STORES,
  type Durability,
  type Storage,
  type StoreName,
} from '../../ports/storage'
import { newerStore, readVersions, writeVersions } from './versions'

export { persistStorage } from './persistence'

export interface IndexedDbOptions {
  readonly profileId: ProfileId
  readonly log: Log
  /**
   * authenticated encryption with `context` as additional data (the vault's `seal`); rejects with a `VaultLocked` while
   * locked
   */
  seal(context: string, plain: Uint8Array): Promise<Uint8Array>
  /**
   * its inverse; the code `locked` means that nothing is known about the record, `storage-failed` too, any other that
   * it is damaged
   */
  open(context: string, sealed: Uint8Array): Promise<Result<Uint8Array, { readonly code: string }>>
}

/** What the storage rejects with; trouble of the place, never of a single record. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  constructor(
    /** `newer-version`: stored by a newer version of the app; nothing is read, written or deleted */
    readonly code: 'locked' | 'full' | 'closed' | 'failed' | 'newer-version',
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}

export interface IndexedDbStorage extends Storage {
  /** Waits for what is under way and lets go of the database; later calls reject with `closed`. */
  close(): Promise<void>
}

type Schema = DBSchema & Record<StoreName | 'meta', { key: string; value: Uint8Array }>
type Database = IDBPDatabase<Schema>
interface Row {
  readonly store: StoreName
  readonly id: string
  readonly sealed: Uint8Array
}
interface Plain {
  readonly key: string
  readonly value: Uint8Array
}

/** 2: transcripts */
const VERSION = 2
/** where the schema versions of the stores lie in `meta` */
const VERSIONS = 'versions'
/** where the sealed name key lies in `meta`, and its sealing context */
const NAMES = 'names'
const NAME_KEY_BYTES = 32

export function createIndexedDbStorage(options: IndexedDbOptions): IndexedDbStorage {
  return new SealedStorage(options)
}

class SealedStorage implements IndexedDbStorage {
  private closed = false
  private database: Promise<Database> | undefined
  private nameKey: Promise<Uint8Array> | undefined
  /** settles when every call so far is done (invariant 3) */
  private tail: Promise<unknown> = Promise.resolve()

  constructor(private readonly o: IndexedDbOptions) {}

  put(store: StoreName, key: string, value: Uint8Array, durability?: Durability): Promise<void> {
    return this.putAll([{ store, key, value }], durability)
  }

  delete(store: StoreName, key: string): Promise<void> {
    return this.putAll([{ store, key, value: undefined }])
  }

  putAll(
    writes: ReadonlyArray<{ store: StoreName; key: string; value: Uint8Array | undefined }>,
    durability: Durability = 'strict',
  ): Promise<void> {
    // Copied now: what the caller does with its buffers later is not what it asked to store.
    const copies = writes.map(({ store, key, value }) => ({ store, key, value: value?.slice() }))
    return this.inTurn(async (db, names) => {
      const rows = await Promise.all(
        copies.map(async ({ store, key, value }) =>
          value === undefined
            ? { store, id: idOf(names, store, key), sealed: undefined }
            : this.sealRow(names, store, { key, value }),
        ),
      )
      if (rows.length === 0) return
      const tx = db.transaction([...new Set(rows.map(row => row.store))], 'readwrite', { durability })
      const steps = rows.map(({ store, id, sealed }) =>
        sealed === undefined ? tx.objectStore(store).delete(id) : tx.objectStore(store).put(sealed, id),
      )
      await Promise.all([...steps, tx.done])
    })
  }

  get(store: StoreName, key: string): Promise<Uint8Array | undefined> {
    return this.inTurn(async (db, names) => {
      const id = idOf(names, store, key)
      const sealed = await db.get(store, id)
      return sealed === undefined ? undefined : (await this.openRow({ store, id, sealed }))?.value
    })
  }

  all(store: StoreName): Promise<Plain[]> {
    return this.inTurn(async db => {
      const plain = await Promise.all((await readRows(db, [store])).map(row => this.openRow(row)))
      return plain.filter(record => record !== undefined).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    })
  }

  async close(): Promise<void> {
    const pending = this.tail
    this.tail = pending.then(() => {
      this.closed = true
    })
    await this.tail
    await this.database?.then(
      db => db.close(),
      () => undefined,
    )
  }

  /** Runs after everything asked before it, with the database and the name key. */
  private inTurn<T>(work: (db: Database, names: Uint8Array) => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.closed) throw new StorageError('closed', 'the storage is closed')
      try {
        const db = await this.connect()
        this.nameKey ??= this.checkVersions(db).then(() => this.loadNameKey(db))
        this.nameKey.catch(() => {
          this.nameKey = undefined
        })
        return await work(db, await this.nameKey)
      } catch (error) {
        throw typed(error)
      }
    }
    const result = this.tail.then(run)
    this.tail = result.catch(() => undefined)
    return result
  }

  private connect(): Promise<Database> {
    this.database ??= openDB<Schema>(`tandem-${this.o.profileId}`, VERSION, {
      upgrade(db) {
        for (const store of [...STORES, 'meta'] as const)
          if (!db.objectStoreNames.contains(store)) db.createObjectStore(store)
      },
      // Another tab deletes the profile or brings a newer version: step aside, do not recreate what it removes.
      blocking: () => {
        this.closed = true
        void this.database?.then(db => db.close())
      },
      terminated: () => {
        this.database = undefined
      },
    })
    this.database.catch(() => {
      this.database = undefined
    })
    return this.database
  }

  /** Nothing is looked at, and nothing changed, when any store is of a newer version: the rest belongs to it. */
  private async checkVersions(db: Database): Promise<void> {
    const stored: unknown = await db.get('meta', VERSIONS)
    const versions = readVersions(stored)
    const newer = newerStore(versions)
    if (newer !== undefined) {
      this.o.log.write('error', 'storage.newer-version', { store: newer, version: versions[newer] })
      throw new StorageError('newer-version', NEWER_VERSION)
    }
    if (stored === undefined) await db.put('meta', writeVersions(SCHEMA_VERSIONS), VERSIONS)
  }

  private async sealRow(names: Uint8Array, store: StoreName, { key, value }: Plain): Promise<Row> {
    const id = idOf(names, store, key)
    return { store, id, sealed: await this.o.seal(contextOf(store, id), pack(key, value)) }
  }

  /** undefined, and a line in the log, for a damaged record */
  private async openRow({ store, id, sealed }: Row): Promise<Plain | undefined> {
    const plain = await this.unseal(contextOf(store, id), sealed)
    const record = plain && unpack(plain)
    if (!record)
      this.o.log.write('error', 'storage.damaged', {
        store,
        id: id.slice(0, 8),
        bytes: sealed instanceof Uint8Array ? sealed.length : -1,
      })
    return record
  }

  private async unseal(context: string, sealed: unknown): Promise<Uint8Array | undefined> {
    if (!(sealed instanceof Uint8Array)) return undefined
    const opened = await this.o.open(context, sealed)
    if (opened.ok) return opened.value
    const { code } = opened.error
    if (code === 'locked') throw new StorageError('locked', 'the vault is locked')
    if (code === 'storage-failed') throw new StorageError('failed', 'the vault could not open a record')
    return undefined
  }

  /** The key of the record names; made with the database, remade (with all names) when it is damaged. */
  private async loadNameKey(db: Database): Promise<Uint8Array> {
    for (;;) {
      const stored: unknown = await db.get('meta', NAMES)
      const known = stored === undefined ? undefined : await this.unseal(NAMES, stored)
      if (known?.length === NAME_KEY_BYTES) return known
      const names = crypto.getRandomValues(new Uint8Array(NAME_KEY_BYTES))
      const sealed = await this.o.seal(NAMES, names)
      const rows = await readRows(db, STORES)
      const moved = await Promise.all(
        rows.map(async row => {
          const plain = await this.openRow(row)
          return plain ? { from: row, to: await this.sealRow(names, row.store, plain) } : undefined
        }),
      )
      const tx = db.transaction([...STORES, 'meta'], 'readwrite', { durability: 'strict' })
      const now: unknown = await tx.objectStore('meta').get(NAMES)
      // Another instance was faster: take its key.
      if (!same(now, stored)) {
        await tx.done
        continue
      }
      for (const move of moved) {
        if (!move) continue
        void tx.objectStore(move.from.store).delete(move.from.id)
        void tx.objectStore(move.to.store).put(move.to.sealed, move.to.id)
      }
      void tx.objectStore('meta').put(sealed, NAMES)
      await tx.done
      if (stored !== undefined) this.o.log.write('error', 'storage.names-damaged', { records: moved.length })
      return names
    }
  }
}

const contextOf = (store: StoreName, id: string): string => `record/${store}/${id}`
const idOf = (names: Uint8Array, store: StoreName, key: string): string =>
  toHex(hmac(sha256, names, utf8ToBytes(`${store}/${key}`)))

async function readRows(db: Database, stores: readonly StoreName[]): Promise<Row[]> {
  const tx = db.transaction(stores, 'readonly')
  const lists = await Promise.all(
    stores.map(async store => {
      const [ids, values] = await Promise.all([tx.objectStore(store).getAllKeys(), tx.objectStore(store).getAll()])
      return ids.flatMap((id, i) => {
        const sealed = values[i]
        return sealed === undefined ? [] : [{ store, id, sealed }]
      })
    }),
  )
  return lists.flat()
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b))

/** Two bytes of length, the key in UTF-8, the value. */
function pack(key: string, value: Uint8Array): Uint8Array {
  const name = utf8ToBytes(key)
  if (name.length > 0xffff) throw new StorageError('failed', 'a key is too long')
  return concatBytes(Uint8Array.of(name.length >> 8, name.length & 0xff), name, value)
}

function unpack(plain: Uint8Array): Plain | undefined {
  const [high, low] = plain
  if (high === undefined || low === undefined) return undefined
  const end = 2 + high * 256 + low
  return end > plain.length
    ? undefined
    : { key: new TextDecoder().decode(plain.subarray(2, end)), value: plain.slice(end) }
}

function typed(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const { name, message } = error instanceof Error ? error : { name: '', message: 'the database failed' }
  // the database itself was made by a newer version of the app
  if (name === 'VersionError') return new StorageError('newer-version', NEWER_VERSION, error)
  const code = name === 'QuotaExceededError' ? 'full' : name === 'VaultLocked' ? 'locked' : 'failed'
  return new StorageError(code, message, error)
}
