import 'fake-indexeddb/auto'
import { randomBytes } from 'node:crypto'
import { createVault } from '../../services/adapters/keyworker/vault'
import { createWebLocks, workerClock, workerEntropy } from '../../services/adapters/keyworker/platform'
import type { VaultStore } from '../../services/adapters/keyworker/ports'
import { listProfiles } from '../../services/adapters/keyworker/profile-list'
import { connectVault, serveVault, type RpcPort } from '../../services/adapters/keyworker/rpc'
import { createVaultStore } from '../../services/adapters/keyworker/store'
import { cheapHash, createMemoryLocks, createMemoryVaultStore, createTestVault } from '../fakes/vault'
import { createFakeLockManager } from '../fakes/lock-manager'
import { signerContract } from './signer'

const asText = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item,
  )

async function tamper(store: VaultStore, id: string): Promise<void> {
  const record = (await store.profile(id))!
  const seed = record.seed.slice()
  seed[20]! ^= 1
  await store.putProfile({ ...record, seed })
}

signerContract('in-process, memory', async () => {
  const store = createMemoryVaultStore()
  const locks = createMemoryLocks()
  let tabs = 0
  return {
    tab: () => createTestVault({ store, locks, seed: `tab ${tabs++}` }).vault,
    written: async () => asText(store.writes),
    tamper: id => tamper(store, id),
  }
})

/** Two ends of the worker boundary: messages are structured clones, as between threads, delivered in a later turn. */
function portPair(): [RpcPort, RpcPort] {
  const ends = [0, 1].map(() => new Set<(event: { data: unknown }) => void>())
  return [0, 1].map((side): RpcPort => ({
    postMessage(message) {
      const data: unknown = structuredClone(message)
      setImmediate(() => {
        for (const listener of ends[1 - side]!) listener({ data })
      })
    },
    addEventListener: (_type, listener) => void ends[side]!.add(listener),
  })) as [RpcPort, RpcPort]
}

signerContract("behind the worker's messages, IndexedDB and Web Locks", async () => {
  const name = `vault-${randomBytes(4).toString('hex')}`
  const manager = createFakeLockManager()
  const store = createVaultStore(name)
  return {
    tab() {
      const [inside, outside] = portPair()
      serveVault(
        inside,
        async () =>
          createVault({
            store: createVaultStore(name),
            locks: createWebLocks(manager),
            hash: cheapHash,
            entropy: workerEntropy,
            clock: workerClock,
          }),
        { profiles: () => listProfiles(store) },
      )
      return connectVault(outside).vault
    },
    written: async () => asText(await store.profiles()),
    tamper: id => tamper(store, id),
  }
})
