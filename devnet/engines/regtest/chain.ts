/**
 * The chain of blocks and the coins that it leaves unspent. Every block is checked in full (save its scripts, which the
 * mempool has judged) before anything changes, and carries the coins that it spent so that it can be undone.
 */
import { concatBytes, displayHash, equalBytes, fromHex, internalHash, sha256d } from '../bytes'
import { blockDimensions, decodeHeader, merkleRoot, targetOf, type ChainBlock } from '../block'
import { isCoinbase, outpointKey, parseTx, type ChainTx, type TxOutput } from '../transaction'
import { COINBASE_MATURITY, GENESIS, MAX_BLOCK_WEIGHT, REGTEST_BITS, subsidyAt } from './params'
import { checkTransaction, isFinal, relativeLocksPassed } from './policy'
import { scriptNumber } from './script-number'

export interface Coin extends TxOutput {
  readonly height: number
  readonly coinbase: boolean
}

interface Link {
  readonly block: ChainBlock
  /** Coins that the block took from earlier blocks, by outpoint. */
  readonly undo: readonly (readonly [string, Coin])[]
}

/** First bytes of the output that carries the witness commitment (BIP141). */
export const COMMITMENT_PREFIX = fromHex('6a24aa21a9ed')

/** Witness commitment of a block: its witness merkle root and the coinbase's reserved value, hashed. */
export function witnessCommitment(txs: readonly ChainTx[], reserved: Uint8Array): Uint8Array {
  const root = merkleRoot(txs.map((tx, i) => (i === 0 ? '00'.repeat(32) : tx.wtxid)))
  return sha256d(concatBytes(internalHash(root), reserved))
}

const MEDIAN_SPAN = 11

export class Chain {
  private readonly links: Link[] = []
  private readonly coins = new Map<string, Coin>()

  constructor() {
    const headerBytes = fromHex(GENESIS.header)
    const coinbase = parseTx(fromHex(GENESIS.coinbase))
    if (coinbase === undefined) throw new Error('the genesis transaction does not parse')
    const header = decodeHeader(headerBytes)
    const block: ChainBlock = {
      hash: GENESIS.hash,
      height: 0,
      header,
      headerBytes,
      medianTime: header.time,
      txs: [coinbase],
      ...blockDimensions([coinbase]),
    }
    // The genesis output can never be spent: Bitcoin Core leaves it out of the coins.
    this.links.push({ block, undo: [] })
  }

  get tip(): ChainBlock {
    const last = this.links.at(-1)
    if (last === undefined) throw new Error('a chain has at least its genesis block')
    return last.block
  }

  blockAt(height: number): ChainBlock | undefined {
    return this.links[height]?.block
  }

  blocks(): ChainBlock[] {
    return this.links.map(({ block }) => block)
  }

  /** An unspent output of a mined transaction. */
  coin(key: string): Coin | undefined {
    return this.coins.get(key)
  }

  unspent(): IterableIterator<[string, Coin]> {
    return this.coins.entries()
  }

  /** Median of the last eleven block times up to a height, seconds (BIP113). */
  medianTimeAt(height: number): number {
    return this.blockAt(Math.max(0, height))?.medianTime ?? this.tip.medianTime
  }

  /** Puts a block on the tip. @throws Error with Core's reject string; nothing has changed then */
  connect(headerBytes: Uint8Array, txs: readonly ChainTx[]): ChainBlock {
    const header = decodeHeader(headerBytes)
    const height = this.tip.height + 1
    const hash = displayHash(sha256d(headerBytes))
    if (header.previous !== this.tip.hash) throw new Error('prev-blk-not-found')
    if (header.bits !== REGTEST_BITS) throw new Error('bad-diffbits')
    if (BigInt(`0x${hash}`) > targetOf(header.bits)) throw new Error('high-hash')
    if (header.time <= this.tip.medianTime) throw new Error('time-too-old')
    if (header.merkleRoot !== merkleRoot(txs.map(({ txid }) => txid))) throw new Error('bad-txnmrklroot')
    const dimensions = blockDimensions(txs)
    if (dimensions.weight > MAX_BLOCK_WEIGHT) throw new Error('bad-blk-weight')
    const coinbase = txs[0]
    if (coinbase === undefined || !isCoinbase(coinbase)) throw new Error('bad-cb-missing')
    this.checkCoinbase(coinbase, txs, height)

    const made = new Map<string, Coin>()
    const undo = new Map<string, Coin>()
    let fees = 0n
    for (const tx of txs) {
      const fault = checkTransaction(tx)
      if (fault !== undefined) throw new Error(fault)
      if (!isFinal(tx, height, this.tip.medianTime)) throw new Error('bad-txns-nonfinal')
      if (tx !== coinbase) fees += this.spend(tx, height, made, undo)
      tx.outputs.forEach(({ value, script }, vout) => {
        // What can never be spent is no coin.
        if (script[0] !== 0x6a)
          made.set(outpointKey(tx.txid, vout), { value, script, height, coinbase: tx === coinbase })
      })
    }
    if (coinbase.outputs.reduce((sum, { value }) => sum + value, 0n) > subsidyAt(height) + fees)
      throw new Error('bad-cb-amount')

    for (const key of undo.keys()) this.coins.delete(key)
    for (const [key, coin] of made) this.coins.set(key, coin)
    const times = this.links.slice(1 - MEDIAN_SPAN).map(({ block }) => block.header.time)
    const sorted = [...times, header.time].sort((a, b) => a - b)
    const medianTime = sorted[Math.floor(sorted.length / 2)] ?? header.time
    const block: ChainBlock = { hash, height, header, headerBytes, medianTime, txs, ...dimensions }
    this.links.push({ block, undo: [...undo] })
    return block
  }

  /** Takes the tip off again and gives its coins back. @throws RangeError at the genesis block */
  disconnect(): ChainBlock {
    if (this.links.length === 1) throw new RangeError('the genesis block cannot be undone')
    const { block, undo } = this.links.pop() as Link
    for (const tx of block.txs) tx.outputs.forEach((_, vout) => this.coins.delete(outpointKey(tx.txid, vout)))
    for (const [key, coin] of undo) this.coins.set(key, coin)
    return block
  }

  private checkCoinbase(coinbase: ChainTx, txs: readonly ChainTx[], height: number): void {
    const input = coinbase.inputs[0]
    const numbered = scriptNumber(height)
    if (!equalBytes(input?.scriptSig.subarray(0, numbered.length) ?? new Uint8Array(), numbered))
      throw new Error('bad-cb-height')
    if (txs.slice(1).some(isCoinbase)) throw new Error('bad-cb-multiple')
    const commitment = coinbase.outputs.findLast(
      ({ script }) => script.length >= 38 && equalBytes(script.subarray(0, 6), COMMITMENT_PREFIX),
    )
    if (commitment === undefined) {
      if (txs.some(tx => tx.wtxid !== tx.txid)) throw new Error('unexpected-witness')
      return
    }
    const reserved = input?.witness[0]
    if (input?.witness.length !== 1 || reserved?.length !== 32) throw new Error('bad-witness-nonce-size')
    if (!equalBytes(commitment.script.subarray(6, 38), witnessCommitment(txs, reserved)))
      throw new Error('bad-witness-merkle-match')
  }

  /** Moves a transaction's inputs from the coins (or this block's own) to `undo`. @returns its fee in satoshis */
  private spend(tx: ChainTx, height: number, made: Map<string, Coin>, undo: Map<string, Coin>): bigint {
    const coins: Coin[] = []
    for (const { txid, vout } of tx.inputs) {
      const key = outpointKey(txid, vout)
      const own = made.get(key)
      const coin = own ?? (undo.has(key) ? undefined : this.coins.get(key))
      if (coin === undefined) throw new Error('bad-txns-inputs-missingorspent')
      if (coin.coinbase && height - coin.height < COINBASE_MATURITY)
        throw new Error('bad-txns-premature-spend-of-coinbase')
      coins.push(coin)
      if (own === undefined) undo.set(key, coin)
      else made.delete(key)
    }
    const locks = coins.map(coin => ({ height: coin.height, medianTimeBefore: this.medianTimeAt(coin.height - 1) }))
    if (!relativeLocksPassed(tx, locks, height, this.tip.medianTime)) throw new Error('bad-txns-nonfinal')
    const fee =
      coins.reduce((sum, { value }) => sum + value, 0n) - tx.outputs.reduce((sum, { value }) => sum + value, 0n)
    if (fee < 0n) throw new Error('bad-txns-in-belowout')
    return fee
  }
}
