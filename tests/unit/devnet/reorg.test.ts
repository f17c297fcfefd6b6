import { describe, expect, it } from 'vitest'
import { openRegtest } from '../../../devnet/engines/regtest/regtest'
import { memoryStore } from '../../../devnet/engines/regtest/store'
import { keyOf, spend, testNet, type CoinOf, type TestNet } from './support'

const alice = keyOf(41)
const bob = keyOf(42)
const pay = (coin: CoinOf, key = alice, to = bob): Uint8Array =>
  spend({ key, coins: [coin], outputs: [{ script: to.script, sats: coin.value - 500 }] })

interface Reorged {
  tip: string
  height: number
  kept: string[]
  dropped: string[]
}
const reorg = async (net: TestNet, depth: number, keepTxs?: boolean): Promise<Reorged> => {
  const got = await net.dev('reorg', keepTxs === undefined ? { depth } : { depth, keepTxs })
  expect(got.status, got.text).toBe(200)
  return JSON.parse(got.text) as Reorged
}
interface Stats {
  chain_stats: { tx_count: number; funded_txo_sum: number; spent_txo_sum: number }
  mempool_stats: { tx_count: number; funded_txo_sum: number }
}

describe('a reorganisation', () => {
  it('gives transactions back to the mempool, in order, and mines them again on demand', async () => {
    const net = await testNet()
    const coin = await net.fund(alice, 100_000)
    const { text: parent } = await net.send(pay(coin))
    const { text: child } = await net.send(pay({ txid: parent, vout: 0, value: 99_500 }, bob, alice))
    await net.dev('mine', { blocks: 1 })
    const { text: waiting } = await net.send(pay({ txid: child, vout: 0, value: 99_000 }, alice, bob))
    const old = {
      height: Number((await net.get('/blocks/tip/height')).text),
      hash: (await net.get('/blocks/tip/hash')).text,
    }

    const result = await reorg(net, 2)
    expect(result).toMatchObject({ height: old.height + 1, kept: [coin.txid, parent, child], dropped: [] })
    expect((await net.get('/blocks/tip/hash')).text).toBe(result.tip)
    expect((await net.get(`/block/${old.hash}`)).status).toBe(404)
    expect(await net.json(`/block/${old.hash}/status`)).toMatchObject({ in_best_chain: false })
    for (const txid of [coin.txid, parent, child, waiting])
      expect(await net.json(`/tx/${txid}/status`)).toEqual({ confirmed: false })
    expect(await net.json('/mempool/txids')).toEqual([coin.txid, parent, child, waiting])
    const bobs = await net.json<Stats>(`/address/${bob.address}`)
    expect(bobs.chain_stats).toMatchObject({ tx_count: 0, funded_txo_sum: 0, spent_txo_sum: 0 })
    expect(bobs.mempool_stats).toMatchObject({ tx_count: 3, funded_txo_sum: 99_500 + 98_500 })
    expect(await net.json<unknown[]>(`/address/${bob.address}/utxo`)).toMatchObject([
      { txid: waiting, value: 98_500, status: { confirmed: false } },
    ])

    await net.dev('mine', { blocks: 1 })
    for (const txid of [coin.txid, parent, child, waiting]) {
      expect(await net.json(`/tx/${txid}/status`)).toMatchObject({ confirmed: true, block_height: old.height + 2 })
    }
    expect((await net.json<Stats>(`/address/${bob.address}`)).chain_stats).toMatchObject({ tx_count: 3 })
    await net.close()
  })

  it('lets transactions vanish with all that hung on them, and gives their inputs back', async () => {
    const net = await testNet()
    const coin = await net.fund(alice, 100_000)
    const { text: parent } = await net.send(pay(coin))
    await net.dev('mine', { blocks: 1 })
    const { text: child } = await net.send(pay({ txid: parent, vout: 0, value: 99_500 }, bob, alice))
    const result = await reorg(net, 1, false)
    expect(result).toMatchObject({ kept: [], dropped: [parent, child] })
    for (const txid of [parent, child]) {
      expect((await net.get(`/tx/${txid}`)).status).toBe(404)
      expect(await net.json(`/tx/${txid}/status`)).toEqual({ confirmed: false })
    }
    expect(await net.json(`/tx/${coin.txid}/outspend/${coin.vout}`)).toEqual({ spent: false })
    expect(await net.json(`/address/${alice.address}/utxo`)).toMatchObject([
      { txid: coin.txid, value: 100_000, status: { confirmed: true } },
    ])
    expect((await net.send(pay(coin))).text).toBe(parent)
    await net.close()
  })

  it('drops what spent a reward that is gone, and keeps it when only its spend was undone', async () => {
    const engine = openRegtest({ store: memoryStore() })
    await engine.mine(1, alice.script)
    let reward: CoinOf | undefined
    const told: string[] = []
    engine.subscribe(event => {
      told.push(event.kind)
      const txid = event.kind === 'connected' && event.block.height === 111 ? event.block.txs[0]?.txid : undefined
      if (txid !== undefined) reward ??= { txid, vout: 0, value: 5_000_000_000 }
    })
    await engine.mine(99)
    if (reward === undefined) throw new Error('no reward')
    const sent = await engine.submit(pay(reward))
    if (!sent.ok) throw new Error(sent.rejection.message)
    await engine.mine(1)
    expect(await engine.reorg(1, true)).toMatchObject({ kept: [sent.txid], dropped: [] })
    await engine.mine(1)
    told.length = 0
    expect(await engine.reorg(103, true)).toMatchObject({ kept: [], dropped: [sent.txid] })
    expect(told).toEqual([
      ...Array.from({ length: 103 }, () => 'disconnected'),
      ...Array.from({ length: 104 }, () => 'connected'),
    ])
    await engine.close()
  })

  it('is refused beyond the chain', async () => {
    const net = await testNet()
    for (const depth of [0, -1, 1.5, 111, '1'])
      expect((await net.dev('reorg', { depth })).status, String(depth)).toBe(400)
    await net.close()
  })
})
