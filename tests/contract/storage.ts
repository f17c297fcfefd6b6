import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8ToBytes } from '../../services/core/domain/bytes'
import { STORES, type Storage } from '../../services/ports/storage'

export interface StorageHarness {
  readonly storage: Storage
  /** a second storage over the same data, as after a reload; undefined where nothing is kept */
  reopen?(): Promise<Storage>
  /** the storage of another profile in the same browser */
  other?(): Promise<Storage>
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new Uint8Array(utf8ToBytes(text))

/** What every implementation of the Storage port does. */
export function storageSuite(name: string, make: () => Promise<StorageHarness>): void {
  describe(`storage: ${name}`, () => {
    let harness: StorageHarness
    let storage: Storage
    beforeEach(async () => {
      harness = await make()
      storage = harness.storage
    })
    afterEach(() => harness.close())

    it('gives back what was put, in every store, and nothing that was not', async () => {
      for (const store of STORES) await storage.put(store, 'k', bytes(store))
      for (const store of STORES) expect(await storage.get(store, 'k')).toEqual(bytes(store))
      expect(await storage.get('wallets', 'K')).toBeUndefined()
      expect(await storage.get('wallets', '')).toBeUndefined()
    })

    it('takes empty values, long ones, and keys of any text', async () => {
      const long = new Uint8Array(300_000).map((_, i) => i * 7)
      const keys = ['', ' ', 'ключ/🔑', 'a'.repeat(1_000), 'settings/k', '__proto__']
      for (const key of keys) await storage.put('settings', key, bytes(`v${key}`))
      await storage.put('chain', 'long', long)
      await storage.put('chain', 'empty', new Uint8Array())
      for (const key of keys) expect(await storage.get('settings', key)).toEqual(bytes(`v${key}`))
      expect(await storage.get('chain', 'long')).toEqual(long)
      expect(await storage.get('chain', 'empty')).toEqual(new Uint8Array())
    })

    it('replaces and deletes; deleting what is not there is fine', async () => {
      await storage.put('peers', 'a', bytes('1'))
      await storage.put('peers', 'a', bytes('2'))
      expect(await storage.get('peers', 'a')).toEqual(bytes('2'))
      await storage.delete('peers', 'a')
      await storage.delete('peers', 'a')
      expect(await storage.get('peers', 'a')).toBeUndefined()
      expect(await storage.all('peers')).toEqual([])
    })

    it('lists one store in the order of the keys', async () => {
      for (const key of ['b', 'a', 'B', '10', '9', 'é']) await storage.put('sessions', key, bytes(key))
      await storage.put('drafts', 'z', bytes('z'))
      expect(await storage.all('sessions')).toEqual(
        ['10', '9', 'B', 'a', 'b', 'é'].map(key => ({ key, value: bytes(key) })),
      )
    })

    it('keeps and gives copies', async () => {
      const mine = bytes('abc')
      const putting = storage.put('wallets', 'k', mine)
      mine.fill(0)
      await putting
      const got = await storage.get('wallets', 'k')
      expect(got).toEqual(bytes('abc'))
      got?.fill(1)
      expect(await storage.get('wallets', 'k')).toEqual(bytes('abc'))
    })

    it('writes several things over several stores, the later of one key last', async () => {
      await storage.put('drafts', 'd', bytes('old'))
      await storage.putAll([
        { store: 'drafts', key: 'd', value: undefined },
        { store: 'wallets', key: 'w', value: bytes('first') },
        { store: 'wallets', key: 'w', value: bytes('second') },
      ])
      await storage.putAll([])
      expect(await storage.get('drafts', 'd')).toBeUndefined()
      expect(await storage.get('wallets', 'w')).toEqual(bytes('second'))
    })

    it('does things in the order in which they were asked, without waiting in between', async () => {
      const steps = Array.from({ length: 30 }, (_, i) =>
        storage.put('chain', 'k', bytes(`${i}`.padEnd(i % 2 === 0 ? 5_000 : 1))),
      )
      const seen = storage.get('chain', 'k')
      const gone = storage.delete('chain', 'k')
      const after = storage.get('chain', 'k')
      await Promise.all([...steps, gone])
      expect(await seen).toEqual(bytes('29'.padEnd(1)))
      expect(await after).toBeUndefined()
    })

    it('is there after a reload', async () => {
      if (!harness.reopen) return
      await storage.put('wallets', 'k', bytes('v'))
      const again = await harness.reopen()
      expect(await again.get('wallets', 'k')).toEqual(bytes('v'))
      expect(await again.all('wallets')).toEqual([{ key: 'k', value: bytes('v') }])
    })

    it('profiles do not see each other', async () => {
      if (!harness.other) return
      await storage.put('wallets', 'k', bytes('v'))
      const other = await harness.other()
      expect(await other.get('wallets', 'k')).toBeUndefined()
      await other.put('wallets', 'k', bytes('theirs'))
      expect(await storage.all('wallets')).toEqual([{ key: 'k', value: bytes('v') }])
    })
  })
}
