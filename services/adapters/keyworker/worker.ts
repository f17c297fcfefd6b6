/** Entry of the key worker. The vault's modules are fetched on the first call. */
import { serveVault } from './rpc'

serveVault(globalThis as unknown as Parameters<typeof serveVault>[0], async () => {
  const [{ createVault }, { createVaultStore }, { createWebLocks, hashPassword, workerClock, workerEntropy }] = await Promise.all([
    import('./vault'), import('./store'), import('./platform'),
  ])
  return createVault({ store: createVaultStore(), locks: createWebLocks(navigator.locks), hash: hashPassword, entropy: workerEntropy, clock: workerClock })
})
