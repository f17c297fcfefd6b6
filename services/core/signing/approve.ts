/** What a person says to a proposal: approve, decline, withdraw, cancel, retry, look again. */
import type { SessionId } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'
import type { GateResult } from '../net/gate'
import type { UserAction } from './protocol/events'
import { isOpen } from './protocol/table'
import { beforeYes } from './rules/between-sessions'
import { sessionView, type SessionView } from './rules/progress'
import { sessionField, type WalletSessions } from './wallet-sessions'

type Answer = Promise<Result<void, FieldError>>

/** A yes to one of two that want the same coin first takes my yes back from the other. */
export async function approve(sessions: WalletSessions, id: SessionId): Answer {
  const { runner } = sessions
  const now = () => sessions.d.clock.now()
  const session = sessions.get(id)
  if (session === undefined) return err(sessionField('unknown-session'))
  if (!sessionView(session, now()).canApprove) return err(sessionField('too-late'))
  const others = beforeYes(sessions.all(), session)
  if (!others.ok) return err(sessionField(others.error.code))
  for (const other of others.value) {
    const action = sessionView(other, now()).mine ? 'cancel' : 'withdraw'
    await runner.tell(other.id, { type: 'user', action })
  }
  // until the end of each is signed and stored it holds the coin
  await Promise.all(others.value.map(other => sessions.reached(other.id, s => s === undefined || !isOpen(s.state))))
  // one of them may have gone past the point of no return in that moment
  const still = beforeYes(sessions.all(), session)
  if (!still.ok) return err(sessionField(still.error.code))
  await runner.tell(id, { type: 'user', action: 'approve' })
  sessions.d.changed('now')
  return ok(undefined)
}

/** All other actions; one that is not offered any more is `too-late`. */
export async function act(sessions: WalletSessions, id: SessionId, action: Exclude<UserAction, 'approve'>): Answer {
  const session = sessions.get(id)
  if (session === undefined) return err(sessionField('unknown-session'))
  if (!isOffered(sessionView(session, sessions.d.clock.now()), action)) return err(sessionField('too-late'))
  await sessions.runner.tell(id, { type: 'user', action })
  sessions.d.changed('now')
  return ok(undefined)
}

function isOffered(view: SessionView, action: Exclude<UserAction, 'approve'>): boolean {
  switch (action) {
    case 'decline':
      return view.canDecline
    case 'withdraw':
      return view.canWithdraw
    case 'cancel':
      return view.canCancel
    case 'retry':
      return view.canRetry
    case 'recheck':
      return view.live
  }
}

/**
 * Retry in the panel of a session: dials the members who are missing, and says what came of each. When everybody is
 * there and an attempt waits for a person, it begins.
 */
export async function reconnect(sessions: WalletSessions, id: SessionId): Promise<Result<GateResult, FieldError>> {
  if (sessions.get(id) === undefined) return err(sessionField('unknown-session'))
  const { record } = sessions.wallet
  const others = record.roster.filter(e => e.accountKey !== record.self)
  const reached = await sessions.d.network.ensureConnected(
    others.map(e => ({ ...(e.peerId === '' ? {} : { peerId: e.peerId }), member: e.accountKey })),
  )
  await sessions.linksChanged()
  // an attempt that begins by itself needs no push: then there is nothing to retry, which is no failure
  if (reached.allConnected) await act(sessions, id, 'retry')
  return ok(reached)
}
