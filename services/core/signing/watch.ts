/**
 * What the chain says of a session's transaction and of the coins it spends, as facts for the machine. Asked after each sync of
 * the wallet; ended sessions are watched until they are buried.
 */
import type { Txid } from '../domain/ids'
import { rawTxid } from '../domain/txid'
import type { Chain } from '../../ports/chain'
import { parseTx } from '../crypto/transaction'
import type { ChainFact } from './events'
import type { Session } from './state'
import { isChainEnd, isLive } from './table'

/** confirmations after which an end is no longer looked at: deeper reorgs do not happen on networks that anybody uses */
const BURIED = 100

/** A session whose transaction can still change on the chain. */
export function isWatched(session: Session): boolean {
  if (session.proposal.kind !== 'spend') return false
  if (isLive(session.state)) return true
  return isChainEnd(session.state) && (session.height === undefined || session.tip === undefined || session.tip - session.height < BURIED)
}

/** `isReplacement` tells whether a transaction is one of ours that names this session's in `replaces`. A failed read gives no fact: nothing is concluded from silence. */
export async function lookAtChain(session: Session, chain: Chain, isReplacement: (txid: Txid) => boolean): Promise<ChainFact[]> {
  if (session.proposal.kind !== 'spend') return []
  const txid = rawTxid(session.proposal.tx)
  const parsed = parseTx(session.proposal.tx)
  if (txid === undefined || !parsed.ok) return []
  const [tip, seen] = await Promise.all([chain.tip(), chain.tx(txid)])
  if (!tip.ok || !seen.ok) return []
  const bytes = async () => {
    const raw = await chain.rawTx(txid)
    return raw.ok && raw.value !== undefined ? { raw: raw.value } : {}
  }
  if (seen.value?.confirmed !== undefined) return [{ kind: 'confirmed', height: seen.value.confirmed.height, tip: tip.value.height, ...(session.signed === undefined ? await bytes() : {}) }]
  const facts: ChainFact[] = []
  if (session.state === 'confirmed') facts.push({ kind: 'reorged' })
  if (seen.value !== undefined) {
    if (session.state === 'replaced' || session.state === 'conflicted') facts.push({ kind: 'conflict-gone' })
    facts.push({ kind: 'seen', ...(session.signed === undefined ? await bytes() : {}) })
    return facts
  }
  const spends = await Promise.all(parsed.value.inputs.map(input => chain.outspend(input.txid, input.vout)))
  if (spends.some(s => !s.ok)) return facts
  const other = spends.flatMap(s => s.ok && s.value.confirmed && s.value.by !== undefined && s.value.by !== txid ? [s.value.by] : [])[0]
  if (other !== undefined) facts.push({ kind: 'conflict', txid: other, replacement: isReplacement(other) })
  else if (session.state === 'replaced' || session.state === 'conflicted') facts.push({ kind: 'conflict-gone' })
  else if (session.state === 'broadcast') facts.push({ kind: 'missing' })
  return facts
}
