import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { persistStorage } from '../../../services/adapters/indexeddb'
import { toHex, utf8ToBytes } from '../../../services/core/domain/bytes'
import { NEWER_VERSION, SCHEMA_VERSIONS, STORES } from '../../../services/ports/storage'
import { createRig, type IndexedDbRig } from './harness'

const bytes = (text: string): Uint8Array => new Uint8Array(utf8ToBytes(text))
const WALLET = 'c0ffee'.padEnd(64, '0')
const SECRET = 'abandon abandon ability'

let rig: IndexedDbRig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

describe('on disk', () => {
  it('neither values nor keys are to be read, and equal keys of two profiles have different names', async () => {
    for (const profile of ['p1', 'p2']) await rig.storage(profile).put('wallets', WALLET, bytes(SECRET))
    const [one, two] = [await rig.raw('p1'), await rig.raw('p2')]
    const dump = [...one, ...two].map(row => `${row.store} ${row.id} ${toHex(row.value as Uint8Array)}`).join('\n')
    for (const planted of [WALLET, SECRET]) {
      expect(dump).not.toContain(planted)
      expect(dump).not.toContain(toHex(bytes(planted)))
    }
    const idIn = (rows: typeof one): string | undefined => rows.find(row => row.store === 'wallets')?.id
    expect(idIn(one)).toMatch(/^[0-9a-f]{64}$/)
    expect(idIn(one)).not.toBe(idIn(two))
  })

  it('a database of an older version gets what it lacks and keeps what it has', async () => {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open('tandem-old', 1)
      request.onupgradeneeded = () => {
        for (const store of [...STORES.filter(s => s !== 'transcripts'), 'meta'])
          request.result.createObjectStore(store)
      }
      request.onerror = () => reject(request.error ?? new Error('open'))
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    const storage = rig.storage('old')
    await storage.put('transcripts', 'a', bytes('said'))
    await storage.put('sessions', 'a', bytes('kept'))
    expect(await storage.get('transcripts', 'a')).toEqual(bytes('said'))
    expect(await storage.get('sessions', 'a')).toEqual(bytes('kept'))
  })

  it('a write of several is not there at all when one of it fails', async () => {
    const storage = rig.storage()
    await storage.put('sessions', 'a', bytes('old'))
    const writes = [
      { store: 'sessions' as const, key: 'a', value: bytes('new') },
      { store: 'wallets' as const, key: 'k'.repeat(70_000), value: bytes('x') },
    ]
    await expect(storage.putAll(writes)).rejects.toMatchObject({ name: 'StorageError', code: 'failed' })
    expect(await storage.get('sessions', 'a')).toEqual(bytes('old'))
  })
})

describe('what another version of the app has stored', () => {
  const NEWER = { name: 'StorageError', code: 'newer-version', message: NEWER_VERSION }
  async function stored(versions: unknown): Promise<void> {
    const storage = rig.storage()
    await storage.put('wallets', 'a', bytes('A'))
    await storage.close()
    await rig.write('meta', 'versions', versions)
  }
  const onDisk = async (): Promise<string> =>
    (await rig.raw()).map(row => `${row.store} ${row.id} ${toHex(row.value as Uint8Array)}`).join('\n')
  const told = (versions: unknown): Uint8Array => bytes(JSON.stringify(versions))

  it('is left alone when one store is newer: no call reads, writes or deletes, in any store', async () => {
    await stored(told({ ...SCHEMA_VERSIONS, sessions: SCHEMA_VERSIONS.sessions + 1 }))
    const before = await onDisk()
    const storage = rig.storage()
    await expect(storage.get('wallets', 'a')).rejects.toMatchObject(NEWER)
    await expect(storage.all('sessions')).rejects.toMatchObject(NEWER)
    await expect(storage.put('wallets', 'b', bytes('B'))).rejects.toMatchObject(NEWER)
    await expect(storage.delete('wallets', 'a')).rejects.toMatchObject(NEWER)
    expect(await onDisk()).toBe(before)
    expect(rig.log.entries[0]).toMatchObject({
      event: 'storage.newer-version',
      fields: { store: 'sessions', version: SCHEMA_VERSIONS.sessions + 1 },
    })
  })

  it('is left alone when the database itself is newer', async () => {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open('tandem-p1', 1_000)
      request.onupgradeneeded = () => request.result.createObjectStore('wallets')
      request.onerror = () => reject(request.error ?? new Error('open'))
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    await expect(rig.storage().get('wallets', 'a')).rejects.toMatchObject(NEWER)
    expect(await rig.raw()).toEqual([])
  })

  it.each<[string, unknown]>([
    ['no versions, as before there were any', undefined],
    ['versions that cannot be read', bytes('{')],
    ['a version that is none', told({ wallets: 'x', sessions: -1, drafts: 0.5 })],
    ['fewer stores', told({ wallets: 1 })],
    ['no bytes', 7],
  ])('opens as the first version: %s', async (_, versions) => {
    await stored(versions)
    const storage = rig.storage()
    expect(await storage.get('wallets', 'a')).toEqual(bytes('A'))
    await storage.put('wallets', 'b', bytes('B'))
    expect(await storage.all('wallets')).toHaveLength(2)
  })

  it('is told apart from now on', async () => {
    await rig.storage().put('wallets', 'a', bytes('A'))
    const row = (await rig.raw()).find(({ id }) => id === 'versions')
    expect(JSON.parse(new TextDecoder().decode(row?.value as Uint8Array))).toEqual(SCHEMA_VERSIONS)
    expect(Object.keys(SCHEMA_VERSIONS).sort()).toEqual([...STORES].sort())
  })
})

describe('damage', () => {
  async function two(): Promise<{
    damaged: { store: string; id: string; value: Uint8Array }
    storage: ReturnType<IndexedDbRig['storage']>
  }> {
    const storage = rig.storage()
    await storage.put('wallets', 'a', bytes('A'))
    const [row] = (await rig.raw()).filter(r => r.store === 'wallets')
    await storage.put('wallets', 'b', bytes('B'))
    return { storage, damaged: row as { store: string; id: string; value: Uint8Array } }
  }

  it.each<[string, (value: Uint8Array) => unknown]>([
    ['a changed byte', v => v.map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
    ['a cut', v => v.slice(0, 10)],
    ['nothing', () => new Uint8Array()],
    ['no bytes', () => ({ a: 1 })],
    ['text', () => 'x'],
  ])('%s: the record is logged and left out, the others stay', async (_name, change) => {
    const { storage, damaged } = await two()
    await rig.write(damaged.store, damaged.id, change(damaged.value))
    expect(await storage.get('wallets', 'a')).toBeUndefined()
    expect(await storage.all('wallets')).toEqual([{ key: 'b', value: bytes('B') }])
    expect(rig.log.events()).toContain('storage.damaged')
    expect(JSON.stringify(rig.log.entries)).not.toContain(damaged.id)
    await storage.put('wallets', 'a', bytes('A2'))
    expect(await storage.get('wallets', 'a')).toEqual(bytes('A2'))
  })

  it('a record in the place of another, or of another store, does not open', async () => {
    const { storage, damaged } = await two()
    const other = (await rig.raw()).find(r => r.store === 'wallets' && r.id !== damaged.id)
    await rig.write('wallets', other?.id ?? '', damaged.value)
    await rig.write('sessions', damaged.id, damaged.value)
    expect(await storage.all('wallets')).toEqual([{ key: 'a', value: bytes('A') }])
    expect(await storage.all('sessions')).toEqual([])
  })

  it.each<[string, unknown]>([
    ['damaged', new Uint8Array(60)],
    ['no bytes', 5],
  ])('the name key is %s: every record is found again under a new one', async (_name, value) => {
    const { storage } = await two()
    await storage.put('settings', 's', bytes('S'))
    await storage.close()
    const before = (await rig.raw()).filter(r => r.store === 'wallets').map(r => r.id)
    await rig.write('meta', 'names', value)
    const again = rig.storage()
    expect(await again.get('wallets', 'a')).toEqual(bytes('A'))
    expect(await again.get('settings', 's')).toEqual(bytes('S'))
    expect(await again.all('wallets')).toHaveLength(2)
    expect((await rig.raw()).filter(r => r.store === 'wallets').map(r => r.id)).not.toEqual(before)
    expect(rig.log.events()).toContain('storage.names-damaged')
  })
})

describe('place', () => {
  it('a locked vault rejects as locked and harms nothing', async () => {
    const storage = rig.storage()
    await storage.put('wallets', 'a', bytes('A'))
    rig.sealer.locked = true
    await expect(storage.get('wallets', 'a')).rejects.toMatchObject({ name: 'StorageError', code: 'locked' })
    await expect(storage.all('wallets')).rejects.toMatchObject({ code: 'locked' })
    await expect(storage.put('wallets', 'a', bytes('B'))).rejects.toMatchObject({ code: 'locked' })
    // also at the very first call, which needs the name key
    await expect(rig.storage().get('wallets', 'a')).rejects.toMatchObject({ code: 'locked' })
    rig.sealer.locked = false
    expect(await storage.get('wallets', 'a')).toEqual(bytes('A'))
    expect(rig.log.entries).toEqual([])
  })

  it('a full disk rejects as full, and later writes go on', async () => {
    const storage = rig.storage()
    await storage.put('wallets', 'a', bytes('A'))
    const original = IDBObjectStore.prototype.put
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('no space', 'QuotaExceededError')
    }
    try {
      await expect(storage.put('wallets', 'a', bytes('B'))).rejects.toMatchObject({ code: 'full' })
    } finally {
      IDBObjectStore.prototype.put = original
    }
    expect(await storage.get('wallets', 'a')).toEqual(bytes('A'))
    await storage.put('wallets', 'a', bytes('C'))
    expect(await storage.get('wallets', 'a')).toEqual(bytes('C'))
  })

  it('two instances that start at once agree on the names', async () => {
    const [one, two] = [rig.storage(), rig.storage()]
    await Promise.all([one.put('wallets', 'a', bytes('A')), two.put('wallets', 'b', bytes('B'))])
    expect(await one.get('wallets', 'b')).toEqual(bytes('B'))
    expect(await two.get('wallets', 'a')).toEqual(bytes('A'))
  })

  it('close finishes what was asked, then refuses', async () => {
    const storage = rig.storage()
    const written = storage.put('wallets', 'a', bytes('A'))
    await storage.close()
    await written
    await expect(storage.get('wallets', 'a')).rejects.toMatchObject({ code: 'closed' })
    expect(await rig.storage().get('wallets', 'a')).toEqual(bytes('A'))
  })

  it('steps aside when another tab removes the profile, and does not bring it back', async () => {
    const storage = rig.storage()
    await storage.put('wallets', 'a', bytes('A'))
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('tandem-p1')
      request.onsuccess = () => resolve()
      request.onerror = () => reject(request.error ?? new Error('not deleted'))
    })
    await expect(storage.put('wallets', 'a', bytes('A'))).rejects.toMatchObject({ code: 'closed' })
    expect((await indexedDB.databases()).map(db => db.name)).not.toContain('tandem-p1')
  })
})

describe('persistence', () => {
  it('asks only when it is not granted yet, and never throws', async () => {
    const manager = (
      persisted: boolean,
      persist: () => Promise<boolean>,
    ): Pick<StorageManager, 'persist' | 'persisted'> => ({ persisted: async () => persisted, persist })
    expect(await persistStorage(manager(true, () => Promise.reject(new Error('asked'))))).toBe('granted')
    expect(await persistStorage(manager(false, async () => true))).toBe('granted')
    expect(await persistStorage(manager(false, async () => false))).toBe('denied')
    expect(await persistStorage(manager(false, () => Promise.reject(new Error('no'))))).toBe('denied')
    expect(await persistStorage(undefined)).toBe('unsupported')
  })
})
