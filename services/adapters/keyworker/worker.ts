/**
 * Entry of the key worker. It lists profiles by itself; the vault's modules are fetched by the first call that needs
 * them.
 */
import { listProfiles } from './profile-list'
import { serveVault } from './rpc'
import { createVaultStore } from './store'

const store = createVaultStore()

serveVault(
  globalThis as unknown as Parameters<typeof serveVault>[0],
  async () => {
    const [{ createVault }, { createWebLocks, hashPassword, workerClock, workerEntropy }] = await Promise.all([
      import('./vault'),
      import('./platform'),
    ])
    return createVault({
      store,
      locks: createWebLocks(navigator.locks),
      hash: hashPassword,
      entropy: workerEntropy,
      clock: workerClock,
    })
  },
  { profiles: () => listProfiles(store) },
)
