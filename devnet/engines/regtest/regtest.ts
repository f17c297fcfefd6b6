/**
 * The embedded engine: chain, mempool, miner wallet and store put together.
 *
 * 1. Every step is judged first, then written to the store, then told: what was answered is kept. A step that cannot be
 *    written throws and has changed nothing.
 * 2. Steps do not interleave: each runs to its end in one turn of the event loop.
 * 3. The mempool holds parents before children; a reorganisation rebuilds it in that order.
 */
import { randomBytes } from 'node:crypto'
import { fromHex, toHex } from '../bytes'
import type { ChainBlock } from '../block'
import type { Engine, EngineEvent, ReorgResult, SubmitResult } from '../engine'
import { isCoinbase, outpointKey, parseTx, type ChainTx } from '../transaction'
import { Chain } from './chain'
import { Mempool } from './mempool'
import { buildBlock, type BlockTemplate } from './miner'
import { GENESIS } from './params'
import { MinerWallet } from './miner-wallet'
import type { ChainStore, StoredChange } from './store'

/** Blocks of a new chain: ten rewards for the miner wallet are mature at once. */
const FIRST_BLOCKS = 110
/** Seconds between the first blocks, which lie in the past. */
const FIRST_SPACING = 600

export interface RegtestOptions {
  readonly store: ChainStore
  /** milliseconds since 1970 */
  readonly now?: () => number
}

const connectChange = ({ headerBytes, txs }: BlockTemplate): StoredChange => ({
  do: 'connect',
  header: toHex(headerBytes),
  txs: txs.map(({ raw }) => toHex(raw)),
})

class Regtest implements Engine {
  readonly genesis = GENESIS.hash
  private readonly chain = new Chain()
  private readonly mempool = new Mempool()
  private readonly listeners = new Set<(event: EngineEvent) => void>()
  private readonly store: ChainStore
  private readonly miner: MinerWallet
  private readonly now: () => number

  constructor({ store, now = Date.now }: RegtestOptions) {
    this.store = store
    this.now = now
    const head = store.found?.head ?? { format: 1, network: 'regtest', purse: toHex(randomBytes(32)) }
    this.miner = new MinerWallet(head.purse)
    if (store.found === undefined) store.begin(head)
    else this.replay(store.found.steps)
    // Also finishes a first start that was cut off.
    const start = this.seconds() - FIRST_BLOCKS * FIRST_SPACING
    while (this.chain.tip.height < FIRST_BLOCKS)
      this.mineOne(this.miner.script, start + this.chain.tip.height * FIRST_SPACING)
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    for (const block of this.chain.blocks()) listener({ kind: 'connected', block })
    for (const { tx } of this.mempool.all()) listener({ kind: 'entered', tx })
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async submit(raw: Uint8Array): Promise<SubmitResult> {
    const tx = parseTx(raw)
    if (tx === undefined) {
      return {
        ok: false,
        rejection: { code: -22, message: 'TX decode failed. Make sure the tx has at least one input.' },
      }
    }
    // As sendrawtransaction: one that waits already is announced again (whatever its other valid witness), one that is
    // mined is an error of its own. A witness that does not hold is refused here too.
    const waiting = this.mempool.get(tx.txid)
    if (waiting !== undefined) {
      const fault = waiting.tx.wtxid === tx.wtxid ? undefined : this.mempool.witnessFault(tx, this.chain)
      return fault === undefined ? { ok: true, txid: tx.txid } : { ok: false, rejection: fault }
    }
    if (tx.outputs.some((_, vout) => this.chain.coin(outpointKey(tx.txid, vout)) !== undefined)) {
      return { ok: false, rejection: { code: -27, message: 'Transaction already in block chain' } }
    }
    const verdict = this.mempool.judge(tx, this.chain, this.seconds())
    if (!verdict.ok) return verdict
    const leaving = verdict.replaced
    this.store.append([
      ...leaving.map((txid): StoredChange => ({ do: 'leave', txid })),
      { do: 'enter', tx: toHex(tx.raw), at: verdict.entry.at },
    ])
    for (const txid of leaving) {
      this.mempool.remove(txid)
      this.tell({ kind: 'left', txid })
    }
    this.mempool.add(verdict.entry)
    this.tell({ kind: 'entered', tx })
    return { ok: true, txid: tx.txid }
  }

  async mine(blocks: number, script = this.miner.script): Promise<readonly string[]> {
    const hashes: string[] = []
    for (let i = 0; i < blocks; i += 1) hashes.push(this.mineOne(script, this.seconds()))
    return hashes
  }

  async reorg(depth: number, keepTxs: boolean): Promise<ReorgResult> {
    if (!Number.isInteger(depth) || depth < 1 || depth > this.chain.tip.height)
      throw new RangeError('depth must lie within the chain')
    const waiting = this.mempool.all()
    const undone: ChainBlock[] = []
    const changes: StoredChange[] = []
    for (let i = 0; i < depth; i += 1) {
      undone.push(this.chain.disconnect())
      changes.push({ do: 'disconnect' })
    }
    for (const { tx } of waiting) {
      this.mempool.remove(tx.txid)
      changes.push({ do: 'leave', txid: tx.txid })
    }
    const templates: BlockTemplate[] = []
    const blocks: ChainBlock[] = []
    for (let i = 0; i <= depth; i += 1) {
      const template = buildBlock(this.chain, [], this.miner.script, randomBytes(8), this.seconds())
      templates.push(template)
      blocks.push(this.chain.connect(template.headerBytes, template.txs))
    }
    // Judged against the new tip: what spent a reward of an abandoned block has nothing to stand on.
    const abandoned = undone.toReversed().flatMap(({ txs }) => txs.filter(tx => !isCoinbase(tx)))
    const candidates = [...(keepTxs ? abandoned : []), ...waiting.map(({ tx }) => tx)]
    const times = new Map(waiting.map(({ tx, at }) => [tx.txid, at]))
    for (const tx of candidates) this.readmit(tx, times.get(tx.txid) ?? this.seconds())
    for (const { tx, at } of this.mempool.all()) changes.push({ do: 'enter', tx: toHex(tx.raw), at })
    try {
      this.store.append([...changes, ...templates.map(connectChange)])
    } catch (error) {
      blocks.forEach(() => this.chain.disconnect())
      for (const { headerBytes, txs } of undone.toReversed()) this.chain.connect(headerBytes, txs)
      for (const { tx } of this.mempool.all()) this.mempool.remove(tx.txid)
      for (const entry of waiting) this.mempool.add(entry)
      throw error
    }

    for (const block of undone) this.tell({ kind: 'disconnected', block })
    for (const { tx } of waiting.toReversed()) this.tell({ kind: 'left', txid: tx.txid })
    for (const block of blocks) this.tell({ kind: 'connected', block })
    for (const { tx } of this.mempool.all()) this.tell({ kind: 'entered', tx })
    const alive = (tx: ChainTx): boolean => this.mempool.get(tx.txid) !== undefined
    return {
      tip: this.chain.tip.hash,
      height: this.chain.tip.height,
      kept: abandoned.filter(alive).map(({ txid }) => txid),
      dropped: [...abandoned, ...waiting.map(({ tx }) => tx)].filter(tx => !alive(tx)).map(({ txid }) => txid),
    }
  }

  async pay(script: Uint8Array, sats: bigint): Promise<SubmitResult> {
    const raw = this.miner.pay(script, sats, this.chain, this.mempool)
    if (raw === undefined)
      return { ok: false, rejection: { code: -26, message: 'the faucet has too few coins that can be spent now' } }
    return this.submit(raw)
  }

  async minerWallet(): Promise<{ readonly script: Uint8Array; readonly sats: bigint }> {
    return { script: this.miner.script, sats: this.miner.balance(this.chain, this.mempool) }
  }

  async close(): Promise<void> {
    this.listeners.clear()
    this.store.close()
  }

  private mineOne(script: Uint8Array, seconds: number): string {
    const extra = randomBytes(this.chain.tip.height === 0 ? 16 : 8)
    const template = buildBlock(this.chain, this.mempool.all(), script, extra, seconds)
    const block = this.chain.connect(template.headerBytes, template.txs)
    try {
      this.store.append([connectChange(template)])
    } catch (error) {
      this.chain.disconnect()
      throw error
    }
    for (const { txid } of block.txs) this.mempool.remove(txid)
    this.tell({ kind: 'connected', block })
    return block.hash
  }

  private readmit(tx: ChainTx, at: number): void {
    const verdict = this.mempool.judge(tx, this.chain, at, true)
    if (verdict.ok && verdict.replaced.length === 0) this.mempool.add(verdict.entry)
  }

  /** Does again what the store tells; the mempool is judged once, against the last tip. */
  private replay(steps: readonly (readonly StoredChange[])[]): void {
    const waiting = new Map<string, { tx: ChainTx; at: number }>()
    const read = (text: string): ChainTx => {
      const tx = parseTx(fromHex(text))
      if (tx === undefined)
        throw new Error('The chain data holds a transaction that cannot be read. Start anew with --fresh.')
      return tx
    }
    for (const change of steps.flat()) {
      if (change.do === 'connect') {
        const block = this.chain.connect(fromHex(change.header), change.txs.map(read))
        for (const { txid } of block.txs) waiting.delete(txid)
      } else if (change.do === 'disconnect') {
        this.chain.disconnect()
      } else if (change.do === 'enter') {
        const tx = read(change.tx)
        waiting.set(tx.txid, { tx, at: change.at })
      } else {
        waiting.delete(change.txid)
      }
    }
    for (const { tx, at } of waiting.values()) this.readmit(tx, at)
  }

  private seconds(): number {
    return Math.floor(this.now() / 1000)
  }

  private tell(event: EngineEvent): void {
    for (const listener of this.listeners) listener(event)
  }
}

/**
 * Opens the embedded regtest on a store; a new one gets its first 110 blocks at once.
 * @throws Error with a sentence when the stored chain cannot be read
 */
export function openRegtest(options: RegtestOptions): Engine {
  return new Regtest(options)
}
