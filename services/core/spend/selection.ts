import type { Coin } from '../domain/wallet'
import { outPointKey } from '../domain/ids'
import { dustLimit, feeFor, INPUT_VBYTES, spendVsize } from './fees'

/**
 * Which coins pay. First an exact set that needs no change (branch and bound), then the smallest coin that is enough by
 * itself, then the largest first. Confirmed coins are tried alone; unconfirmed change of our own joins only when they
 * do not suffice. The same coins and target give the same choice.
 * @see https://murch.one/erhardt2016coinselection.pdf (branch and bound, as in Bitcoin Core)
 */
export interface SelectionTarget {
  /** satoshis for the recipients */
  readonly amountSats: bigint
  /** sat/vB */
  readonly feeRate: number
  /** scripts of the recipients, and of the change if there is any */
  readonly scripts: readonly Uint8Array[]
  readonly changeScript: Uint8Array
}

export interface Selection {
  readonly coins: readonly Coin[]
  readonly feeSats: bigint
  readonly vsize: number
  /** undefined when there is no change output */
  readonly changeSats: bigint | undefined
}

/** steps of the search: a few milliseconds; enough for an exact set among some dozens of coins */
const MAX_STEPS = 20_000

/** Unconfirmed coins are money of ours only when a transaction of ours made them. */
export const isSpendable = (coin: Coin): boolean => coin.height !== undefined || coin.ours

/**
 * Fee and change of spending exactly these coins; undefined when they do not suffice. Change below dust goes to the
 * fee.
 */
export function settle(coins: readonly Coin[], target: SelectionTarget): Selection | undefined {
  const total = coins.reduce((sum, coin) => sum + coin.amountSats, 0n)
  const withChange = spendVsize(coins.length, [...target.scripts, target.changeScript])
  const changeFee = feeFor(withChange, target.feeRate)
  const changeSats = total - target.amountSats - changeFee
  if (changeSats >= dustLimit(target.changeScript)) return { coins, feeSats: changeFee, vsize: withChange, changeSats }
  const vsize = spendVsize(coins.length, target.scripts)
  const feeSats = total - target.amountSats
  return feeSats >= feeFor(vsize, target.feeRate) ? { coins, feeSats, vsize, changeSats: undefined } : undefined
}

/**
 * Undefined when the coins do not suffice. `must` are spent in any case (explicit choice, or the inputs of what a bump
 * replaces).
 */
export function selectCoins(
  candidates: readonly Coin[],
  target: SelectionTarget,
  must: readonly Coin[] = [],
): Selection | undefined {
  const taken = new Set(must.map(outPointKey))
  const cost = feeFor(INPUT_VBYTES, target.feeRate)
  // a coin that costs more than it brings is left where it is
  const useful = candidates
    .filter(coin => !taken.has(outPointKey(coin)) && isSpendable(coin) && coin.amountSats > cost)
    .sort(byAmount)
  const confirmed = useful.filter(coin => coin.height !== undefined)
  return choose(confirmed, target, must) ?? choose(useful, target, must)
}

const byAmount = (a: Coin, b: Coin): number =>
  a.amountSats === b.amountSats ? (outPointKey(a) < outPointKey(b) ? -1 : 1) : a.amountSats > b.amountSats ? -1 : 1

/** `coins` in descending order. */
function choose(coins: readonly Coin[], target: SelectionTarget, must: readonly Coin[]): Selection | undefined {
  if (must.length > 0) {
    const alone = settle(must, target)
    if (alone) return alone
  } else {
    const exact = branchAndBound(coins, target)
    if (exact) return exact
    for (let i = coins.length - 1; i >= 0; i--) {
      const coin = coins[i]
      const single = coin && settle([coin], target)
      if (single) return single
    }
  }
  const picked = [...must]
  for (const coin of coins) {
    picked.push(coin)
    const enough = settle(picked, target)
    if (enough) return enough
  }
  return undefined
}

/** A set whose surplus is less than what a change output would cost to make and to spend. */
function branchAndBound(coins: readonly Coin[], target: SelectionTarget): Selection | undefined {
  const inputFee = feeFor(INPUT_VBYTES, target.feeRate)
  const values = coins.map(coin => coin.amountSats - inputFee)
  const goal = target.amountSats + feeFor(spendVsize(0, target.scripts) + 1, target.feeRate)
  const window =
    feeFor(INPUT_VBYTES + spendVsize(0, [target.changeScript]), target.feeRate) + dustLimit(target.changeScript)
  const rest: bigint[] = Array.from({ length: values.length + 1 }, () => 0n)
  for (let i = values.length - 1; i >= 0; i--) rest[i] = (rest[i + 1] ?? 0n) + (values[i] ?? 0n)
  let steps = 0
  const path: number[] = []
  const search = (from: number, sum: bigint): boolean => {
    if (steps++ > MAX_STEPS || sum > goal + window) return false
    if (sum >= goal) return true
    if (from >= values.length || sum + (rest[from] ?? 0n) < goal) return false
    path.push(from)
    if (search(from + 1, sum + (values[from] ?? 0n))) return true
    path.pop()
    // an equal coin that was just left out would only repeat the search
    let next = from + 1
    while (next < values.length && values[next] === values[from]) next++
    return search(next, sum)
  }
  if (coins.length > 1_000 || !search(0, 0n)) return undefined
  const selected = settle(
    path.flatMap(i => coins[i] ?? []),
    target,
  )
  return selected && selected.changeSats === undefined ? selected : undefined
}
