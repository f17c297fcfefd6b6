/** The worker's own platform: Argon2id, Web Locks, random bytes, time. */
import { argon2id } from 'hash-wasm'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { LockPort, PasswordHash } from './ports'

export const hashPassword: PasswordHash = (password, salt, cost) =>
  argon2id({
    password,
    salt,
    memorySize: cost.memoryKiB,
    iterations: cost.iterations,
    parallelism: cost.parallelism,
    hashLength: 32,
    outputType: 'binary',
  })

/** crypto.getRandomValues gives at most 65 536 bytes a call; nothing here asks for more than 32. */
export const workerEntropy: Entropy = { bytes: length => crypto.getRandomValues(new Uint8Array(length)) }

export const workerClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** Web Locks: held by this worker until released or stolen, and let go by the browser when the tab dies. */
export function createWebLocks(locks: Pick<LockManager, 'request'>): LockPort {
  return {
    acquire(name, steal, onLost) {
      return new Promise(resolve => {
        let release = (): void => {}
        let held = false
        let released = false
        const request = locks.request(name, steal ? { steal: true } : { ifAvailable: true }, lock => {
          if (lock === null) {
            resolve(undefined)
            return undefined
          }
          held = true
          const done = new Promise<void>(end => {
            release = end
          })
          resolve(() => {
            released = true
            release()
          })
          return done
        })
        // a steal rejects the holder's request with AbortError
        request.catch(() => {
          if (!held) resolve(undefined)
          else if (!released) onLost()
        })
      })
    },
  }
}
