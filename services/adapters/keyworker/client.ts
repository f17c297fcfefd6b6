import type { Aggregator, Signer } from '../../ports/signer'
import { connectVault } from './rpc'

/** Starts the key worker; its secrets never enter this thread (except the peer key, see the port). One per page. */
export function createKeyworker(): Signer & Aggregator {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'tandem-keys' })
  const { vault, crashed } = connectVault(worker)
  worker.addEventListener('error', () => crashed('the key worker failed'))
  worker.addEventListener('messageerror', () => crashed('the key worker sent something unreadable'))
  return vault
}
