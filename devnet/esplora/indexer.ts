/** What Esplora answers from: transactions, spends and history by script, kept up to date by an engine's events. */
import type { ChainBlock } from '../engines/block'
import { sha256, toHex } from '../engines/bytes'
import type { Engine, EngineEvent } from '../engines/engine'
import { isCoinbase, outpointKey, type ChainTx, type TxOutput } from '../engines/transaction'

export interface IndexedTx {
  readonly tx: ChainTx
  /** Outputs spent, in the order of the inputs; none for a coinbase. */
  readonly spent: readonly TxOutput[]
  /** satoshis; 0 for a coinbase */
  readonly fee: bigint
  /** Where it is mined. */
  block: ChainBlock | undefined
}

export interface Spend {
  readonly txid: string
  readonly vin: number
}

interface ScriptHistory {
  /** Mined transactions, oldest first. */
  readonly mined: string[]
  /** Unconfirmed ones, oldest first. */
  readonly waiting: Set<string>
  /** Outputs that nothing spends, mined or not. */
  readonly unspent: Map<string, { txid: string; vout: number; value: bigint }>
}

/** Totals of a script, in the names of the API. */
export interface ScriptStats {
  funded_txo_count: number
  funded_txo_sum: number
  spent_txo_count: number
  spent_txo_sum: number
  tx_count: number
}

/** Key of a script in every index: SHA-256 of its bytes, hex, not reversed. */
export const scriptHash = (script: Uint8Array): string => toHex(sha256(script))

const noStats = (): ScriptStats => ({
  funded_txo_count: 0,
  funded_txo_sum: 0,
  spent_txo_count: 0,
  spent_txo_sum: 0,
  tx_count: 0,
})

export class Indexer {
  private readonly chain: ChainBlock[] = []
  private readonly heights = new Map<string, number>()
  private readonly txs = new Map<string, IndexedTx>()
  private readonly spends = new Map<string, Spend>()
  private readonly scripts = new Map<string, ScriptHistory>()
  private readonly waiting = new Set<string>()
  private readonly stop: () => void

  constructor(engine: Engine) {
    this.stop = engine.subscribe(event => this.apply(event))
  }

  close(): void {
    this.stop()
  }

  get tip(): ChainBlock {
    const last = this.chain.at(-1)
    if (last === undefined) throw new Error('the engine told no genesis block')
    return last
  }

  blockAt(height: number): ChainBlock | undefined {
    return this.chain[height]
  }

  block(hash: string): ChainBlock | undefined {
    return this.chain[this.heights.get(hash) ?? -1]
  }

  tx(txid: string): IndexedTx | undefined {
    return this.txs.get(txid)
  }

  spendOf(txid: string, vout: number): Spend | undefined {
    return this.spends.get(outpointKey(txid, vout))
  }

  /** Unconfirmed transactions, oldest first. */
  mempool(): IndexedTx[] {
    return [...this.waiting].flatMap(txid => this.txs.get(txid) ?? [])
  }

  /** Unconfirmed history of a script, newest first. */
  waitingOf(hash: string, limit: number): IndexedTx[] {
    return [...(this.scripts.get(hash)?.waiting ?? [])]
      .reverse()
      .slice(0, limit)
      .flatMap(txid => this.txs.get(txid) ?? [])
  }

  /** Mined history of a script, newest first, after a transaction if one is named; an unknown one gives nothing. */
  minedOf(hash: string, after: string | undefined, limit: number): IndexedTx[] {
    const mined = this.scripts.get(hash)?.mined ?? []
    const end = after === undefined ? mined.length : mined.lastIndexOf(after)
    return mined
      .slice(Math.max(0, end - limit), Math.max(0, end))
      .reverse()
      .flatMap(txid => this.txs.get(txid) ?? [])
  }

  unspentOf(hash: string): { txid: string; vout: number; value: bigint }[] {
    return [...(this.scripts.get(hash)?.unspent.values() ?? [])]
  }

  /** Totals of a script: what is mined, and what the mempool adds. */
  statsOf(hash: string): { chain: ScriptStats; mempool: ScriptStats } {
    const history = this.scripts.get(hash)
    return { chain: this.count(hash, history?.mined ?? []), mempool: this.count(hash, history?.waiting ?? []) }
  }

  private count(hash: string, txids: Iterable<string>): ScriptStats {
    const stats = noStats()
    for (const txid of txids) {
      const entry = this.txs.get(txid)
      if (entry === undefined) continue
      stats.tx_count += 1
      for (const { script, value } of entry.tx.outputs) {
        if (scriptHash(script) !== hash) continue
        stats.funded_txo_count += 1
        stats.funded_txo_sum += Number(value)
      }
      for (const { script, value } of entry.spent) {
        if (scriptHash(script) !== hash) continue
        stats.spent_txo_count += 1
        stats.spent_txo_sum += Number(value)
      }
    }
    return stats
  }

  private apply(event: EngineEvent): void {
    switch (event.kind) {
      case 'connected':
        return this.connect(event.block)
      case 'disconnected':
        return this.disconnect(event.block)
      case 'entered': {
        this.insert(event.tx, undefined)
        return
      }
      case 'left':
        return this.erase(event.txid)
    }
  }

  private connect(block: ChainBlock): void {
    this.chain.push(block)
    this.heights.set(block.hash, block.height)
    for (const tx of block.txs) {
      const known = this.txs.get(tx.txid)
      if (known === undefined) {
        this.insert(tx, block)
        continue
      }
      known.block = block
      this.waiting.delete(tx.txid)
      for (const hash of scriptsOf(known)) {
        const history = this.historyOf(hash)
        history.waiting.delete(tx.txid)
        history.mined.push(tx.txid)
      }
    }
  }

  private disconnect(block: ChainBlock): void {
    this.chain.pop()
    this.heights.delete(block.hash)
    for (const { txid } of block.txs.toReversed()) this.erase(txid)
  }

  private insert(tx: ChainTx, block: ChainBlock | undefined): void {
    const spent = isCoinbase(tx)
      ? []
      : tx.inputs.flatMap(({ txid, vout }) => this.txs.get(txid)?.tx.outputs[vout] ?? [])
    const sum = (outputs: readonly TxOutput[]): bigint => outputs.reduce((total, { value }) => total + value, 0n)
    const entry: IndexedTx = { tx, spent, fee: isCoinbase(tx) ? 0n : sum(spent) - sum(tx.outputs), block }
    this.txs.set(tx.txid, entry)
    if (block === undefined) this.waiting.add(tx.txid)
    for (const hash of scriptsOf(entry)) {
      const history = this.historyOf(hash)
      if (block === undefined) history.waiting.add(tx.txid)
      else history.mined.push(tx.txid)
    }
    spent.forEach(({ script }, vin) => {
      const input = tx.inputs[vin]
      if (input === undefined) return
      const key = outpointKey(input.txid, input.vout)
      this.spends.set(key, { txid: tx.txid, vin })
      this.historyOf(scriptHash(script)).unspent.delete(key)
    })
    tx.outputs.forEach(({ script, value }, vout) => {
      const key = outpointKey(tx.txid, vout)
      if (!this.spends.has(key)) this.historyOf(scriptHash(script)).unspent.set(key, { txid: tx.txid, vout, value })
    })
  }

  private erase(txid: string): void {
    const entry = this.txs.get(txid)
    if (entry === undefined) return
    this.txs.delete(txid)
    this.waiting.delete(txid)
    entry.tx.outputs.forEach(({ script }, vout) => {
      this.historyOf(scriptHash(script)).unspent.delete(outpointKey(txid, vout))
    })
    entry.spent.forEach(({ script, value }, vin) => {
      const input = entry.tx.inputs[vin]
      if (input === undefined) return
      const key = outpointKey(input.txid, input.vout)
      this.spends.delete(key)
      if (this.txs.has(input.txid))
        this.historyOf(scriptHash(script)).unspent.set(key, { txid: input.txid, vout: input.vout, value })
    })
    for (const hash of scriptsOf(entry)) {
      const history = this.historyOf(hash)
      history.waiting.delete(txid)
      // Blocks are undone from the tip, so it stands at or near the end.
      const at = history.mined.lastIndexOf(txid)
      if (at >= 0) history.mined.splice(at, 1)
    }
  }

  private historyOf(hash: string): ScriptHistory {
    let history = this.scripts.get(hash)
    if (history === undefined) {
      history = { mined: [], waiting: new Set(), unspent: new Map() }
      this.scripts.set(hash, history)
    }
    return history
  }
}

/** Scripts that a transaction touches, each once. */
function scriptsOf({ tx, spent }: IndexedTx): Set<string> {
  return new Set([...tx.outputs, ...spent].map(({ script }) => scriptHash(script)))
}
