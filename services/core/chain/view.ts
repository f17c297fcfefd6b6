/**
 * What the chain state means for the wallet: its coins, history, used addresses, balance. Pure derivations; nothing
 * here is stored.
 *
 * 1. A transaction that a confirmed one contradicts does not count, nor does anything built on it; of two unconfirmed
 * ones
 *     that spend the same coin only the one with the higher fee counts (BIP125: it is the replacement).
 *  2. A coin is an output to one of our scripts that no counting transaction spends, confirmed or not.
 *  3. `ours` is a coin of a transaction all of whose inputs were ours: nobody else can take it back.
 */
import { outPointKey, type Branch, type Txid } from '../domain/ids'
import type { Hex } from '../domain/bytes'
import type { BalanceView } from '../domain/views'
import type { Coin, HistoryItem } from '../domain/wallet'
import type { ChainTx, Tip } from '../../ports/chain'
import { LIMITS } from '../wire/limits'
import type { ChainState } from './state'

/** Blocks on top of a coinbase before it may be spent, its own included (consensus). */
const COINBASE_MATURITY = 100
/**
 * Generations within one block that are put in order; nodes keep no longer chains in their mempools, only a lying
 * server shows more.
 */
const MAX_DEPTH = 64

export interface ChainCoin extends Coin {
  readonly script: Hex
  /** block reward: not spendable for the first 100 blocks */
  readonly coinbase: boolean
}

export interface WalletChain {
  readonly tip?: Tip
  /** unspent, oldest first, unconfirmed last */
  readonly coins: readonly ChainCoin[]
  /** newest first, unconfirmed before confirmed */
  readonly history: readonly HistoryItem[]
  /** indices with any transaction, per branch */
  readonly used: readonly [ReadonlySet<number>, ReadonlySet<number>]
  /** highest used index per branch, -1 without any */
  readonly lastUsed: readonly [number, number]
  /** something of ours waits for its block */
  readonly unconfirmed: boolean
}

export function readWallet(state: ChainState): WalletChain {
  const mine = new Map(state.scripts.map(s => [s.script, s]))
  const txs = withoutConflicts(state.txs)
  const used: [Set<number>, Set<number>] = [new Set(), new Set()]
  const outputs = new Map<string, ChainCoin>()
  for (const tx of txs.values()) {
    tx.vout.forEach((out, vout) => {
      const at = mine.get(out.script)
      if (!at) return
      used[at.branch].add(at.index)
      const coin = {
        txid: tx.txid,
        vout,
        amountSats: out.sats,
        branch: at.branch,
        index: at.index,
        script: out.script,
        ours: false,
        coinbase: tx.vin.some(i => i.coinbase),
      }
      outputs.set(outPointKey(coin), tx.confirmed ? { ...coin, height: tx.confirmed.height } : coin)
    })
    for (const input of tx.vin) {
      const at = input.prevoutScript === undefined ? undefined : mine.get(input.prevoutScript)
      if (at) used[at.branch].add(at.index)
    }
  }
  const spent = new Set([...txs.values()].flatMap(tx => tx.vin.map(outPointKey)))
  const isOurs = (tx: ChainTx | undefined): boolean =>
    tx !== undefined && tx.vin.every(input => outputs.has(outPointKey(input)))
  const coins = [...outputs.values()]
    .filter(coin => !spent.has(outPointKey(coin)))
    .map(coin => ({ ...coin, ours: isOurs(txs.get(coin.txid)) }))
    .sort((a, b) => byHeight(a.height, b.height) || (a.txid < b.txid ? -1 : a.txid > b.txid ? 1 : a.vout - b.vout))
  return {
    ...(state.tip ? { tip: state.tip } : {}),
    coins,
    history: historyOf(txs, outputs, isOurs),
    used,
    lastUsed: [Math.max(-1, ...used[0]), Math.max(-1, ...used[1])],
    unconfirmed: [...txs.values()].some(tx => !tx.confirmed),
  }
}

/** Unconfirmed last. */
const byHeight = (a: number | undefined, b: number | undefined): number =>
  a === b ? 0 : a === undefined ? 1 : b === undefined ? -1 : a - b

/** Rule 1. */
function withoutConflicts(all: ReadonlyMap<Txid, ChainTx>): Map<Txid, ChainTx> {
  const txs = new Map(all)
  const winners = new Map<string, ChainTx>()
  const losers: Txid[] = []
  const stronger = (a: ChainTx, b: ChainTx): ChainTx =>
    a.confirmed ? a : b.confirmed ? b : a.feeSats >= b.feeSats ? a : b
  for (const tx of all.values()) {
    for (const input of tx.vin) {
      if (input.coinbase) continue
      const point = outPointKey(input)
      const other = winners.get(point)
      const winner = other ? stronger(other, tx) : tx
      if (other) losers.push(winner === tx ? other.txid : tx.txid)
      winners.set(point, winner)
    }
  }
  for (let gone = losers; gone.length > 0;) {
    for (const txid of gone) txs.delete(txid)
    const parents = new Set(gone)
    gone = [...txs.values()].filter(tx => tx.vin.some(i => parents.has(i.txid))).map(tx => tx.txid)
  }
  return txs
}

function historyOf(
  txs: ReadonlyMap<Txid, ChainTx>,
  outputs: ReadonlyMap<string, ChainCoin>,
  isOurs: (tx: ChainTx) => boolean,
): HistoryItem[] {
  const depths = new Map<Txid, number>()
  /** links to parents of the same block (or of the mempool): a child is newer than its parent */
  const depth = (tx: ChainTx, left = MAX_DEPTH): number => {
    const known = depths.get(tx.txid)
    if (known !== undefined || left === 0) return known ?? 0
    depths.set(tx.txid, 0)
    let deepest = 0
    for (const input of tx.vin) {
      const parent = txs.get(input.txid)
      if (parent && parent.confirmed?.height === tx.confirmed?.height)
        deepest = Math.max(deepest, depth(parent, left - 1) + 1)
    }
    depths.set(tx.txid, deepest)
    return deepest
  }
  return [...txs.values()]
    .sort(
      (a, b) => byHeight(b.confirmed?.height, a.confirmed?.height) || depth(b) - depth(a) || (a.txid < b.txid ? -1 : 1),
    )
    .flatMap(tx => {
      const received = tx.vout.reduce(
        (sum, out, vout) => sum + (outputs.has(outPointKey({ txid: tx.txid, vout })) ? out.sats : 0n),
        0n,
      )
      const given = tx.vin.reduce((sum, input) => sum + (outputs.get(outPointKey(input))?.amountSats ?? 0n), 0n)
      return [
        {
          txid: tx.txid,
          deltaSats: received - given,
          ...(isOurs(tx) ? { feeSats: tx.feeSats } : {}),
          ...(tx.confirmed ? { height: tx.confirmed.height, time: tx.confirmed.time } : {}),
        },
      ]
    })
}

/**
 * May be an input of the next transaction as far as the chain is concerned: confirmed and mature, or our own change.
 */
export function isSpendable(coin: ChainCoin, tip: Tip | undefined): boolean {
  if (coin.height === undefined) return coin.ours
  return !coin.coinbase || (tip !== undefined && tip.height + 1 - coin.height >= COINBASE_MATURITY)
}

/** Coins that a new proposal may take. `held` are outpoint keys of my holds. */
export const spendableCoins = (wallet: WalletChain, held: ReadonlySet<string>): ChainCoin[] =>
  wallet.coins.filter(coin => !held.has(outPointKey(coin)) && isSpendable(coin, wallet.tip))

/**
 * Satoshis, each coin counted once: `heldSats` in holds, `availableSats` spendable now, `pendingSats` the rest
 * (incoming and unconfirmed, or an immature block reward).
 */
export function balances(wallet: WalletChain, held: ReadonlySet<string>): BalanceView {
  const sum = { availableSats: 0n, pendingSats: 0n, heldSats: 0n }
  for (const coin of wallet.coins) {
    const part = held.has(outPointKey(coin))
      ? 'heldSats'
      : isSpendable(coin, wallet.tip)
        ? 'availableSats'
        : 'pendingSats'
    sum[part] += coin.amountSats
  }
  return sum
}

/**
 * The first index after the last used one that no live session reserves; undefined when all that a restored wallet
 * would find (BIP44 gap limit) are taken.
 */
export function nextIndex(wallet: WalletChain, branch: Branch, reserved: ReadonlySet<number>): number | undefined {
  const last = wallet.lastUsed[branch]
  for (let index = last + 1; index <= last + LIMITS.gapLimit; index++) if (!reserved.has(index)) return index
  return undefined
}
