/**
 * Unconfirmed transactions under a node's default policy: standardness, minimum fee, chains of at most 25, full
 * replacement by fee. Reject strings and their order are those of Bitcoin Core's validation.cpp.
 */
import type { Rejection } from '../engine'
import { isCoinbase, outpointKey, type ChainTx, type TxOutput } from '../transaction'
import type { Chain, Coin } from './chain'
import { scriptFault } from './judge'
import { COINBASE_MATURITY, MAX_FEE_RATE, MAX_MEMPOOL_CHAIN, MAX_REPLACED, MIN_RELAY_RATE } from './params'
import { checkStandard, checkTransaction, hasStandardWitness, isFinal, relativeLocksPassed } from './policy'

export interface MempoolEntry {
  readonly tx: ChainTx
  /** satoshis */
  readonly fee: bigint
  /** seconds since 1970 */
  readonly at: number
}

export type Acceptance =
  | { readonly ok: true; readonly entry: MempoolEntry; readonly replaced: readonly string[] }
  | { readonly ok: false; readonly rejection: Rejection }

interface Inputs {
  readonly spent: readonly Coin[]
  readonly fee: bigint
  /** Unconfirmed transactions that are spent directly. */
  readonly parents: ReadonlySet<string>
  /** Unconfirmed transactions that spend the same outputs. */
  readonly conflicts: ReadonlySet<string>
}

const refuse = (message: string, code: Rejection['code'] = -26): { ok: false; rejection: Rejection } => ({
  ok: false,
  rejection: { code, message },
})

const scriptMessage = (reason: string): string => `mandatory-script-verify-flag-failed (${reason})`

/** Satoshis in BTC as Core prints money in reject strings. */
const money = (sats: bigint): string => {
  const digits = sats.toString().padStart(9, '0')
  const fraction = digits.slice(-8).replace(/0{1,6}$/, '')
  return `${digits.slice(0, -8)}.${fraction}`
}

export class Mempool {
  private readonly entries = new Map<string, MempoolEntry>()
  private readonly spenders = new Map<string, string>()

  get(txid: string): MempoolEntry | undefined {
    return this.entries.get(txid)
  }

  /** Parents always come before their children. */
  all(): MempoolEntry[] {
    return [...this.entries.values()]
  }

  /** The unconfirmed transaction that spends an output. */
  spenderOf(key: string): string | undefined {
    return this.spenders.get(key)
  }

  /**
   * Judges a transaction without changing anything.
   * @param known its scripts and its fee were judged before (a restart, a reorganisation)
   */
  judge(tx: ChainTx, chain: Chain, now: number, known = false): Acceptance {
    const fault = checkTransaction(tx) ?? (isCoinbase(tx) ? 'coinbase' : checkStandard(tx))
    if (fault !== undefined) return refuse(fault)
    const height = chain.tip.height + 1
    if (!isFinal(tx, height, chain.tip.medianTime)) return refuse('non-final')
    const inputs = this.resolve(tx, chain)
    if ('rejection' in inputs) return inputs
    const locks = inputs.spent.map(coin => ({
      height: coin.height,
      medianTimeBefore: coin.height > chain.tip.height ? chain.tip.medianTime : chain.medianTimeAt(coin.height - 1),
    }))
    if (!relativeLocksPassed(tx, locks, height, chain.tip.medianTime)) return refuse('non-BIP68-final')
    if (!hasStandardWitness(tx, inputs.spent)) return refuse('bad-witness-nonstandard')

    const minimum = BigInt(tx.vsize) * MIN_RELAY_RATE
    if (inputs.fee < minimum) return refuse(`min relay fee not met, ${inputs.fee} < ${minimum}`)
    const replaced = this.withDescendants(inputs.conflicts)
    const denial = this.replacementFault(tx, inputs, replaced) ?? this.chainFault(tx, inputs.parents, replaced)
    if (denial !== undefined) return refuse(denial)
    if (!known) {
      const script = scriptFault(tx, inputs.spent)
      if (script !== undefined) return refuse(scriptMessage(script))
      // The cap is the RPC's own, asked only of what would else be accepted.
      if (inputs.fee > BigInt(tx.vsize) * MAX_FEE_RATE) {
        return refuse('Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)', -25)
      }
    }
    return { ok: true, entry: { tx, fee: inputs.fee, at: now }, replaced: [...replaced] }
  }

  /** What is wrong with another witness of a transaction that waits already. */
  witnessFault(tx: ChainTx, chain: Chain): Rejection | undefined {
    const inputs = this.resolve(tx, chain)
    if ('rejection' in inputs) return inputs.rejection
    const script = scriptFault(tx, inputs.spent)
    return script === undefined ? undefined : refuse(scriptMessage(script)).rejection
  }

  /** Takes an accepted transaction in, after its replaced ones have been removed. */
  add(entry: MempoolEntry): void {
    this.entries.set(entry.tx.txid, entry)
    for (const { txid, vout } of entry.tx.inputs) this.spenders.set(outpointKey(txid, vout), entry.tx.txid)
  }

  /** Removes one transaction; its children, if any, are the caller's business. */
  remove(txid: string): void {
    const entry = this.entries.get(txid)
    if (entry === undefined) return
    this.entries.delete(txid)
    for (const input of entry.tx.inputs) this.spenders.delete(outpointKey(input.txid, input.vout))
  }

  /** Transactions with all that spend from them, directly or not. */
  withDescendants(roots: Iterable<string>): Set<string> {
    const found = new Set<string>(roots)
    for (const txid of found) {
      const outputs = this.entries.get(txid)?.tx.outputs.length ?? 0
      for (let vout = 0; vout < outputs; vout += 1) {
        const spender = this.spenders.get(outpointKey(txid, vout))
        if (spender !== undefined) found.add(spender)
      }
    }
    return found
  }

  /** Unconfirmed transactions with all that they spend from, directly or not. */
  withAncestors(parents: Iterable<string>): Set<string> {
    const found = new Set<string>(parents)
    for (const txid of found) {
      for (const input of this.entries.get(txid)?.tx.inputs ?? [])
        if (this.entries.has(input.txid)) found.add(input.txid)
    }
    return found
  }

  private resolve(tx: ChainTx, chain: Chain): Inputs | { ok: false; rejection: Rejection } {
    const spent: Coin[] = []
    const parents = new Set<string>()
    const conflicts = new Set<string>()
    for (const { txid, vout } of tx.inputs) {
      const key = outpointKey(txid, vout)
      const parent = this.entries.get(txid)
      const output: TxOutput | undefined = parent?.tx.outputs[vout]
      const coin = output === undefined ? chain.coin(key) : { ...output, height: chain.tip.height + 1, coinbase: false }
      if (coin === undefined) return refuse('bad-txns-inputs-missingorspent', -25)
      if (parent !== undefined) parents.add(txid)
      const rival = this.spenders.get(key)
      if (rival !== undefined) conflicts.add(rival)
      spent.push(coin)
    }
    const depth = (coin: Coin): number => chain.tip.height + 1 - coin.height
    const young = spent.find(coin => coin.coinbase && depth(coin) < COINBASE_MATURITY)
    if (young !== undefined)
      return refuse(`bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth ${depth(young)}`)
    const valueIn = spent.reduce((sum, { value }) => sum + value, 0n)
    const valueOut = tx.outputs.reduce((sum, { value }) => sum + value, 0n)
    if (valueIn < valueOut)
      return refuse(`bad-txns-in-belowout, value in (${money(valueIn)}) < value out (${money(valueOut)})`)
    return { spent, fee: valueIn - valueOut, parents, conflicts }
  }

  /** Rules of replacement (BIP125 without opt-in, as nodes do since Core 28). */
  private replacementFault(tx: ChainTx, inputs: Inputs, replaced: ReadonlySet<string>): string | undefined {
    if (replaced.size === 0) return undefined
    if ([...this.withAncestors(inputs.parents)].some(txid => replaced.has(txid))) {
      return `bad-txns-spends-conflicting-tx, ${tx.txid} spends conflicting transaction`
    }
    if (replaced.size > MAX_REPLACED) {
      return `too many potential replacements, rejecting replacement ${tx.txid}; too many potential replacements (${replaced.size} > ${MAX_REPLACED})`
    }
    const head = `insufficient fee, rejecting replacement ${tx.txid}`
    const allowedParents = new Set<string>()
    for (const txid of inputs.conflicts) {
      const rival = this.entries.get(txid)
      if (rival === undefined) continue
      // Compared as fractions: fee / vsize must rise against each transaction replaced directly.
      if (inputs.fee * BigInt(rival.tx.vsize) <= rival.fee * BigInt(tx.vsize)) {
        return `${head}; new feerate is not above the old one of ${txid}`
      }
      for (const input of rival.tx.inputs) allowedParents.add(input.txid)
    }
    if ([...inputs.parents].some(txid => !allowedParents.has(txid))) {
      return `replacement-adds-unconfirmed, replacement ${tx.txid} adds unconfirmed input`
    }
    const old = [...replaced].reduce((sum, txid) => sum + (this.entries.get(txid)?.fee ?? 0n), 0n)
    if (inputs.fee < old) return `${head}, less fees than conflicting txs; ${money(inputs.fee)} < ${money(old)}`
    const needed = BigInt(tx.vsize) * MIN_RELAY_RATE
    if (inputs.fee - old < needed)
      return `${head}, not enough additional fees to relay; ${money(inputs.fee - old)} < ${money(needed)}`
    return undefined
  }

  private chainFault(tx: ChainTx, parents: ReadonlySet<string>, replaced: ReadonlySet<string>): string | undefined {
    const ancestors = this.withAncestors(parents)
    if (ancestors.size + 1 > MAX_MEMPOOL_CHAIN) {
      return `too-long-mempool-chain, too many unconfirmed ancestors [limit: ${MAX_MEMPOOL_CHAIN}]`
    }
    for (const ancestor of ancestors) {
      const family = [...this.withDescendants([ancestor])].filter(txid => !replaced.has(txid))
      if (family.length + 1 > MAX_MEMPOOL_CHAIN) {
        return `too-long-mempool-chain, too many descendants for tx ${ancestor} [limit: ${MAX_MEMPOOL_CHAIN}], ${tx.txid}`
      }
    }
    return undefined
  }
}
