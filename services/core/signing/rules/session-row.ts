import type { SessionState } from '../../domain/signing-state'
import type { HistoryItem } from '../../domain/wallet'
import { LIMITS } from '../../wire/limits'
import type { SessionCard } from './cards'
import { isLive } from '../protocol/table'

export type Tone = 'primary' | 'success' | 'warning' | 'error' | 'neutral'

/** What a picture beside the words says. */
export type SessionIcon =
  // states
  | 'answer'
  | 'wait'
  | 'sign'
  | 'warn'
  | 'sent'
  | 'done'
  | 'failed'
  | 'ended'
  // notices
  | 'forbid'
  | 'look'
  | 'again'
  | 'lock'
  | 'compare'
  | 'replace'

export function iconOf(state: SessionState, canApprove: boolean): SessionIcon {
  switch (state) {
    case 'proposed':
      return canApprove ? 'answer' : 'wait'
    case 'signing':
      return 'sign'
    case 'released':
      return 'warn'
    case 'signed':
    case 'broadcast':
      return 'sent'
    case 'confirmed':
      return 'done'
    case 'failed':
    case 'conflicted':
      return 'failed'
    default:
      return 'ended'
  }
}

/** One session in a list, as plain data. */
export interface SessionRow {
  readonly id: SessionCard['id']
  readonly subject:
    | { readonly kind: 'payment' | 'take-back'; readonly sats: bigint }
    | { readonly kind: 'practice'; readonly text: string }
    /** the payment is not read from the chain yet */
    | { readonly kind: 'unread' }
  readonly proposer: string
  readonly note: string
  readonly badge: {
    readonly tone: Tone
    readonly icon: SessionIcon
    readonly title: SessionState | 'waits-for-you' | 'being-replaced'
  }
  /** ended, and nothing of it is or was in the network */
  readonly nothingSent: boolean
}

export function sessionRow(card: SessionCard): SessionRow {
  const { view, review } = card
  const mine = view.canApprove
  const replaced = card.replacedBy !== undefined && (view.state === 'signed' || view.state === 'broadcast')
  return {
    id: card.id,
    subject: subjectOf(card),
    proposer: card.proposerName,
    note: review?.note ?? '',
    badge: {
      tone: toneOf(view.state, mine),
      icon: iconOf(view.state, mine),
      title: mine && view.state === 'proposed' ? 'waits-for-you' : replaced ? 'being-replaced' : view.state,
    },
    nothingSent: !isLive(view.state) && !['confirmed', 'replaced', 'conflicted'].includes(view.state),
  }
}

/** What the recipients get, or were to get when it is taken back. */
function subjectOf({ replaces, review, practiceText }: SessionCard): SessionRow['subject'] {
  if (replaces?.kind === 'back') return { kind: 'take-back', sats: replaces.sentSats ?? 0n }
  if (review !== null) return { kind: 'payment', sats: review.recipients.reduce((total, r) => total + r.sats, 0n) }
  return practiceText === undefined ? { kind: 'unread' } : { kind: 'practice', text: practiceText }
}

function toneOf(state: SessionState, mine: boolean): Tone {
  switch (state) {
    case 'proposed':
      return mine ? 'primary' : 'neutral'
    case 'signing':
      return 'primary'
    case 'released':
      return 'warning'
    case 'confirmed':
      return 'success'
    case 'failed':
    case 'conflicted':
      return 'error'
    default:
      return 'neutral'
  }
}

/** Not decided or not final yet: those that wait for me first, then those that run out last. */
export const openRows = (cards: readonly SessionCard[]): SessionRow[] =>
  cards
    .filter(card => isLive(card.view.state))
    .sort((a, b) => Number(b.view.canApprove) - Number(a.view.canApprove) || b.expiresAt - a.expiresAt)
    .map(sessionRow)

/** One line of a wallet's history. */
export type HistoryRow =
  | {
      readonly kind: 'payment'
      readonly item: HistoryItem
      /** what its proposer wrote */
      readonly note: string
      readonly what: 'received' | 'paid' | 'taken-back'
    }
  | { readonly kind: 'proposal'; readonly row: SessionRow }

/** What moved, and what was proposed and did not: newest first, what waits for a block on top. */
export function historyRows(history: readonly HistoryItem[], cards: readonly SessionCard[]): HistoryRow[] {
  const byTxid = new Map(cards.flatMap(card => (card.view.txid === undefined ? [] : [[card.view.txid, card] as const])))
  const moved = history.map(item => {
    const card = byTxid.get(item.txid)
    const takenBack = card?.replaces?.kind === 'back'
    return {
      at: item.time ?? Number.MAX_SAFE_INTEGER,
      row: {
        kind: 'payment' as const,
        item,
        note: card?.review?.note ?? '',
        what: takenBack ? ('taken-back' as const) : item.deltaSats > 0n ? ('received' as const) : ('paid' as const),
      },
    }
  })
  const ended = cards
    .filter(card => !isLive(card.view.state) && card.view.state !== 'confirmed')
    // when it was proposed: exact where the usual time limit was used
    .map(card => ({
      at: card.expiresAt - LIMITS.defaultExpiryS,
      row: { kind: 'proposal' as const, row: sessionRow(card) },
    }))
  return [...moved, ...ended].sort((a, b) => b.at - a.at).map(({ row }) => row)
}
