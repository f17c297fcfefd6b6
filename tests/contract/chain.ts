import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schnorr } from '@noble/curves/secp256k1.js'
import { p2tr, Transaction } from '@scure/btc-signer'
import { EMPTY_STATE } from '../../services/core/chain/state'
import { syncWallet, type SyncOutcome } from '../../services/core/chain/sync'
import { balances, readWallet, spendableCoins } from '../../services/core/chain/view'
import { toHex, type Hex } from '../../services/core/domain/bytes'
import type { Txid } from '../../services/core/domain/ids'
import type { Result } from '../../services/core/domain/result'
import { rawTxid } from '../../services/core/domain/txid'
import type { Chain, ChainError } from '../../services/ports/chain'
import { createFakeEntropy } from '../fakes/entropy'

export interface ChainHarness {
  readonly chain: Chain
  /** hash of block 0 */
  readonly genesis: Hex
  /** pays into the mempool */
  fund(to: Wallet, sats: bigint): Promise<Txid>
  mine(blocks: number, to?: Wallet): Promise<void>
  reorg(depth: number, keepTxs: boolean): Promise<void>
  close(): Promise<void>
}

/** One key with its taproot output: spends are really signed, for a server that looks. */
export interface Wallet {
  readonly key: Uint8Array
  readonly address: string
  readonly script: Hex
}

const REGTEST = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef }
const entropy = createFakeEntropy('contract/chain')

export function newWallet(): Wallet {
  const key = entropy.bytes(32)
  const payment = p2tr(schnorr.getPublicKey(key), undefined, REGTEST)
  return { key, address: payment.address ?? '', script: toHex(payment.script) }
}

interface From {
  readonly wallet: Wallet
  readonly txid: Txid
  readonly vout: number
  readonly sats: bigint
}

/** A signed transaction; what is not paid out is the fee. */
export function pay(from: readonly From[], to: ReadonlyArray<readonly [to: Wallet, sats: bigint]>): Uint8Array {
  const tx = new Transaction({ version: 2 })
  for (const { wallet, txid, vout, sats } of from) {
    const internal = schnorr.getPublicKey(wallet.key)
    tx.addInput({
      txid,
      index: vout,
      sequence: 0xfffffffd,
      witnessUtxo: { script: Buffer.from(wallet.script, 'hex'), amount: sats },
      tapInternalKey: internal,
    })
  }
  for (const [wallet, sats] of to) tx.addOutput({ script: Buffer.from(wallet.script, 'hex'), amount: sats })
  from.forEach(({ wallet }, i) => tx.signIdx(wallet.key, i))
  tx.finalize()
  return tx.extract()
}

export async function value<T>(answer: Promise<Result<T, ChainError>>): Promise<T> {
  const done = await answer
  if (!done.ok) throw new Error(`${done.error.code}: ${done.error.detail}`)
  return done.value
}

/** What every implementation of the Chain port does. */
export function chainSuite(name: string, make: () => Promise<ChainHarness>): void {
  describe(`chain: ${name}`, () => {
    let h: ChainHarness
    let chain: Chain
    beforeAll(async () => {
      h = await make()
      chain = h.chain
    })
    afterAll(() => h.close())

    /** a wallet with one confirmed coin at output `vout` */
    async function funded(sats: bigint): Promise<From> {
      const wallet = newWallet()
      const txid = await h.fund(wallet, sats)
      await h.mine(1)
      return { wallet, ...(await output(txid, wallet)) }
    }
    async function output(txid: Txid, wallet: Wallet): Promise<{ txid: Txid; vout: number; sats: bigint }> {
      const tx = await value(chain.tx(txid))
      const vout = tx?.vout.findIndex(out => out.script === wallet.script) ?? -1
      return { txid, vout, sats: tx?.vout[vout]?.sats ?? -1n }
    }

    it('tells its network by the genesis block', async () => {
      expect(await value(chain.check(h.genesis))).toEqual(await value(chain.tip()))
      expect(await chain.check('00'.repeat(32))).toMatchObject({ ok: false, error: { code: 'wrong-network' } })
      expect(await value(chain.blockHash(0))).toBe(h.genesis)
    })

    it('the tip moves with each block and is the block at its height', async () => {
      const before = await value(chain.tip())
      await h.mine(2)
      const after = await value(chain.tip())
      expect(after.height).toBe(before.height + 2)
      expect(await value(chain.blockHash(after.height))).toBe(after.hash)
      expect(await value(chain.blockHash(before.height))).toBe(before.hash)
      expect(await value(chain.blockHash(after.height + 1))).toBeUndefined()
    })

    it('knows nothing of what never was', async () => {
      const unknown = 'ab'.repeat(32)
      expect(await value(chain.history(newWallet().script))).toEqual([])
      expect(await value(chain.tx(unknown))).toBeUndefined()
      expect(await value(chain.rawTx(unknown))).toBeUndefined()
      expect(await value(chain.outspend(unknown, 0))).toEqual({ spent: false, confirmed: false })
    })

    it('shows a payment at once, and its block when it is mined', async () => {
      const wallet = newWallet()
      const txid = await h.fund(wallet, 50_000n)
      const [waiting] = await value(chain.history(wallet.script))
      expect(waiting?.txid).toBe(txid)
      expect(waiting?.confirmed).toBeUndefined()
      await h.mine(1)
      const [mined] = await value(chain.history(wallet.script))
      const tip = await value(chain.tip())
      expect(mined?.confirmed).toMatchObject({ height: tip.height, hash: tip.hash })
      expect(mined?.confirmed?.time).toBeGreaterThan(1_500_000_000)
      expect(await value(chain.tx(txid))).toEqual(mined)
      expect(mined?.vout.find(out => out.script === wallet.script)?.sats).toBe(50_000n)
    })

    it('a transaction shows what it spends and its fee; its raw bytes hash to its txid', async () => {
      const coin = await funded(70_000n)
      const raw = pay([coin], [[newWallet(), 69_000n]])
      const txid = await value(chain.broadcast(raw))
      const tx = await value(chain.tx(txid))
      expect(tx).toMatchObject({ txid, feeSats: 1_000n })
      expect(tx?.vin).toEqual([
        {
          txid: coin.txid,
          vout: coin.vout,
          coinbase: false,
          sequence: 0xfffffffd,
          prevoutScript: coin.wallet.script,
          prevoutSats: 70_000n,
        },
      ])
      expect(tx?.weight).toBe(444)
      const bytes = await value(chain.rawTx(txid))
      expect(bytes).toEqual(raw)
      expect(rawTxid(bytes ?? new Uint8Array())).toBe(txid)
      // both ends list it
      expect((await value(chain.history(coin.wallet.script))).map(t => t.txid)).toEqual([txid, coin.txid])
    })

    it('tells who spends an output, waiting and mined', async () => {
      const coin = await funded(40_000n)
      expect(await value(chain.outspend(coin.txid, coin.vout))).toEqual({ spent: false, confirmed: false })
      const by = await value(chain.broadcast(pay([coin], [[newWallet(), 39_000n]])))
      expect(await value(chain.outspend(coin.txid, coin.vout))).toEqual({ spent: true, by, confirmed: false })
      await h.mine(1)
      expect(await value(chain.outspend(coin.txid, coin.vout))).toEqual({ spent: true, by, confirmed: true })
    })

    it('takes a transaction again, waiting or mined, as success', async () => {
      const coin = await funded(30_000n)
      const raw = pay([coin], [[newWallet(), 29_000n]])
      const txid = await value(chain.broadcast(raw))
      expect(txid).toBe(rawTxid(raw))
      expect(await value(chain.broadcast(raw))).toBe(txid)
      await h.mine(1)
      expect(await value(chain.broadcast(raw))).toBe(txid)
    })

    it('refuses with a reason what cannot be', async () => {
      const coin = await funded(20_000n)
      const refused = { ok: false, error: { code: 'rejected', retryable: false } }
      const missing = { ...coin, txid: 'cd'.repeat(32) }
      for (const raw of [
        pay([missing], [[newWallet(), 19_000n]]),
        pay([{ ...coin, sats: 30_000n }], [[newWallet(), 20_001n]]),
        pay([coin], [[newWallet(), 20_000n]]),
        new Uint8Array(80),
      ]) {
        const done = await chain.broadcast(raw)
        expect(done).toMatchObject(refused)
        expect(done.ok ? '' : done.error.detail).not.toBe('')
      }
      await value(chain.broadcast(pay([coin], [[newWallet(), 19_000n]])))
      await h.mine(1)
      expect(await chain.broadcast(pay([coin], [[newWallet(), 15_000n]]))).toMatchObject(refused)
    })

    it('a replacement with a higher fee takes the place of the old one everywhere', async () => {
      const coin = await funded(60_000n)
      const to = newWallet()
      const old = await value(chain.broadcast(pay([coin], [[to, 59_500n]])))
      const bumped = await value(chain.broadcast(pay([coin], [[to, 57_000n]])))
      expect(await value(chain.tx(old))).toBeUndefined()
      expect((await value(chain.history(to.script))).map(t => t.txid)).toEqual([bumped])
      expect(await value(chain.outspend(coin.txid, coin.vout))).toMatchObject({ by: bumped })
    })

    it('gives long histories whole, newest first, each transaction once', async () => {
      const wallet = newWallet()
      const paid: Txid[] = []
      for (let block = 0; block < 4; block++) {
        for (let i = 0; i < 13; i++) paid.push(await h.fund(wallet, 1_000n + BigInt(paid.length)))
        await h.mine(1)
      }
      for (let i = 0; i < 3; i++) paid.push(await h.fund(wallet, 5_000n))
      const history = await value(chain.history(wallet.script))
      expect(history).toHaveLength(55)
      expect(new Set(history.map(t => t.txid))).toEqual(new Set(paid))
      const heights = history.map(t => t.confirmed?.height ?? Infinity)
      expect(heights.slice(0, 3)).toEqual([Infinity, Infinity, Infinity])
      expect(heights.every((height, i) => i === 0 || height <= (heights[i - 1] ?? 0))).toBe(true)
    })

    it('a reorg takes confirmations back, or the transaction itself', async () => {
      const kept = await funded(25_000n)
      await h.reorg(1, true)
      const waiting = await value(chain.tx(kept.txid))
      expect(waiting?.txid).toBe(kept.txid)
      expect(waiting?.confirmed).toBeUndefined()
      await h.mine(1)
      await h.reorg(1, false)
      expect(await value(chain.tx(kept.txid))).toBeUndefined()
      expect(await value(chain.history(kept.wallet.script))).toEqual([])
    })

    it('estimates fees of at least 1 sat/vB', async () => {
      const fees = await value(chain.feeEstimates())
      expect(fees.size).toBeGreaterThan(0)
      for (const [blocks, rate] of fees) {
        expect(Number.isInteger(blocks) && blocks > 0).toBe(true)
        expect(rate).toBeGreaterThanOrEqual(1)
      }
    })

    it('the faucet pays a confirmed coin, and not to nonsense', async () => {
      const wallet = newWallet()
      const txid = await value(chain.faucet!(wallet.address, 123_456n))
      expect(await output(txid, wallet)).toMatchObject({ sats: 123_456n })
      expect((await value(chain.tx(txid)))?.confirmed).toBeDefined()
      expect(await chain.faucet!('bcrt1nonsense', 5_000n)).toMatchObject({ ok: false, error: { code: 'rejected' } })
    })

    it('answers an aborted call as aborted', async () => {
      const controller = new AbortController()
      controller.abort()
      for (const call of [
        chain.tip(controller.signal),
        chain.history(newWallet().script, controller.signal),
        chain.tx('ab'.repeat(32), controller.signal),
      ]) {
        expect(await call).toMatchObject({ ok: false, error: { code: 'aborted' } })
      }
    })

    it('a wallet follows it: payments, change, a block reward, a reorg', async () => {
      const keys = new Map<string, Wallet>()
      const at = (branch: number, index: number): Wallet => {
        const found = keys.get(`${branch}/${index}`) ?? newWallet()
        keys.set(`${branch}/${index}`, found)
        return found
      }
      const sync = async (before?: SyncOutcome): Promise<SyncOutcome> =>
        value(
          syncWallet({
            chain,
            scriptsAt: async places => places.map(({ branch, index }) => at(branch, index).script),
            state: before?.state ?? EMPTY_STATE,
          }),
        )
      const none = new Set<string>()

      let out = await sync()
      expect(out).toMatchObject({ place: 'first' })
      const first = await h.fund(at(0, 0), 100_000n)
      await h.mine(1, at(0, 1))
      out = await sync(out)
      expect(out).toMatchObject({ place: 'extended', changed: true })
      expect(balances(readWallet(out.state), none).availableSats).toBe(100_000n)
      expect(balances(readWallet(out.state), none).pendingSats).toBeGreaterThan(0n)

      const [coin] = spendableCoins(readWallet(out.state), none)
      expect(coin).toMatchObject({ txid: first, branch: 0, index: 0 })
      const spent = await value(
        chain.broadcast(
          pay(
            [{ wallet: at(0, 0), txid: first, vout: coin?.vout ?? -1, sats: 100_000n }],
            [
              [newWallet(), 30_000n],
              [at(1, 0), 69_000n],
            ],
          ),
        ),
      )
      out = await sync(out)
      expect(out).toMatchObject({ place: 'same', changed: true })
      expect(spendableCoins(readWallet(out.state), none)).toMatchObject([
        { txid: spent, vout: 1, ours: true, amountSats: 69_000n, branch: 1, index: 0 },
      ])
      expect(readWallet(out.state).history[0]).toMatchObject({ txid: spent, deltaSats: -31_000n, feeSats: 1_000n })

      await h.mine(1)
      out = await sync(out)
      expect(readWallet(out.state).unconfirmed).toBe(false)
      await h.reorg(1, true)
      out = await sync(out)
      expect(out.place).toBe('reorg')
      expect(readWallet(out.state)).toMatchObject({ unconfirmed: true, history: [{ txid: spent }, {}, {}] })
      await h.mine(1)
      expect((await sync(out)).state.txs.get(spent)?.confirmed).toBeDefined()
    })
  })
}
