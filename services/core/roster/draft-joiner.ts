import type { PeerId } from '../domain/ids'
import { makeDescriptor, walletIdOf } from '../crypto/public-wallet'
import type { JoinMessage } from '../wire/messages'
import type { DraftEffect, DraftEvent, JoinerDraft, Step } from './draft-state'
import { checkRoster, type Verify } from './join'
import { buildRecord } from './wallet-record'

/** A joiner's side of draft.ts, which states the invariants. */
type JoinerStep = Step<JoinerDraft>

const stay = (state: JoinerDraft, ...effects: DraftEffect[]): JoinerStep => ({ state, effects })

export function stepJoiner(state: JoinerDraft, event: DraftEvent, verify: Verify): JoinerStep {
  switch (event.type) {
    case 'connected':
      return event.peerId === state.invite.creatorPeerId ? stay(state, ...greet(state)) : stay(state)
    case 'message':
      return event.from === state.invite.creatorPeerId
        ? onMessage(state, event.message, event.now, verify)
        : stay(state)
    // an invite that nobody answered before it expired is over; who has been heard waits for the creator's word
    case 'tick':
      return state.phase === 'asking' && !state.heard && event.now >= state.invite.expiresAt
        ? stay({ ...state, phase: 'ended', end: 'expired' })
        : stay(state)
    case 'leave':
      return state.phase === 'asking' || state.phase === 'admitted'
        ? stay({ ...state, phase: 'ended', end: 'left' }, send(state, { type: 'leave', draftId: state.invite.draftId }))
        : stay(state)
    case 'admit':
    case 'remove':
    case 'close':
    case 'signed':
    case 'resume':
      return stay(state)
  }
}

const send = (state: JoinerDraft, message: JoinMessage): DraftEffect => ({
  type: 'send',
  to: state.invite.creatorPeerId as PeerId,
  message,
})

function greet(state: JoinerDraft): DraftEffect[] {
  const { draftId, secret } = state.invite
  if (state.phase === 'done')
    return state.walletId === undefined ? [] : [send(state, { type: 'rosterOk', draftId, walletId: state.walletId })]
  // a goodbye that was said while the creator was away is said again
  if (state.phase === 'ended')
    return state.end === 'left' || state.end === 'refused' ? [send(state, { type: 'leave', draftId })] : []
  return [send(state, { type: 'join', draftId, secret, entry: state.own })]
}

function onMessage(state: JoinerDraft, message: JoinMessage, now: number, verify: Verify): JoinerStep {
  switch (message.type) {
    case 'seats': {
      if (message.draftId !== state.invite.draftId || (state.phase !== 'asking' && state.phase !== 'admitted'))
        return stay(state)
      if (message.state !== 'waiting' && message.state !== 'admitted')
        return stay({ ...state, phase: 'ended', end: message.state, heard: true })
      const phase = message.state === 'admitted' ? 'admitted' : 'asking'
      const same = state.heard && state.phase === phase && JSON.stringify(state.seats) === JSON.stringify(message.seats)
      return same ? stay(state) : stay({ ...state, phase, heard: true, seats: message.seats.slice(0, state.invite.n) })
    }
    case 'roster':
      return onRoster(state, message, now, verify)
    case 'hello':
    case 'join':
    case 'rosterOk':
    case 'leave':
      return stay(state)
  }
}

function onRoster(
  state: JoinerDraft,
  message: Extract<JoinMessage, { readonly type: 'roster' }>,
  now: number,
  verify: Verify,
): JoinerStep {
  const { invite } = state
  if (message.draftId !== invite.draftId || state.phase === 'ended') return stay(state)
  if (state.phase === 'done') {
    const descriptor = makeDescriptor(message.network, message.roster)
    if (descriptor.ok && walletIdOf(message.genesis, descriptor.value) === state.walletId)
      return stay(state, ...greet(state))
    return state.contradicted ? stay(state) : stay({ ...state, contradicted: true })
  }
  const checked = checkRoster(message, { ...invite, own: state.own }, verify)
  if (!checked.ok) {
    return stay(
      { ...state, phase: 'ended', heard: true, end: 'refused', fault: checked.error },
      send(state, { type: 'leave', draftId: invite.draftId }),
    )
  }
  const record = buildRecord({
    checked: checked.value,
    name: invite.walletName,
    network: invite.network,
    draftId: invite.draftId,
    groupSecret: message.groupSecret,
    relayList: message.relayList,
    self: state.own.accountKey,
    now,
  })
  const next: JoinerDraft = {
    ...state,
    phase: 'done',
    heard: true,
    walletId: checked.value.walletId,
    seats: checked.value.roster.map(e => e.name),
  }
  return stay(next, { type: 'wallet', record }, ...greet(next))
}
