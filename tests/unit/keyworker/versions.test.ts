import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVaultStore } from '../../../services/adapters/keyworker/store'
import { createVault } from '../../../services/adapters/keyworker/vault'
import { createFakeEntropy } from '../../fakes/entropy'
import { FakeClock } from '../../fakes/clock'
import { cheapHash, createMemoryLocks, createMemoryVaultStore, TEST_PASSWORD, unlockedVault } from '../../fakes/vault'

const NEWER = { ok: false, error: { code: 'newer-version' } }
const vaultOver = (store: ReturnType<typeof createVaultStore>) =>
  createVault({
    store,
    locks: createMemoryLocks(),
    hash: cheapHash,
    entropy: createFakeEntropy('x'),
    clock: new FakeClock(),
  })

describe('a profile of a newer version of the app', () => {
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory()
  })

  it('is still listed, does not open, and is not changed', async () => {
    const store = createMemoryVaultStore()
    const { vault, profile } = await unlockedVault(0, { store })
    await vault.lock()
    const newer = { ...(await store.profile(profile.id))!, version: 2, more: 'x' }
    await store.putProfile(newer as never)
    const writes = store.writes.length
    const again = vaultOver(store)
    expect((await again.profiles()).map(p => p.id)).toEqual([profile.id])
    expect(await again.unlock({ profileId: profile.id, password: TEST_PASSWORD, takeover: false })).toEqual(NEWER)
    expect(await again.unlock({ profileId: profile.id, password: 'wrong', takeover: true })).toEqual(NEWER)
    expect(store.writes.length).toBe(writes)
  })

  it('does not open when the database itself is newer', async () => {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open('tandem-vault', 1_000)
      request.onupgradeneeded = () => request.result.createObjectStore('profiles', { keyPath: 'id' })
      request.onerror = () => reject(request.error ?? new Error('open'))
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    const vault = vaultOver(createVaultStore())
    expect(await vault.unlock({ profileId: '00', password: TEST_PASSWORD, takeover: false })).toEqual(NEWER)
  })
})
