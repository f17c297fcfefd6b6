import { createHash } from 'node:crypto'
import { hex } from '@scure/base'
import { OutScript } from '@scure/btc-signer'
import { RawTx } from '@scure/btc-signer/script.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Chain } from '../../../devnet/engines/regtest/chain'
import { buildBlock } from '../../../devnet/engines/regtest/miner'
import { subsidyAt } from '../../../devnet/engines/regtest/params'
import { parseTx, type ChainTx } from '../../../devnet/engines/transaction'
import { keyOf, spend, testNet, type TestNet } from './support'

const alice = keyOf(31)
const sha256d = (data: Uint8Array): Uint8Array => {
  const once = createHash('sha256').update(data).digest()
  return new Uint8Array(createHash('sha256').update(once).digest())
}
const reversed = (text: string): Uint8Array => hex.decode(text).reverse()

/** The merkle root worked out here once more, level by level. */
function rootOf(ids: readonly string[]): string {
  let nodes = ids.map(reversed)
  while (nodes.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < nodes.length; i += 2)
      above.push(sha256d(Buffer.concat([nodes[i] as Uint8Array, (nodes[i + 1] ?? nodes[i]) as Uint8Array])))
    nodes = above
  }
  return hex.encode((nodes[0] as Uint8Array).slice().reverse())
}

interface BlockJson {
  id: string
  height: number
  previousblockhash: string | null
  merkle_root: string
  timestamp: number
  mediantime: number
  bits: number
  nonce: number
  tx_count: number
}

describe('blocks as a node would check them', () => {
  let net: TestNet
  beforeAll(async () => {
    net = await testNet()
    for (let i = 0; i < 4; i += 1) await net.fund(alice, 10_000 + i, false)
    await net.dev('mine', { blocks: 1 })
  })
  afterAll(() => net.close())

  it('starts from the genesis block of regtest and has coins that are mature', async () => {
    expect((await net.get('/block-height/0')).text).toBe(
      '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    )
    expect(net.genesis).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206')
    expect(await net.json('/blocks/0')).toMatchObject([{ previousblockhash: null, tx_count: 1, nonce: 2 }])
  })

  it('differs from any other chain from block 1 on', async () => {
    const other = await testNet()
    expect((await other.get('/block-height/1')).text).not.toBe((await net.get('/block-height/1')).text)
    await other.close()
  })

  it('links headers with proof of work, merkle root, height, witness commitment and median time', async () => {
    const height = Number((await net.get('/blocks/tip/height')).text)
    const times: number[] = []
    let previous = ''
    for (let at = 0; at <= height; at += 1) {
      const hash = (await net.get(`/block-height/${at}`)).text
      const block = await net.json<BlockJson>(`/block/${hash}`)
      const header = hex.decode((await net.get(`/block/${hash}/header`)).text)
      const ids = await net.json<string[]>(`/block/${hash}/txids`)
      expect(hex.encode(sha256d(header).reverse())).toBe(hash)
      expect(BigInt(`0x${hash}`) <= 0x7fffffn << 232n).toBe(true)
      expect(rootOf(ids)).toBe(block.merkle_root)
      expect(block.tx_count).toBe(ids.length)
      if (at > 0) {
        expect(block.previousblockhash).toBe(previous)
        expect(block.timestamp).toBeGreaterThan(
          [...times.slice(-11)].sort((a, b) => a - b)[Math.floor(Math.min(11, times.length) / 2)] ?? 0,
        )
        const coinbase = RawTx.decode(new Uint8Array(await (await fetch(`${net.url}/tx/${ids[0]}/raw`)).arrayBuffer()))
        const sig = coinbase.inputs[0]?.finalScriptSig ?? new Uint8Array()
        const numbered = at <= 16 ? [0x50 + at] : [1, at]
        expect([...sig.slice(0, numbered.length)]).toEqual(numbered)
        const wtxids = await Promise.all(
          ids
            .slice(1)
            .map(async id => hex.encode(sha256d(hex.decode((await net.get(`/tx/${id}/hex`)).text)).reverse())),
        )
        const commitment = sha256d(Buffer.concat([reversed(rootOf(['00'.repeat(32), ...wtxids])), new Uint8Array(32)]))
        expect(hex.encode(coinbase.outputs.at(-1)?.script ?? new Uint8Array())).toBe(
          `6a24aa21a9ed${hex.encode(commitment)}`,
        )
      }
      times.push(block.timestamp)
      expect(block.mediantime).toBe(
        [...times.slice(-11)].sort((a, b) => a - b)[Math.floor(Math.min(11, times.length) / 2)],
      )
      previous = hash
    }
    expect(height).toBe(111)
  })

  it('proves a transaction of an odd block by its merkle branch', async () => {
    const hash = (await net.get('/blocks/tip/hash')).text
    const ids = await net.json<string[]>(`/block/${hash}/txids`)
    expect(ids).toHaveLength(5)
    const { merkle_root: root } = await net.json<BlockJson>(`/block/${hash}`)
    for (const [pos, id] of ids.entries()) {
      const proof = await net.json<{ block_height: number; merkle: string[]; pos: number }>(`/tx/${id}/merkle-proof`)
      expect(proof).toMatchObject({ block_height: 111, pos })
      let node = reversed(id)
      proof.merkle.forEach((sibling, level) => {
        const pair = (pos >> level) & 1 ? [reversed(sibling), node] : [node, reversed(sibling)]
        node = sha256d(Buffer.concat(pair))
      })
      expect(hex.encode(node.reverse())).toBe(root)
    }
  })
})

describe('blocks that are wrong', () => {
  const miner = keyOf(32)
  const now = 1_800_000_000
  const next = (chain: Chain) => buildBlock(chain, [], miner.script, Uint8Array.of(1, 2, 3, 4), now)

  it('are refused with the reason, and change nothing', () => {
    const chain = new Chain()
    for (let i = 0; i < 3; i += 1) {
      const { headerBytes, txs } = next(chain)
      chain.connect(headerBytes, txs)
    }
    const tip = chain.tip.hash
    const good = next(chain)
    const header = (at: number, value: number): Uint8Array => {
      const bytes = good.headerBytes.slice()
      new DataView(bytes.buffer).setUint32(at, value, true)
      return bytes
    }
    const attempt =
      (headerBytes: Uint8Array, txs: readonly ChainTx[] = good.txs) =>
      () =>
        chain.connect(headerBytes, txs)
    expect(attempt(header(4, 1))).toThrow('prev-blk-not-found')
    expect(attempt(header(72, 0x1d00ffff))).toThrow('bad-diffbits')
    const mined = (change: (txs: ChainTx[]) => ChainTx[], time = now + 100) => {
      const txs = change([...good.txs])
      const bytes = good.headerBytes.slice()
      bytes.set(reversed(rootOf(txs.map(({ txid }) => txid))), 36)
      new DataView(bytes.buffer).setUint32(68, time, true)
      for (let nonce = 0; ; nonce += 1) {
        new DataView(bytes.buffer).setUint32(76, nonce, true)
        if ((sha256d(bytes)[31] ?? 0) < 0x7f) return attempt(bytes, txs)
      }
    }
    let nonce = 0
    while ((sha256d(header(76, nonce))[31] ?? 0) < 0x80) nonce += 1
    expect(attempt(header(76, nonce))).toThrow('high-hash')
    const coinbase = RawTx.decode(good.txs[0]?.raw ?? new Uint8Array())
    const altered = (change: Partial<typeof coinbase>): ChainTx =>
      parseTx(RawTx.encode({ ...coinbase, ...change })) as ChainTx
    expect(mined(txs => [...txs, spendOf('ab'.repeat(32))])).toThrow('bad-witness-merkle-match')
    expect(mined(() => [spendOf('ab'.repeat(32))])).toThrow('bad-cb-missing')
    expect(mined(txs => [...txs, ...txs])).toThrow('bad-cb-multiple')
    expect(mined(txs => txs, 1)).toThrow('time-too-old')
    expect(
      mined(() => [
        altered({ inputs: coinbase.inputs.map(input => ({ ...input, finalScriptSig: Uint8Array.of(0x59, 1, 1) })) }),
      ]),
    ).toThrow('bad-cb-height')
    const greedy = altered({
      outputs: coinbase.outputs.map((output, i) => (i === 0 ? { ...output, amount: output.amount + 1n } : output)),
    })
    expect(mined(() => [greedy])).toThrow('bad-cb-amount')
    expect(attempt(good.headerBytes, [greedy])).toThrow('bad-txnmrklroot')
    const bare = altered({ outputs: coinbase.outputs.slice(0, 1), segwitFlag: false, witnesses: undefined })
    expect(mined(() => [bare, spendOf('ab'.repeat(32))])).toThrow('unexpected-witness')
    const legacy = parseTx(
      RawTx.encode({ ...RawTx.decode(spendOf('ab'.repeat(32)).raw), segwitFlag: false, witnesses: undefined }),
    ) as ChainTx
    expect(mined(() => [bare, legacy])).toThrow('bad-txns-inputs-missingorspent')
    expect(chain.tip.hash).toBe(tip)
    expect(chain.connect(good.headerBytes, good.txs).height).toBe(4)
  })

  it('undoes a block to exactly the coins that were there', () => {
    const chain = new Chain()
    const coins = (): string =>
      JSON.stringify([...chain.unspent()].map(([key, { value, height }]) => [key, String(value), height]).sort())
    const first = next(chain)
    chain.connect(first.headerBytes, first.txs)
    const before = coins()
    const second = next(chain)
    chain.connect(second.headerBytes, second.txs)
    expect(coins()).not.toBe(before)
    chain.disconnect()
    expect(coins()).toBe(before)
    chain.disconnect()
    expect(() => chain.disconnect()).toThrow(RangeError)
  })

  it('halves the reward every 150 blocks', () => {
    expect([0, 149, 150, 299, 300, 150 * 64].map(subsidyAt)).toEqual([
      5_000_000_000n,
      5_000_000_000n,
      2_500_000_000n,
      2_500_000_000n,
      1_250_000_000n,
      0n,
    ])
  })

  function spendOf(txid: string): ChainTx {
    return parseTx(
      spend({
        key: miner,
        coins: [{ txid, vout: 0, value: 10_000 }],
        outputs: [{ script: OutScript.encode({ type: 'tr', pubkey: miner.script.slice(2) }), sats: 9_000 }],
      }),
    ) as ChainTx
  }
})
