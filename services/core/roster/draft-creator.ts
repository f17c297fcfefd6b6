import type { AccountKey, PeerId } from '../domain/ids'
import { NETWORKS } from '../domain/network'
import type { RosterEntry } from '../domain/wallet'
import { makeDescriptor, walletIdOf } from '../crypto/public-wallet'
import { LIMITS } from '../wire/limits'
import type { JoinMessage } from '../wire/messages'
import type { CreatorDraft, DraftEffect, DraftEvent, MadeWallet, Step } from './draft-state'
import { isSoundEntry, joinClaim, relaysClaim, sameEntry, xOf, type Verify } from './join'
import { buildRecord } from './wallet-record'

/** The creator's side of draft.ts, which states the invariants. */
type Seats = Extract<JoinMessage, { readonly type: 'seats' }>
type Join = Extract<JoinMessage, { readonly type: 'join' }>
type CreatorStep = Step<CreatorDraft>

const stay = (state: CreatorDraft, ...effects: DraftEffect[]): CreatorStep => ({ state, effects })

/** An answer that shows nobody's name. */
const answer = (state: CreatorDraft, to: PeerId, seats: Seats['state']): DraftEffect => ({
  type: 'send',
  to,
  message: { type: 'seats', draftId: state.invite.draftId, state: seats, seats: [], n: state.invite.n },
})

/** The table as everybody with a seat or a request sees it. */
function tell(state: CreatorDraft, to: PeerId): DraftEffect[] {
  const joiner = state.joiners.find(j => j.entry.peerId === to)
  if (joiner === undefined) return []
  const seats = [state.own.name, ...state.joiners.filter(j => j.admitted).map(j => j.entry.name)]
  return [
    {
      type: 'send',
      to,
      message: {
        type: 'seats',
        draftId: state.invite.draftId,
        state: joiner.admitted ? 'admitted' : 'waiting',
        seats,
        n: state.invite.n,
      },
    },
  ]
}

const tellAll = (state: CreatorDraft): DraftEffect[] => state.joiners.flatMap(j => tell(state, j.entry.peerId))

export function stepCreator(state: CreatorDraft, event: DraftEvent, verify: Verify): CreatorStep {
  switch (event.type) {
    case 'message':
      return onMessage(state, event.from, event.message, event.now, verify)
    case 'connected':
      return stay(state, ...greet(state, event.peerId))
    case 'admit':
      return admit(state, event.accountKey)
    case 'remove':
      return remove(state, event.accountKey)
    case 'close':
      return close(state, event.groupSecret, event.now)
    case 'signed':
      return seal(state, event.signature)
    case 'resume':
      return stay(state, ...pending(state))
    case 'tick':
    case 'leave':
      return stay(state)
  }
}

function onMessage(state: CreatorDraft, from: PeerId, message: JoinMessage, now: number, verify: Verify): CreatorStep {
  switch (message.type) {
    case 'join':
      return onJoin(state, from, message, now, verify)
    case 'rosterOk': {
      const entry = state.made?.roster.find(e => e.peerId === from)
      if (
        state.phase !== 'closed' ||
        entry === undefined ||
        message.draftId !== state.invite.draftId ||
        message.walletId !== state.made?.walletId ||
        state.acknowledged.includes(entry.accountKey)
      )
        return stay(state)
      const acknowledged = [...state.acknowledged, entry.accountKey]
      return stay({
        ...state,
        acknowledged,
        left: state.left.filter(key => key !== entry.accountKey),
        phase: acknowledged.length === state.invite.n - 1 ? 'done' : 'closed',
      })
    }
    case 'leave': {
      if (message.draftId !== state.invite.draftId) return stay(state)
      const joiner = state.joiners.find(j => j.entry.peerId === from)
      if (joiner === undefined) return stay(state)
      const key = joiner.entry.accountKey
      // a wallet that is made stays made: who leaves now is only shown, and is missed when the others confirm
      if (state.phase !== 'open')
        return state.acknowledged.includes(key) || state.left.includes(key)
          ? stay(state)
          : stay({ ...state, left: [...state.left, key] })
      const next = { ...state, joiners: state.joiners.filter(j => j !== joiner) }
      return stay(next, ...tellAll(next))
    }
    case 'hello':
    case 'seats':
    case 'roster':
      return stay(state)
  }
}

function onJoin(
  state: CreatorDraft,
  from: PeerId,
  { draftId, secret, entry }: Join,
  now: number,
  verify: Verify,
): CreatorStep {
  const { invite } = state
  if (draftId !== invite.draftId || secret !== invite.secret) return stay(state, answer(state, from, 'unknown'))
  if (state.removed.includes(from)) return stay(state, answer(state, from, 'removed'))
  const known = state.joiners.find(j => j.entry.peerId === from)
  if (state.phase !== 'open')
    return known?.admitted === true && sameEntry(known.entry, entry)
      ? stay(state, ...greet(state, from))
      : stay(state, answer(state, from, 'closed'))
  if (known !== undefined && sameEntry(known.entry, entry)) return stay(state, ...tell(state, from))
  if (now >= invite.expiresAt) return stay(state, answer(state, from, 'expired'))
  const others: RosterEntry[] = [state.own, ...state.joiners.filter(j => j !== known).map(j => j.entry)]
  const claim = joinClaim(draftId, NETWORKS[invite.network].genesis, entry)
  if (entry.peerId !== from || !isSoundEntry(invite.network, entry) || !verify(claim.statement, claim.signature))
    return stay(state, answer(state, from, 'bad-proof'))
  if (others.some(e => e.peerId === from || xOf(e.accountKey) === xOf(entry.accountKey)))
    return stay(state, answer(state, from, 'duplicate'))
  const seated = state.joiners.filter(j => j !== known && j.admitted).length + 1
  const waiting = state.joiners.filter(j => !j.admitted).length
  if (known === undefined && (seated >= invite.n || waiting >= LIMITS.draftJoiners))
    return stay(state, answer(state, from, 'full'))
  const joiner = { entry, admitted: false }
  const next = {
    ...state,
    joiners: known === undefined ? [...state.joiners, joiner] : state.joiners.map(j => (j === known ? joiner : j)),
  }
  // who had a seat and changed his entry has lost it: the others see that too
  return stay(next, ...(known?.admitted === true ? tellAll(next) : tell(next, from)))
}

function admit(state: CreatorDraft, accountKey: AccountKey): CreatorStep {
  const joiner = state.joiners.find(j => j.entry.accountKey === accountKey)
  const seated = state.joiners.filter(j => j.admitted).length + 1
  if (state.phase !== 'open' || joiner === undefined || joiner.admitted || seated >= state.invite.n) return stay(state)
  const next = { ...state, joiners: state.joiners.map(j => (j === joiner ? { ...j, admitted: true } : j)) }
  return stay(next, ...tellAll(next))
}

function remove(state: CreatorDraft, accountKey: AccountKey): CreatorStep {
  const joiner = state.joiners.find(j => j.entry.accountKey === accountKey)
  if (state.phase !== 'open' || joiner === undefined) return stay(state)
  const { peerId } = joiner.entry
  // the oldest is forgotten first: whoever comes back must be admitted by hand anyway
  const removed = [...state.removed, peerId].slice(-LIMITS.draftJoiners)
  const next = { ...state, joiners: state.joiners.filter(j => j !== joiner), removed }
  return stay(next, answer(next, peerId, 'removed'), ...tellAll(next))
}

function close(state: CreatorDraft, groupSecret: string, now: number): CreatorStep {
  const { invite } = state
  const roster = [state.own, ...state.joiners.filter(j => j.admitted).map(j => j.entry)].sort((a, b) =>
    a.accountKey < b.accountKey ? -1 : 1,
  )
  if (state.phase !== 'open' || roster.length !== invite.n) return stay(state)
  const descriptor = makeDescriptor(invite.network, roster)
  if (!descriptor.ok) return stay(state)
  const walletId = walletIdOf(NETWORKS[invite.network].genesis, descriptor.value)
  const next: CreatorDraft = {
    ...state,
    phase: 'sealing',
    made: { roster, descriptor: descriptor.value, walletId, groupSecret, createdAt: now },
  }
  const refused = state.joiners.filter(j => !j.admitted).map(j => answer(next, j.entry.peerId, 'closed'))
  return stay(next, ...refused, ...pending(next))
}

/** Closing needs one signature, over the first relay list; the rest follows from it. */
function pending(state: CreatorDraft): DraftEffect[] {
  if (state.phase !== 'sealing' || state.made === undefined) return []
  return [{ type: 'sign', statement: relaysClaim(state.made.walletId, firstList(state, '')).statement }]
}

const firstList = (state: CreatorDraft, signature: string) => ({
  number: 1,
  relays: state.invite.relays,
  by: state.own.accountKey,
  signature,
})

function seal(state: CreatorDraft, signature: string): CreatorStep {
  const { made, invite } = state
  if (state.phase !== 'sealing' || made === undefined) return stay(state)
  const relayList = firstList(state, signature)
  const next: CreatorDraft = { ...state, phase: 'closed', made: { ...made, relayList } }
  const record = buildRecord({
    checked: made,
    name: invite.walletName,
    network: invite.network,
    draftId: invite.draftId,
    groupSecret: made.groupSecret,
    relayList,
    self: state.own.accountKey,
    now: made.createdAt,
  })
  return stay(next, { type: 'wallet', record }, ...made.roster.flatMap(entry => greet(next, entry.peerId)))
}

/** What a peer should hear when he is there again. */
function greet(state: CreatorDraft, peerId: PeerId): DraftEffect[] {
  if (state.phase === 'open') return tell(state, peerId)
  const { made } = state
  const entry = made?.roster.find(e => e.peerId === peerId && e.accountKey !== state.own.accountKey)
  if (made === undefined || entry === undefined || state.acknowledged.includes(entry.accountKey)) return []
  return made.relayList === undefined
    ? tell(state, peerId)
    : [{ type: 'send', to: peerId, message: rosterMessage(state, made, made.relayList) }]
}

function rosterMessage(
  { invite }: CreatorDraft,
  made: MadeWallet,
  relayList: NonNullable<MadeWallet['relayList']>,
): JoinMessage {
  return {
    type: 'roster',
    draftId: invite.draftId,
    name: invite.walletName,
    network: invite.network,
    genesis: NETWORKS[invite.network].genesis,
    roster: made.roster,
    groupSecret: made.groupSecret,
    relayList,
  }
}
