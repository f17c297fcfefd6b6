import { createFakeStorage } from '../fakes/storage'
import { createRig } from '../unit/indexeddb/harness'
import { storageSuite } from './storage'

storageSuite('memory', async () => ({
  storage: createFakeStorage(),
  other: async () => createFakeStorage(),
  close: async () => undefined,
}))

storageSuite('IndexedDB, sealed with AES-GCM', async () => {
  const rig = await createRig()
  return {
    storage: rig.storage(),
    reopen: async () => rig.storage(),
    other: async () => rig.storage('p2'),
    close: () => rig.close(),
  }
})
