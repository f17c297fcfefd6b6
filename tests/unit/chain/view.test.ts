import { describe, expect, it } from 'vitest'
import { EMPTY_STATE } from '../../../services/core/chain/state'
import { balances, nextIndex, readWallet, spendableCoins } from '../../../services/core/chain/view'
import type { ChainTx } from '../../../services/ports/chain'
import { createFakeChain } from '../../fakes/chain'
import { FOREIGN, scriptAt, send, sync } from './helpers'

const none = new Set<string>()

describe('coins and balance', () => {
  it('counts each satoshi once: available, pending, held', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    const b = chain.fund(scriptAt(0, 1), 20_000n)
    chain.mine()
    chain.fund(scriptAt(0, 2), 40_000n)
    const wallet = readWallet((await sync(chain)).state)
    expect(balances(wallet, none)).toEqual({ availableSats: 30_000n, pendingSats: 40_000n, heldSats: 0n })
    const held = new Set([`${a}:0`, 'unknown:0'])
    expect(balances(wallet, held)).toEqual({ availableSats: 20_000n, pendingSats: 40_000n, heldSats: 10_000n })
    expect(spendableCoins(wallet, held).map(c => c.txid)).toEqual([b])
  })

  it('an unconfirmed coin is spendable only when it is our own change', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    chain.mine()
    const spent = await send(
      chain,
      [{ txid: a, vout: 0 }],
      [
        [FOREIGN, 3_000n],
        [scriptAt(1, 0), 6_000n],
      ],
    )
    chain.fund(scriptAt(0, 1), 500n)
    const wallet = readWallet((await sync(chain)).state)
    expect(spendableCoins(wallet, none).map(c => [c.txid, c.vout, c.ours])).toEqual([[spent, 1, true]])
  })

  it('a payment with an input of somebody else is not ours', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    const theirs = chain.fund(FOREIGN, 10_000n)
    chain.mine()
    await send(
      chain,
      [
        { txid: a, vout: 0 },
        { txid: theirs, vout: 0 },
      ],
      [[scriptAt(1, 0), 19_000n]],
    )
    const wallet = readWallet((await sync(chain)).state)
    expect(wallet.coins).toMatchObject([{ ours: false }])
    expect(spendableCoins(wallet, none)).toEqual([])
    expect(wallet.history[0]).not.toHaveProperty('feeSats')
  })

  it('a block reward waits for 100 blocks, its own included', async () => {
    const chain = createFakeChain({ blocks: 3 })
    chain.mine(1, scriptAt(0, 0))
    chain.mine(98)
    let state = (await sync(chain)).state
    expect(balances(readWallet(state), none)).toEqual({ availableSats: 0n, pendingSats: 5_000_000_000n, heldSats: 0n })
    chain.mine()
    state = (await sync(chain, state)).state
    expect(balances(readWallet(state), none).availableSats).toBe(5_000_000_000n)
  })
})

describe('history', () => {
  it('gives the change of the balance and our fee, newest first', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    chain.mine()
    const b = await send(
      chain,
      [{ txid: a, vout: 0 }],
      [
        [FOREIGN, 3_000n],
        [scriptAt(1, 0), 6_500n],
      ],
    )
    const c = await send(chain, [{ txid: b, vout: 1 }], [[scriptAt(1, 1), 6_000n]])
    const unconfirmed = readWallet((await sync(chain)).state).history
    expect(unconfirmed.map(h => h.txid)).toEqual([c, b, a])
    chain.mine()
    const history = readWallet((await sync(chain)).state).history
    expect(history).toEqual([
      expect.objectContaining({ txid: c, deltaSats: -500n, feeSats: 500n, height: 5 }),
      expect.objectContaining({ txid: b, deltaSats: -3_500n, feeSats: 500n, height: 5 }),
      expect.objectContaining({ txid: a, deltaSats: 10_000n, height: 4 }),
    ])
    expect(history[2]).not.toHaveProperty('feeSats')
    expect(history.every(h => typeof h.time === 'number')).toBe(true)
  })

  it('ends on any shape of transactions, also on one that only a lying server can show', () => {
    const script = scriptAt(0, 0)
    const txs = new Map<string, ChainTx>()
    const name = (i: number): string => i.toString(16).padStart(64, '0')
    // a ring of 5000, each spending the next
    for (let i = 0; i < 5000; i++) {
      txs.set(name(i), {
        txid: name(i),
        vin: [{ txid: name((i + 1) % 5000), vout: 0, coinbase: false, sequence: 0 }],
        vout: [{ script, sats: 1n }],
        feeSats: 0n,
        weight: 400,
      })
    }
    const wallet = readWallet({
      ...EMPTY_STATE,
      txs,
      scripts: [{ branch: 0, index: 0, script, txids: [...txs.keys()] }],
    })
    expect(wallet.history).toHaveLength(5000)
    expect(wallet.coins).toEqual([])
  })
})

describe('conflicts', () => {
  const tx = (id: string, spends: string, sats: bigint, feeSats: bigint, height?: number): ChainTx => ({
    txid: id.repeat(64),
    vin: [{ txid: spends.repeat(64), vout: 0, coinbase: false, sequence: 0 }],
    vout: [{ script: scriptAt(0, 0), sats }],
    feeSats,
    weight: 400,
    ...(height === undefined ? {} : { confirmed: { height, hash: 'f'.repeat(64), time: 1 } }),
  })
  const state = (...list: ChainTx[]): typeof EMPTY_STATE => ({
    ...EMPTY_STATE,
    txs: new Map(list.map(t => [t.txid, t])),
    scripts: [{ branch: 0, index: 0, script: scriptAt(0, 0), txids: list.map(t => t.txid) }],
  })

  it('the confirmed one counts, whatever the fee, and nothing that was built on the other', () => {
    const s = state(tx('b', 'a', 10n, 9n), tx('c', 'b', 5n, 1n), tx('d', 'a', 20n, 1n, 5))
    expect(readWallet(s).coins.map(c => c.txid[0])).toEqual(['d'])
    expect(readWallet(s).history.map(item => item.txid[0])).toEqual(['d'])
  })

  it('of two unconfirmed ones the replacement counts', () => {
    for (const list of [
      [tx('b', 'a', 10n, 9n), tx('c', 'a', 5n, 14n)],
      [tx('c', 'a', 5n, 14n), tx('b', 'a', 10n, 9n)],
    ]) {
      expect(readWallet(state(...list)).coins.map(c => c.txid[0])).toEqual(['c'])
    }
  })
})

describe('next index', () => {
  it('follows the last used one, skips what live sessions reserve, stops at the gap', async () => {
    const chain = createFakeChain({ blocks: 3 })
    let wallet = readWallet((await sync(chain)).state)
    expect(nextIndex(wallet, 0, new Set())).toBe(0)
    chain.fund(scriptAt(0, 4), 1_000n)
    wallet = readWallet((await sync(chain)).state)
    expect(wallet.lastUsed).toEqual([4, -1])
    expect(nextIndex(wallet, 0, new Set())).toBe(5)
    expect(nextIndex(wallet, 0, new Set([5, 6, 8]))).toBe(7)
    expect(nextIndex(wallet, 1, new Set())).toBe(0)
    expect(nextIndex(wallet, 1, new Set(Array.from({ length: 20 }, (_, i) => i)))).toBeUndefined()
    expect(nextIndex(wallet, 1, new Set(Array.from({ length: 19 }, (_, i) => i)))).toBe(19)
  })

  it('an address whose coin is spent stays used', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 2), 10_000n)
    chain.mine()
    await send(chain, [{ txid: a, vout: 0 }], [[FOREIGN, 9_000n]])
    chain.mine()
    const wallet = readWallet((await sync(chain)).state)
    expect(wallet.coins).toEqual([])
    expect([...wallet.used[0]]).toEqual([2])
  })
})
