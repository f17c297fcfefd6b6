/**
 * Facts for the co-signer's check, taken freshly from the own chain server: nothing of them comes from the proposer.
 * The raw parents are bound to their txids (the port checks it), so amounts and scripts read from them are true even if
 * the server lies; that an output is unspent is the server's word.
 */
import { outPointKey, type OutPoint, type Txid } from '../domain/ids'
import { ok, type Result } from '../domain/result'
import type { Chain, ChainError, Tip } from '../../ports/chain'
import { concurrently } from './concurrent'

export interface Outspend {
  readonly spent: boolean
  readonly by?: Txid
  readonly confirmed: boolean
}

export interface SpendFacts {
  readonly tip: Tip
  /**
   * Raw parents by txid, with the height of their block; those that the server does not know are missing: not yet seen.
   */
  readonly parents: ReadonlyMap<Txid, { readonly raw: Uint8Array; readonly height?: number }>
  /** by `outPointKey`; missing where the parent is missing */
  readonly outspends: ReadonlyMap<string, Outspend>
}

/**
 * What this device's own last sync says: its tip, the coins that it saw unspent, with the height of their block, and
 * every transaction of the wallet.
 */
export interface Synced {
  readonly tip?: Tip
  readonly coins: ReadonlyArray<OutPoint & { readonly height?: number }>
  readonly history: ReadonlyArray<{ readonly txid: Txid }>
}

/**
 * Asks for the parents and the spent state of `inputs`. `rawTxs` keeps raw parents between checks of one session (they
 * cannot change). Coins of the own last sync (seconds old, followed all the time) are known to be there, and its tip
 * serves too; whether an input is spent meanwhile is asked each time. After a first sync nothing is asked about
 * transactions that are none of this wallet: a proposer may name what he likes, and 256 of the largest would keep a
 * server, and all wallets that share it, busy.
 */
export async function gatherSpendFacts(p: {
  readonly chain: Chain
  readonly inputs: readonly OutPoint[]
  readonly rawTxs?: Map<Txid, Uint8Array>
  readonly synced?: Synced
  readonly signal?: AbortSignal
  readonly concurrency?: number
}): Promise<Result<SpendFacts, ChainError>> {
  const { chain, signal, concurrency = 4, rawTxs = new Map<Txid, Uint8Array>() } = p
  const ours =
    p.synced?.tip === undefined ? undefined : new Set([...p.synced.history, ...p.synced.coins].map(({ txid }) => txid))
  const inputs = p.inputs.filter(({ txid }) => ours === undefined || ours.has(txid))
  const txids = [...new Set(inputs.map(input => input.txid))]
  const own = new Map(p.synced?.tip === undefined ? [] : p.synced.coins.map(coin => [coin.txid, coin.height]))
  // side by side: three checks stand between the last yes and the payment, and each would wait for three answers in a
  // row
  const [tip, known, outspends] = await Promise.all([
    p.synced?.tip === undefined ? chain.tip(signal) : ok(p.synced.tip),
    concurrently(
      txids,
      concurrency,
      async (txid): Promise<Result<[Txid, { raw: Uint8Array; height?: number }] | undefined, ChainError>> => {
        const [seen, raw] = await Promise.all([
          own.has(txid) ? ok(undefined) : chain.tx(txid, signal),
          rawTxs.has(txid) ? ok(rawTxs.get(txid)) : chain.rawTx(txid, signal),
        ])
        if (!seen.ok) return seen
        if (!raw.ok) return raw
        if (raw.value === undefined || (seen.value === undefined && !own.has(txid))) return ok(undefined)
        rawTxs.set(txid, raw.value)
        const height = own.get(txid) ?? seen.value?.confirmed?.height
        return ok([txid, height === undefined ? { raw: raw.value } : { raw: raw.value, height }])
      },
    ),
    concurrently(inputs, concurrency, async (point): Promise<Result<[OutPoint, Outspend], ChainError>> => {
      const answer = await chain.outspend(point.txid, point.vout, signal)
      return answer.ok ? ok([point, answer.value]) : answer
    }),
  ])
  if (!tip.ok) return tip
  if (!known.ok) return known
  if (!outspends.ok) return outspends
  const parents = new Map(known.value.filter(entry => entry !== undefined))
  // a server calls the output of a transaction that it does not know unspent: no fact
  const seen = outspends.value.filter(([point]) => parents.has(point.txid))
  return ok({ tip: tip.value, parents, outspends: new Map(seen.map(([point, state]) => [outPointKey(point), state])) })
}
