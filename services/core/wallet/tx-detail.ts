import { scriptToAddress } from '../crypto/address'
import { fromHex } from '../domain/bytes'
import type { Txid } from '../domain/ids'
import { NETWORKS } from '../domain/network'
import type { ReviewView } from '../domain/views'
import type { OpenWallet } from './open-wallet'

export type TxDetail = Omit<ReviewView, 'note'> & {
  readonly height?: number
  /** unix seconds of the block */
  readonly time?: number
}

/** One transaction of the history, with every output; undefined when the server does not know it. */
export async function txDetail({ follower, chain, record }: OpenWallet, txid: Txid): Promise<TxDetail | undefined> {
  if (follower === undefined) return undefined
  const known = follower.state.txs.get(txid)
  const asked = known === undefined ? await chain?.tx(txid) : undefined
  const tx = known ?? (asked?.ok === true ? asked.value : undefined)
  if (tx === undefined) return undefined
  const mine = new Set(follower.state.scripts.map(s => s.script))
  const spending = tx.vin.some(i => i.prevoutScript !== undefined && mine.has(i.prevoutScript))
  const network = NETWORKS[record.network]
  const outputs = tx.vout.map(o => ({
    address: scriptToAddress(fromHex(o.script), network) ?? o.script,
    sats: o.sats,
    own: mine.has(o.script),
  }))
  // of a payment to us ours are the recipients; of one by us ours are the change
  const recipients = outputs.filter(o => o.own !== spending)
  const total = recipients.reduce((sum, o) => sum + o.sats, 0n)
  const vsize = Math.ceil(tx.weight / 4)
  return {
    recipients,
    change: spending ? outputs.filter(o => o.own) : [],
    inputs: tx.vin.map(i => ({ txid: i.txid, vout: i.vout, sats: i.prevoutSats ?? 0n })),
    totalSats: total + tx.feeSats,
    feeSats: tx.feeSats,
    feeRate: Math.round((Number(tx.feeSats) / vsize) * 100) / 100,
    feePercent: total === 0n ? 0 : Number((tx.feeSats * 10_000n) / total) / 100,
    vsize,
    txid,
    ...(tx.confirmed === undefined ? {} : { height: tx.confirmed.height, time: tx.confirmed.time }),
  }
}
