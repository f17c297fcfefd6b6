/**
 * What the chain says of a session's transaction and of the coins it spends, as facts for the machine. Asked after each
 * sync of the wallet; ended sessions are watched until they are buried.
 */
import type { OutPoint, Txid } from '../../domain/ids'
import { ok } from '../../domain/result'
import type { Chain } from '../../../ports/chain'
import { concurrently } from '../../chain/concurrent'
import { parseTx } from '../../crypto/transaction'
import type { ChainFact } from '../protocol/events'
import { inputsOf, replacedTxids, txidOfProposal } from '../rules/between-sessions'
import { holdsCoins, voteOf, type Session } from '../protocol/state'
import { isCalledOff, isChainEnd, isLive, isOpen } from '../protocol/table'

/**
 * confirmations after which an end is no longer looked at: deeper reorgs do not happen on networks that anybody uses
 */
const BURIED = 100

/** questions at once: one session must not fill the queue of a server that all wallets share */
const LOOK_CONCURRENCY = 2

/**
 * A session whose transaction can still change on the chain. Without my yes nothing of it can be there; but a
 * replacement that I have not answered is over when the earlier payment is mined. `paid`: transactions of the wallet's
 * history that no session is known to have made. What this device called off is among them when another computer of
 * mine, or this one before its disk was set back, has signed it.
 */
export function isWatched(session: Session, paid: ReadonlySet<Txid>): boolean {
  if (session.proposal.kind !== 'spend') return false
  if (isCalledOff(session.state)) return paid.has(txidOfProposal(session.proposal) ?? '')
  if (isLive(session.state))
    return !isOpen(session.state) || voteOf(session, session.self) === 'yes' || session.proposal.replaces !== undefined
  return session.height === undefined || session.tip === undefined || session.tip - session.height < BURIED
}

/** What a transaction is to a session: one that takes its place, another of this wallet, or unknown. */
export type KnownSpend = 'replacement' | 'other' | undefined

/** What the sessions of a wallet are to one of them. */
export interface Neighbours {
  readonly ours: (session: Session, txid: Txid) => KnownSpend
  /**
   * the transaction of ours, not mined yet, that makes a coin: when another takes its place, what is built on it is
   * over too
   */
  readonly maker: (txid: Txid) => Uint8Array | undefined
  /** see `isWatched` */
  readonly paid: ReadonlySet<Txid>
}

/** `history`: transactions of the wallet as the chain server tells them. */
export function neighbours(sessions: readonly Session[], history: ReadonlySet<Txid>): Neighbours {
  const known = new Map(
    sessions.flatMap(session => {
      const txid = txidOfProposal(session.proposal)
      return txid === undefined
        ? []
        : [[txid, { replaced: replacedTxids(sessions, session.proposal), session }] as const]
    }),
  )
  const made = new Set(sessions.filter(s => holdsCoins(s) || isChainEnd(s.state)).map(s => txidOfProposal(s.proposal)))
  return {
    ours: (session, txid) =>
      !known.has(txid)
        ? undefined
        : known.get(txid)?.replaced.has(txidOfProposal(session.proposal) ?? '') === true
          ? 'replacement'
          : 'other',
    maker(txid) {
      const maker = known.get(txid)?.session
      return maker?.proposal.kind === 'spend' && maker.state !== 'confirmed' ? maker.proposal.tx : undefined
    },
    paid: new Set([...history].filter(txid => !made.has(txid))),
  }
}

/**
 * Nothing spends the coins of a session without my part, so an unknown spender is a server's invention (or what another
 * device of mine signed): it gives no fact, and the coins stay held. A failed read gives none either: nothing is
 * concluded from silence.
 */
export async function lookAtChain(
  session: Session,
  chain: Chain,
  { ours, maker }: Pick<Neighbours, 'ours' | 'maker'>,
): Promise<ChainFact[]> {
  if (session.proposal.kind !== 'spend') return []
  const txid = txidOfProposal(session.proposal)
  const parsed = parseTx(session.proposal.tx)
  if (txid === undefined || !parsed.ok) return []
  const [tip, seen] = await Promise.all([chain.tip(), chain.tx(txid)])
  if (!tip.ok || !seen.ok) return []
  const bytes = async () => {
    const raw = await chain.rawTx(txid)
    return raw.ok && raw.value !== undefined ? { raw: raw.value } : {}
  }
  if (seen.value?.confirmed !== undefined)
    return [
      {
        kind: 'confirmed',
        height: seen.value.confirmed.height,
        tip: tip.value.height,
        ...(session.signed === undefined ? await bytes() : {}),
      },
    ]
  const facts: ChainFact[] = []
  if (session.state === 'confirmed') facts.push({ kind: 'reorged' })
  if (seen.value !== undefined) {
    if (session.state === 'replaced' || session.state === 'conflicted') facts.push({ kind: 'conflict-gone' })
    facts.push({ kind: 'seen', ...(session.signed === undefined ? await bytes() : {}) })
    return facts
  }
  const needs = needed(txid, parsed.value.inputs, maker)
  const spends = await concurrently(needs, LOOK_CONCURRENCY, async ({ point, by }) => {
    const spent = await chain.outspend(point.txid, point.vout)
    return spent.ok ? ok(spent.value.confirmed && spent.value.by !== by ? spent.value.by : undefined) : spent
  })
  if (!spends.ok) return facts
  const other = spends.value.find(by => by !== undefined && by !== txid && ours(session, by) !== undefined)
  if (other !== undefined)
    facts.push({ kind: 'conflict', txid: other, replacement: ours(session, other) === 'replacement' })
  else if (session.state === 'replaced' || session.state === 'conflicted') facts.push({ kind: 'conflict-gone' })
  else if (session.state === 'broadcast') facts.push({ kind: 'missing' })
  return facts
}

export interface Look {
  readonly session: Session
  readonly facts: readonly ChainFact[]
}

/**
 * One look at all sessions of a wallet, in two rounds: what takes an earlier word back goes before what is new, or a
 * payment and the one in its place would both be called paid in between. Answers that came before and after a reorg
 * would say the same: such a new word waits for the next look.
 */
export function inRounds(looks: readonly Look[]): readonly [readonly Look[], readonly Look[]] {
  const undoes = (fact: ChainFact): boolean => fact.kind === 'reorged' || fact.kind === 'conflict-gone'
  const standing = looks.filter(
    ({ session, facts }) =>
      facts.some(f => f.kind === 'confirmed') || (session.state === 'confirmed' && !facts.some(undoes)),
  )
  const rival = ({ session }: Look): boolean => {
    const coins = new Set(inputsOf(session.proposal))
    return standing.some(
      ({ session: s }) =>
        txidOfProposal(s.proposal) !== txidOfProposal(session.proposal) &&
        inputsOf(s.proposal).some(coin => coins.has(coin)),
    )
  }
  return [
    looks.map(({ session, facts }) => ({ session, facts: facts.filter(undoes) })),
    looks.map(look => ({
      session: look.session,
      facts: look.facts.filter(f => !undoes(f) && !(f.kind === 'confirmed' && rival(look))),
    })),
  ]
}

/** generations of unconfirmed payments that are followed; nodes keep no longer chains in their mempools */
const MAX_DEPTH = 25

/**
 * Coins without which the transaction `by` cannot be, each with who may spend it: its own, and those of payments that
 * are not mined and make them.
 */
function needed(
  txid: Txid,
  inputs: readonly OutPoint[],
  maker: (txid: Txid) => Uint8Array | undefined,
): Array<{ readonly point: OutPoint; readonly by: Txid }> {
  const needs = inputs.map(point => ({ point, by: txid }))
  const seen = new Set([txid])
  for (let i = 0; i < needs.length && seen.size < MAX_DEPTH; i++) {
    const made = needs[i]?.point.txid ?? ''
    const raw = seen.has(made) ? undefined : maker(made)
    const parent = raw === undefined ? undefined : parseTx(raw)
    if (parent?.ok !== true) continue
    seen.add(made)
    for (const { txid: from, vout } of parent.value.inputs) needs.push({ point: { txid: from, vout }, by: made })
  }
  return needs
}
