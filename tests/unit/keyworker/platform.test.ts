import { describe, expect, it } from 'vitest'
import { argon2id } from '@noble/hashes/argon2.js'
import { createWebLocks, hashPassword, workerClock, workerEntropy } from '../../../services/adapters/keyworker/platform'
import { isSaneCost, PASSWORD_COST } from '../../../services/adapters/keyworker/seal'
import { createVault } from '../../../services/adapters/keyworker/vault'
import { connectVault, type RpcPort } from '../../../services/adapters/keyworker/rpc'
import { utf8ToBytes } from '../../../services/core/domain/bytes'
import { createFakeLockManager } from '../../fakes/lock-manager'
import { createMemoryLocks, createMemoryVaultStore, TEST_WORDS } from '../../fakes/vault'
import { must } from '../../support/signing'

describe('password hash', () => {
  it('is Argon2id, as another implementation computes it', async () => {
    const salt = new Uint8Array(16).fill(5)
    const cost = { memoryKiB: 64, iterations: 3, parallelism: 1 }
    expect(await hashPassword('pässword', salt, cost)).toEqual(
      argon2id(utf8ToBytes('pässword'), salt, { t: 3, m: 64, p: 1, dkLen: 32 }),
    )
  })

  it('costs at least 64 MiB and three passes; a record that says otherwise is refused', async () => {
    expect(PASSWORD_COST.memoryKiB).toBeGreaterThanOrEqual(65_536)
    expect(PASSWORD_COST.iterations).toBeGreaterThanOrEqual(3)
    expect(isSaneCost(PASSWORD_COST)).toBe(true)
    for (const change of [
      { memoryKiB: 1024 },
      { memoryKiB: 2 ** 30 },
      { iterations: 1 },
      { iterations: 10_000 },
      { parallelism: 2 },
      { memoryKiB: Number.NaN },
    ])
      expect(isSaneCost({ ...PASSWORD_COST, ...change })).toBe(false)
    const store = createMemoryVaultStore()
    const vault = createVault({
      store,
      locks: createMemoryLocks(),
      hash: hashPassword,
      entropy: workerEntropy,
      clock: workerClock,
    })
    const { id } = must(
      await vault.createProfile({ name: 'A', words: TEST_WORDS[0], password: 'a real password', wordsChecked: true }),
    )
    expect(await vault.unlock({ profileId: id, password: 'a real passwort', takeover: false })).toEqual({
      ok: false,
      error: { code: 'wrong-password' },
    })
    expect((await vault.unlock({ profileId: id, password: 'a real password', takeover: false })).ok).toBe(true)
    await vault.lock()
    const record = (await store.profile(id))!
    await store.putProfile({ ...record, cost: { ...record.cost, memoryKiB: 8 } })
    expect(await vault.unlock({ profileId: id, password: 'a real password', takeover: false })).toEqual({
      ok: false,
      error: { code: 'storage-failed' },
    })
  })
})

describe('Web Locks', () => {
  it('one holder; a steal tells the loser once; a release tells nobody', async () => {
    const locks = createWebLocks(createFakeLockManager())
    const lost: string[] = []
    const first = await locks.acquire('a', false, () => lost.push('first'))
    expect(await locks.acquire('a', false, () => lost.push('never'))).toBeUndefined()
    const second = await locks.acquire('a', true, () => lost.push('second'))
    await expect.poll(() => lost).toEqual(['first'])
    first!()
    expect(await locks.acquire('a', false, () => {}), 'a late release by the loser frees nothing').toBeUndefined()
    second!()
    await expect
      .poll(async () => {
        const again = await locks.acquire('a', false, () => {})
        again?.()
        return again !== undefined
      })
      .toBe(true)
    expect(lost).toEqual(['first'])
  })
})

describe('a worker that fails', () => {
  it('ends every call with its typed failure, and says that everything is locked', async () => {
    const port: RpcPort = { postMessage() {}, addEventListener() {} }
    const { vault, crashed } = connectVault(port)
    const reasons: string[] = []
    vault.onLocked(reason => reasons.push(reason))
    const wallet = { network: 'regtest', descriptor: '' } as const
    const open = [
      vault.revealWords('x'),
      vault.retract('x').catch((error: unknown) => String(error)),
      vault.verifyStatement({ type: 'confirm', walletId: '', accountKey: '', safetyHash: '' }, ''),
      vault.aggregateNonces(wallet, []),
    ]
    crashed('gone')
    expect(await Promise.all(open)).toEqual([
      { ok: false, error: { code: 'storage-failed' } },
      'Error: gone',
      false,
      { ok: false, error: { member: undefined, input: 0 } },
    ])
    expect(await vault.signMessage(wallet, '', undefined, { type: 'cancel', reason: '' })).toEqual({
      ok: false,
      error: { code: 'locked', detail: 'gone' },
    })
    expect(reasons).toEqual(['user'])
  })
})
