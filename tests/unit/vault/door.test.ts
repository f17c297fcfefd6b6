import { describe, expect, it } from 'vitest'
import { createVault } from '../../../services/vault'
import type { Signer } from '../../../services/ports/signer'

/** A signer that can be locked from outside, as another tab does, and a profile whose parts are slow to build. */
function set() {
  let lock: (reason: 'user' | 'takeover') => void = () => {}
  let built: (error?: Error) => void = () => {}
  const closed: string[] = []
  let locks = 0
  const signer = {
    unlock: async () => ({
      ok: true,
      value: { id: 'p', name: 'Anna', createdAt: 0, wordsChecked: true, peerKey: new Uint8Array(32) },
    }),
    lock: async () => {
      locks++
      lock('user')
    },
    onLocked: (listener: (reason: 'user' | 'takeover') => void) => {
      lock = listener
      return () => {}
    },
  } as unknown as Signer
  const vault = createVault({
    signer,
    opened: () =>
      new Promise((resolve, reject) => {
        built = error => (error === undefined ? resolve() : reject(error))
      }),
    closed: async reason => {
      closed.push(reason)
    },
  })
  const unlock = async () => {
    const result = vault.unlock({ profileId: 'p', password: 'x', takeover: false })
    await Promise.resolve()
    await Promise.resolve()
    return { result }
  }
  return {
    vault,
    unlock,
    lock: (reason: 'user' | 'takeover') => {
      lock(reason)
    },
    build: (error?: Error) => {
      built(error)
    },
    closed,
    locks: () => locks,
  }
}

describe('the vault door', () => {
  it('closes what was being built when another tab took the profile meanwhile', async () => {
    const s = set()
    const { result } = await s.unlock()
    s.lock('takeover')
    s.build()
    expect(await result).toEqual({ ok: false, error: { code: 'locked' } })
    expect(s.closed).toEqual(['takeover'])
  })

  it('hands out no peer key, and closes once', async () => {
    const s = set()
    const { result } = await s.unlock()
    s.build()
    expect(await result).toEqual({ ok: true, value: { id: 'p', name: 'Anna', createdAt: 0, wordsChecked: true } })
    s.lock('takeover')
    s.lock('takeover')
    await Promise.resolve()
    expect(s.closed).toEqual(['takeover'])
  })

  it('locks again when the profile cannot be built', async () => {
    const s = set()
    const { result } = await s.unlock()
    s.build(new Error('no database'))
    await expect(result).rejects.toThrow('no database')
    expect(s.locks()).toBe(1)
    expect(s.closed).toEqual([])
  })

  it('locks again, and says so, when a newer version of the app has stored the profile', async () => {
    const s = set()
    const { result } = await s.unlock()
    s.build(Object.assign(new Error('newer'), { name: 'StorageError', code: 'newer-version' }))
    expect(await result).toEqual({ ok: false, error: { code: 'newer-version' } })
    expect([s.locks(), s.closed]).toEqual([1, []])
  })
})
