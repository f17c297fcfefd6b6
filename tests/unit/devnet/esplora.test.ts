import { createHash } from 'node:crypto'
import { hex } from '@scure/base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOf, spend, testNet, type CoinOf, type TestNet } from './support'

const alice = keyOf(61)
const bob = keyOf(62)
const hashOf = (script: Uint8Array): string => createHash('sha256').update(script).digest('hex')
const UNKNOWN = 'ab'.repeat(32)
interface TxJson {
  txid: string
  status: { confirmed: boolean; block_height?: number }
}
interface UtxoJson {
  txid: string
  vout: number
  value: number
  status: { confirmed: boolean }
}

describe('shapes, codes and types of the API', () => {
  let net: TestNet
  let coin: CoinOf
  let sent: string
  beforeAll(async () => {
    net = await testNet()
    coin = await net.fund(alice, 100_000)
    sent = (
      await net.send(
        spend({
          key: alice,
          coins: [coin],
          outputs: [
            { script: bob.script, sats: 60_000 },
            { script: alice.script, sats: 39_000 },
          ],
        }),
      )
    ).text
  })
  afterAll(() => net.close())

  it('gives a waiting transaction with its prevout', async () => {
    const got = await net.get(`/tx/${sent}`)
    expect(got.headers.get('content-type')).toBe('application/json')
    const raw = (await net.get(`/tx/${sent}/hex`)).text
    const output = ({ script, address }: typeof alice, value: number) => ({
      scriptpubkey: hex.encode(script),
      scriptpubkey_asm: `OP_PUSHNUM_1 OP_PUSHBYTES_32 ${hex.encode(script.slice(2))}`,
      scriptpubkey_type: 'v1_p2tr',
      scriptpubkey_address: address,
      value,
    })
    expect(JSON.parse(got.text)).toEqual({
      txid: sent,
      version: 2,
      locktime: 0,
      vin: [
        {
          txid: coin.txid,
          vout: coin.vout,
          prevout: output(alice, 100_000),
          scriptsig: '',
          scriptsig_asm: '',
          witness: [raw.slice(-8 - 128, -8)],
          is_coinbase: false,
          sequence: 0xfffffffd,
        },
      ],
      vout: [output(bob, 60_000), output(alice, 39_000)],
      size: raw.length / 2,
      weight: (raw.length / 2) * 4 - 3 * (2 + 66),
      fee: 1_000,
      status: { confirmed: false },
    })
  })

  it('gives a mined one with its block, hex and raw alike', async () => {
    const { status } = await net.json<{ status: Record<string, unknown> }>(`/tx/${coin.txid}`)
    const hash = (await net.get('/block-height/111')).text
    const block = await net.json<{ timestamp: number }>(`/block/${hash}`)
    expect(status).toEqual({ confirmed: true, block_height: 111, block_hash: hash, block_time: block.timestamp })
    expect(await net.json(`/tx/${coin.txid}/status`)).toEqual(status)
    const raw = await fetch(`${net.url}/tx/${coin.txid}/raw`)
    expect(raw.headers.get('content-type')).toBe('application/octet-stream')
    expect(hex.encode(new Uint8Array(await raw.arrayBuffer()))).toBe((await net.get(`/tx/${coin.txid}/hex`)).text)
  })

  it('answers text for heights, hashes and hex, JSON for the rest', async () => {
    const hash = (await net.get('/blocks/tip/hash')).text
    for (const path of [
      '/blocks/tip/height',
      '/blocks/tip/hash',
      '/block-height/5',
      `/block/${hash}/header`,
      `/tx/${sent}/hex`,
    ]) {
      expect((await net.get(path)).headers.get('content-type'), path).toBe('text/plain')
    }
    for (const path of [
      '/mempool',
      '/mempool/txids',
      '/mempool/recent',
      '/fee-estimates',
      '/blocks',
      `/block/${hash}/status`,
      `/block/${hash}/txids`,
    ]) {
      const { headers } = await net.get(path)
      expect(headers.get('content-type'), path).toBe('application/json')
      expect(headers.get('cache-control'), path).toMatch(/^public, max-age=\d+$/)
    }
    expect((await net.get('/block-height/5')).headers.get('cache-control')).toBe('public, max-age=157784630')
  })

  it('tells what spends an output, and 200 for what it does not know', async () => {
    const spent = { spent: true, txid: sent, vin: 0, status: { confirmed: false } }
    expect(await net.json(`/tx/${coin.txid}/outspend/${coin.vout}`)).toEqual(spent)
    const all = await net.json<unknown[]>(`/tx/${coin.txid}/outspends`)
    expect(all[coin.vout]).toEqual(spent)
    expect(all).toHaveLength(2)
    expect(await net.json(`/tx/${UNKNOWN}/outspend/0`)).toEqual({ spent: false })
    expect(await net.json(`/tx/${UNKNOWN}/status`)).toEqual({ confirmed: false })
    expect(await net.json(`/block/${UNKNOWN}/status`)).toMatchObject({ in_best_chain: false })
  })

  it('refuses as electrs does', async () => {
    const cases: readonly [string, number, string][] = [
      [`/tx/${UNKNOWN}`, 404, 'Transaction not found'],
      [`/tx/${UNKNOWN}/hex`, 404, 'Transaction not found'],
      [`/tx/${UNKNOWN}/outspends`, 404, 'Transaction not found'],
      [`/tx/${sent}/merkle-proof`, 404, 'Transaction not found or is unconfirmed'],
      ['/tx/xyz', 400, 'Invalid hex string'],
      [`/tx/${sent}/outspend/x`, 400, 'Invalid number'],
      ['/block-height/999999', 404, 'Block not found'],
      ['/block-height/x', 400, 'Invalid number'],
      [`/block/${UNKNOWN}`, 404, 'Block not found'],
      ['/block/zz', 400, 'Invalid hex string'],
      ['/address/nothing', 400, 'Invalid address'],
      ['/address/bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', 400, 'Address on invalid network'],
      ['/scripthash/12', 400, 'Invalid scripthash'],
      ['/nowhere', 404, 'endpoint does not exist "/nowhere"'],
      ['/tx', 404, 'endpoint does not exist "/tx"'],
    ]
    for (const [path, status, text] of cases) expect(await net.get(path), path).toMatchObject({ status, text })
  })

  it('sums up a script by address and by hash', async () => {
    const chain = { funded_txo_count: 1, funded_txo_sum: 100_000, spent_txo_count: 0, spent_txo_sum: 0, tx_count: 1 }
    const mempool = {
      funded_txo_count: 1,
      funded_txo_sum: 39_000,
      spent_txo_count: 1,
      spent_txo_sum: 100_000,
      tx_count: 1,
    }
    expect(await net.json(`/address/${alice.address}`)).toEqual({
      address: alice.address,
      chain_stats: chain,
      mempool_stats: mempool,
    })
    const hash = hashOf(alice.script)
    expect(await net.json(`/scripthash/${hash}`)).toEqual({
      scripthash: hash,
      chain_stats: chain,
      mempool_stats: mempool,
    })
    expect(await net.json(`/address/${alice.address}/utxo`)).toEqual([
      { txid: sent, vout: 1, status: { confirmed: false }, value: 39_000 },
    ])
    for (const part of ['utxo', 'txs', 'txs/chain', 'txs/mempool']) {
      expect((await net.get(`/scripthash/${hash}/${part}`)).text).toBe(
        (await net.get(`/address/${alice.address}/${part}`)).text,
      )
    }
    const unused = await net.json<{ chain_stats: { tx_count: number } }>(`/address/${keyOf(63).address}`)
    expect(unused.chain_stats.tx_count).toBe(0)
  })

  it('shows the mempool', async () => {
    expect(await net.json('/mempool')).toMatchObject({ count: 1, vsize: 154, total_fee: 1_000 })
    expect(await net.json('/mempool/txids')).toEqual([sent])
    expect(await net.json('/mempool/recent')).toEqual([{ txid: sent, fee: 1_000, vsize: 154, value: 99_000 }])
    const fees = await net.json<Record<string, number>>('/fee-estimates')
    expect(Object.keys(fees)).toHaveLength(28)
    expect(fees['1']).toBeGreaterThanOrEqual(fees['1008'] ?? Infinity)
  })
})

describe('what a browser meets', () => {
  let net: TestNet
  beforeAll(async () => {
    net = await testNet()
  })
  afterAll(() => net.close())

  it('lets simple requests be read from anywhere, refusals too', async () => {
    const answers = [
      await net.get('/blocks/tip/height'),
      await net.get('/tx/zz'),
      await net.get('/nowhere'),
      await net.send('00'),
      await net.dev('faucet', '{'),
    ]
    for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  it('answers a preflight with 404, as electrs', async () => {
    for (const path of ['/tx', '/blocks/tip/height', '/dev/faucet']) {
      const response = await fetch(net.url + path, { method: 'OPTIONS' })
      expect(response.status, path).toBe(404)
      expect(response.headers.get('access-control-allow-headers')).toBeNull()
    }
  })

  it('refuses a body that is too large', async () => {
    expect((await net.send('0'.repeat(1_000_001))).status).toBe(413)
    expect((await net.get('/blocks/tip/height')).status).toBe(200)
  })
})

describe('pages of a history', () => {
  it('gives 50 waiting and 25 mined, then 25 by the last txid, without gap or repeat', async () => {
    const net = await testNet({ utxoLimit: 80 })
    // One mined transaction per block and a few in one block, so that a page ends inside a block.
    for (let i = 0; i < 25; i += 1) await net.fund(alice, 1_000 + i)
    for (let block = 0; block < 2; block += 1) {
      for (let i = 0; i < 15; i += 1) await net.fund(alice, 2_000 + i, false)
      await net.dev('mine', { blocks: 1 })
    }
    for (let i = 0; i < 24; i += 1) await net.fund(alice, 3_000 + i, false)
    const path = `/address/${alice.address}/txs`
    const first = await net.json<TxJson[]>(path)
    expect(first.map(({ status }) => status.confirmed)).toEqual([
      ...Array.from({ length: 24 }, () => false),
      ...Array.from({ length: 25 }, () => true),
    ])
    const waiting = await net.json<TxJson[]>(`${path}/mempool`)
    expect(first.slice(0, 24)).toEqual(waiting)
    const mined: TxJson[] = first.slice(24)
    for (;;) {
      const page = await net.json<TxJson[]>(`${path}/chain/${mined.at(-1)?.txid}`)
      mined.push(...page)
      if (page.length < 25) break
    }
    expect(mined).toHaveLength(55)
    expect(new Set(mined.map(({ txid }) => txid)).size).toBe(55)
    const heights = mined.map(({ status }) => status.block_height ?? 0)
    expect(heights).toEqual([...heights].sort((a, b) => b - a))
    expect(await net.json(`${path}/chain`)).toEqual(mined.slice(0, 25))
    expect(await net.json(`${path}/chain/${UNKNOWN}`)).toEqual([])

    expect(await net.json<UtxoJson[]>(`/address/${alice.address}/utxo`)).toHaveLength(79)
    await net.fund(alice, 4_000, false)
    await net.fund(alice, 4_001, false)
    expect(await net.get(`/address/${alice.address}/utxo`)).toMatchObject({
      status: 400,
      text: 'Too many unspent transaction outputs (>80). Contact support to raise limits.',
    })
    await net.close()
  })

  it('shows no more than 50 that wait', async () => {
    const net = await testNet()
    const coins: CoinOf[] = []
    for (let i = 0; i < 3; i += 1) coins.push(await net.fund(alice, 100_000))
    for (const start of coins) {
      let coin = start
      for (let i = 0; i < 18; i += 1) {
        const { text } = await net.send(
          spend({ key: alice, coins: [coin], outputs: [{ script: alice.script, sats: coin.value - 200 }] }),
        )
        coin = { txid: text, vout: 0, value: coin.value - 200 }
      }
    }
    const all = await net.json<TxJson[]>(`/address/${alice.address}/txs`)
    expect(all.map(({ status }) => status.confirmed)).toEqual([
      ...Array.from({ length: 50 }, () => false),
      true,
      true,
      true,
    ])
    await net.close()
  })

  it('pages the transactions of a block by 25', async () => {
    const net = await testNet()
    for (let i = 0; i < 30; i += 1) await net.fund(alice, 2_000 + i, false)
    await net.dev('mine', { blocks: 1 })
    const hash = (await net.get('/blocks/tip/hash')).text
    const ids = await net.json<string[]>(`/block/${hash}/txids`)
    const pages = [
      ...(await net.json<TxJson[]>(`/block/${hash}/txs`)),
      ...(await net.json<TxJson[]>(`/block/${hash}/txs/25`)),
    ]
    expect(pages.map(({ txid }) => txid)).toEqual(ids)
    expect((await net.get(`/block/${hash}/txs/7`)).status).toBe(400)
    expect((await net.get(`/block/${hash}/txid/1`)).text).toBe(ids[1])
    await net.close()
  })
})
