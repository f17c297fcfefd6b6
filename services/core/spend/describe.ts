import { toHex } from '../domain/bytes'
import type { SessionId } from '../domain/ids'
import type { Proposal } from '../domain/proposal'
import type { ReplacedView, ReviewView } from '../domain/views'
import { scriptToAddress } from '../crypto/address'
import { readSpend } from '../crypto/proposal-id'
import { txidOf } from '../crypto/transaction'
import type { PublicWallet } from '../crypto/public-wallet'
import { rateOf, sumOf } from './fees'
import { signedVsize } from './verify-proposal'

/**
 * The finished transaction as the review shows it: every output whole, change only where it is re-derived as ours.
 * Amounts of the inputs are those claimed; they are true once the check said `ok`. Undefined for a practice and for
 * what has not even the form of a spend. An output of unknown script is shown as its hex, never left out.
 */
export function describeProposal(wallet: PublicWallet, proposal: Proposal): ReviewView | undefined {
  if (proposal.kind !== 'spend') return undefined
  const form = readSpend(wallet, proposal)
  if (!form.ok) return undefined
  const { tx, prevouts } = form.value
  const own = new Set(proposal.ownOutputs.map(o => o.vout))
  const lines = tx.outputs.map((output, vout) => ({
    address: scriptToAddress(output.script, wallet.network) ?? `script:${toHex(output.script)}`,
    sats: output.sats,
    own: own.has(vout),
  }))
  const plain = (list: typeof lines): Array<{ address: string; sats: bigint }> =>
    list.map(({ address, sats }) => ({ address, sats }))
  const recipients = lines.filter(l => !l.own)
  const sentSats = sumOf(recipients)
  const feeSats = sumOf(prevouts) - sumOf(tx.outputs)
  const vsize = signedVsize(tx)
  return {
    recipients: plain(recipients),
    change: plain(lines.filter(l => l.own)),
    inputs: tx.inputs.map(({ txid, vout }, i) => ({ txid, vout, sats: prevouts[i]?.sats ?? 0n })),
    totalSats: sentSats + feeSats,
    feeSats,
    feeRate: rateOf(feeSats, vsize),
    feePercent: sentSats === 0n ? 0 : Number((feeSats * 10_000n) / sentSats) / 100,
    vsize,
    txid: txidOf(tx),
    note: proposal.note,
  }
}

/** What `next` takes the place of, as its review shows it. */
export function describeReplaced(old: ReviewView, session: SessionId, next: ReviewView): ReplacedView {
  const paid = (r: ReviewView): string =>
    r.recipients
      .map(out => `${out.address} ${out.sats}`)
      .sort()
      .join()
  const kind = next.recipients.length === 0 ? 'back' : paid(old) === paid(next) ? 'faster' : 'other'
  return { txid: old.txid, session, kind, sentSats: sumOf(old.recipients), feeSats: old.feeSats, feeRate: old.feeRate }
}
