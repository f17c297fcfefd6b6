import { describe, expect, it } from 'vitest'
import { createWalletScripts } from '../../../services/core/crypto/wallet-scripts'
import { toHex } from '../../../services/core/domain/bytes'
import type { ScriptPlace } from '../../../services/core/domain/ids'
import { wallet } from '../../fakes/spend-wallet'

const receive = (...indices: number[]): ScriptPlace[] => indices.map(index => ({ branch: 0, index }))

/** Over a worker whose answers come when `answer` is called, or at once. */
function table(held = false) {
  const asked: ScriptPlace[][] = []
  const waiting: Array<() => void> = []
  const scripts = createWalletScripts({
    network: 'regtest',
    descriptor: wallet.descriptor,
    members: wallet.members.map(({ accountKey, origin, xpub }) => ({ accountKey, origin, xpub })),
    async derive(places) {
      asked.push([...places])
      if (held)
        await new Promise<void>(resolve => {
          waiting.push(resolve)
        })
      return places.map(({ branch, index }) => wallet.output(branch, index)?.script)
    },
  })
  return { scripts, asked, answer: () => waiting.shift()?.() }
}

describe('the scripts of a wallet that are derived elsewhere', () => {
  it('are those of the wallet, and so are its members and its id', async () => {
    const { scripts } = table()
    const { id, network, descriptor, members } = scripts
    expect({ id, network, descriptor, members }).toEqual({
      id: wallet.id,
      network: wallet.network,
      descriptor: wallet.descriptor,
      members: wallet.members,
    })
    const known = await scripts.at([...receive(0, 7), { branch: 1, index: 3 }])
    for (const [branch, index] of [
      [0, 0],
      [0, 7],
      [1, 3],
    ] as const) {
      const { script, address } = wallet.output(branch, index)!
      expect(known.output(branch, index)).toEqual({ script, address })
    }
  })

  it('are asked for once, however often a place is named', async () => {
    const { scripts, asked } = table()
    await scripts.at(receive(1, 1, 2))
    await scripts.at(receive(2, 1, 3))
    expect(asked).toEqual([receive(1, 2), receive(3)])
    await scripts.at([])
    expect(asked).toHaveLength(2)
  })

  it('come in parts, so that a signature never waits for many', async () => {
    const { scripts, asked, answer } = table(true)
    const known = scripts.at(receive(...Array.from({ length: 70 }, (_, i) => i)))
    for (const expected of [32, 32, 6]) {
      await expect.poll(() => asked.at(-1)?.length).toBe(expected)
      answer()
    }
    expect(toHex((await known).output(0, 69)!.script)).toBe(toHex(wallet.output(0, 69)!.script))
  })

  it('that do not exist are none; what was not asked for is a mistake and no verdict on anybody', async () => {
    const { scripts } = table()
    const known = await scripts.at(receive(0, 2 ** 31))
    expect(known.output(0, 2 ** 31)).toBeUndefined()
    expect(() => known.output(0, 1)).toThrow(RangeError)
    expect(() => known.output(1, 0)).toThrow(RangeError)
  })

  it('stay with whoever asked for them, whatever others ask for; the table itself is bounded', async () => {
    const { scripts, asked } = table()
    const known = await scripts.at(receive(0))
    for (let i = 0; i < 1280; i++) await scripts.at([{ branch: 1, index: i }])
    expect(known.output(0, 0)?.address).toBe(wallet.output(0, 0)!.address)
    const before = asked.length
    await scripts.at([{ branch: 1, index: 1279 }])
    expect(asked).toHaveLength(before)
    await scripts.at(receive(0))
    expect(asked, 'the oldest was let go').toHaveLength(before + 1)
  })
})
