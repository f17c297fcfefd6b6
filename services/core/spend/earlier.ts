/** What an earlier payment of the wallet is to the one that takes its place. */
import type { Chain } from '../../ports/chain'
import { outPointKey, type Txid } from '../domain/ids'
import type { SpendProposal } from '../domain/proposal'
import { parseTx, txidOf, type Tx } from '../crypto/transaction'
import { LIMITS } from '../wire/limits'
import type { BuildRequest, ReplacedSpend } from './build'
import { sumOf } from './fees'
import { signedVsize, type ReplacedFacts } from './verify-proposal'

/** Whom a payment pays, its change left out. */
export function recipientsOf({ ownOutputs }: SpendProposal, { outputs }: Tx): BuildRequest['recipients'] {
  const own = new Set(ownOutputs.map(o => o.vout))
  return outputs.filter((_, vout) => !own.has(vout)).map(({ script, sats }) => ({ script, amountSats: sats }))
}

/** The coins and the cost of a payment whose form was checked when its session was made. */
export function replacedSpend(proposal: SpendProposal): ReplacedSpend | undefined {
  const parsed = parseTx(proposal.tx, LIMITS.txBytes)
  if (!parsed.ok) return undefined
  const { inputs, outputs } = parsed.value
  const coins = inputs.flatMap(({ txid, vout }, i) => {
    const claim = proposal.inputs[i]
    return claim === undefined ? [] : [{ txid, vout, ...claim, ours: true }]
  })
  const spentSats = proposal.inputs.reduce((sum, { amountSats }) => sum + amountSats, 0n)
  return {
    txid: txidOf(parsed.value),
    feeSats: spentSats - sumOf(outputs),
    vsize: signedVsize(parsed.value),
    coins,
  }
}

/** The payment that is to be replaced, as the chain server shows it; undefined when it shows none. */
export async function seenFacts(chain: Chain, txid: Txid): Promise<ReplacedFacts | undefined> {
  const [seen, raw] = await Promise.all([chain.tx(txid), chain.rawTx(txid)])
  if (!seen.ok || seen.value === undefined || !raw.ok || raw.value === undefined) return undefined
  const tx = parseTx(raw.value)
  if (!tx.ok) return undefined
  return {
    feeSats: seen.value.feeSats,
    weight: seen.value.weight,
    confirmed: seen.value.confirmed !== undefined,
    inputs: new Set(tx.value.inputs.map(outPointKey)),
  }
}

/** The same from the own session: a payment of a low fee is just what servers let go, and what needs a replacement. */
export function signedFacts(proposal: SpendProposal, confirmed: boolean): ReplacedFacts | undefined {
  const spend = replacedSpend(proposal)
  return (
    spend && {
      feeSats: spend.feeSats,
      weight: spend.vsize * 4,
      confirmed,
      inputs: new Set(spend.coins.map(outPointKey)),
    }
  )
}
