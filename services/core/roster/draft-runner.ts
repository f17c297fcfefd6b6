/**
 * Wallets in the making of one profile: keeps the drafts, gives the machine of draft.ts its events one after the other,
 * and carries out what it wants in its order (record, state, then messages).
 */
import type { Signer } from '../../ports/signer'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Storage } from '../../ports/storage'
import type { Aggregator } from '../../ports/signer'
import type { Hex } from '../domain/bytes'
import { toHex } from '../domain/bytes'
import type { PeerId, WalletId } from '../domain/ids'
import { NETWORKS } from '../domain/network'
import type { NetworkName } from '../domain/network'
import type { DraftView, SeatView } from '../domain/views'
import type { RosterEntry, WalletRecord } from '../domain/wallet'
import type { Hello, JoinMessage } from '../wire/messages'
import { createDraft, draftClaims, joinDraft, step } from './draft'
import type { DraftEffect, DraftEvent, DraftState } from './draft-state'
import { decodeDraft, encodeDraft } from './draft-store'
import { inviteFragment } from './invite'
import type { Invite } from './invite'
import { joinClaim, preverify } from './join'

/** An invite is good for a week: people have to find an hour together. Seconds. */
const INVITE_LIFE_S = 7 * 86_400

export interface LobbyDeps {
  readonly signer: Signer & Pick<Aggregator, 'verifyStatement'>
  readonly storage: Storage
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly selfPeerId: PeerId
  send(to: PeerId, message: Exclude<JoinMessage, Hello>): void
  /** stored before the draft's own state */
  addWallet(record: WalletRecord): Promise<void>
  changed(): void
}

/** A peer that this profile wants to be connected to. */
export interface Wanted {
  readonly peerId: PeerId
  readonly relays: readonly string[]
  readonly unknown: boolean
}

export interface Lobby {
  load(): Promise<void>
  create(p: { name: string; network: NetworkName; n: number; myName: string; relays: readonly string[] }): Promise<Hex>
  join(invite: Invite, myName: string): Promise<Hex>
  tell(draftId: Hex, event: DraftEvent): Promise<void>
  close(draftId: Hex): Promise<void>
  remove(draftId: Hex): Promise<void>
  get(draftId: Hex): DraftState | undefined
  onMessage(from: PeerId, message: Exclude<JoinMessage, Hello>): Promise<void>
  onConnected(peerId: PeerId): Promise<void>
  /**
   * creators that this profile waits for, who do not know it before it comes (`unknown`), and members who have not
   * taken the roster
   */
  wanted(): Wanted[]
  /** somebody may come with an invite of ours, or we with one of his */
  mayTalk(peerId: PeerId): boolean
  relays(): readonly string[]
  views(link: (fragment: string) => string): DraftView[]
  finished(): Record<Hex, WalletId>
}

const walletOf = (draft: DraftState): WalletId | undefined =>
  draft.role === 'creator' ? draft.made?.walletId : draft.walletId

export function createLobby(deps: LobbyDeps): Lobby {
  const { signer, storage, clock, entropy } = deps
  const drafts = new Map<Hex, DraftState>()
  let tail: Promise<unknown> = Promise.resolve()
  const nowS = () => Math.floor(clock.now() / 1000)

  /** One event after the other, over all drafts: they are rare, and order is worth more than speed. */
  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const next = tail.then(work)
    tail = next.catch((error: unknown) =>
      deps.log.write('error', 'lobby.failed', { message: error instanceof Error ? error.message : String(error) }),
    )
    return next
  }

  async function apply(draftId: Hex, event: DraftEvent): Promise<void> {
    const before = drafts.get(draftId)
    if (before === undefined) return
    const claims = event.type === 'message' ? draftClaims(before, event.from, event.message) : []
    const verify = await preverify(claims, (statement, signature) => signer.verifyStatement(statement, signature))
    const { state, effects } = step(before, event, verify)
    drafts.set(draftId, state)
    for (const effect of effects) await carryOut(draftId, state, effect)
    if (state !== before) deps.changed()
  }

  async function carryOut(draftId: Hex, state: DraftState, effect: DraftEffect): Promise<void> {
    switch (effect.type) {
      case 'store':
        return storage.put('drafts', draftId, encodeDraft(state))
      case 'wallet':
        return deps.addWallet(effect.record)
      case 'send':
        if (effect.message.type !== 'hello') deps.send(effect.to, effect.message)
        return
      case 'sign': {
        const signed = await signer.signStatement(state.invite.network, state.own.origin, effect.statement)
        if (signed.ok) await apply(draftId, { type: 'signed', signature: signed.value })
        else deps.log.write('warn', 'lobby.sign-refused', { code: signed.error.code })
      }
    }
  }

  async function ownEntry(network: NetworkName, draftId: Hex, name: string): Promise<RosterEntry> {
    const account = await signer.newAccount(network)
    const entry: RosterEntry = { ...account, name, peerId: deps.selfPeerId, proofNumber: 1, proof: '' }
    const signed = await signer.signStatement(
      network,
      account.origin,
      joinClaim(draftId, NETWORKS[network].genesis, entry).statement,
    )
    if (!signed.ok) throw new Error(`join proof: ${signed.error.code}`)
    return { ...entry, proof: signed.value }
  }

  async function add(draft: DraftState): Promise<Hex> {
    const id = draft.invite.draftId
    await storage.put('drafts', id, encodeDraft(draft))
    drafts.set(id, draft)
    deps.changed()
    return id
  }

  function seats(draft: DraftState): SeatView[] {
    if (draft.role === 'joiner') {
      // the creator's list: himself first; one's own seat is known by the name that one gave. Keys of the others come
      // with the roster
      const own = draft.seats.lastIndexOf(draft.own.name)
      const { accountKey } = draft.own
      const list = draft.seats.map((name, i): SeatView =>
        i === 0
          ? { name, state: 'creator' }
          : i === own
            ? { name, accountKey, state: 'self' }
            : { name, state: 'admitted' },
      )
      return own > 0 || draft.phase === 'ended'
        ? list
        : [
            ...(list.length > 0 ? list : [{ name: draft.invite.creatorName, state: 'creator' as const }]),
            { name: draft.own.name, accountKey, state: 'asking' },
          ]
    }
    return [
      { name: draft.own.name, accountKey: draft.own.accountKey, state: 'self' },
      ...draft.joiners.map((j): SeatView => ({
        name: j.entry.name,
        accountKey: j.entry.accountKey,
        state: j.admitted ? 'admitted' : 'asking',
      })),
    ]
  }

  function stateOf(draft: DraftState): DraftView['state'] {
    if (draft.role === 'creator') return draft.phase === 'open' ? 'gathering' : 'closing'
    if (draft.phase === 'asking') return draft.heard ? 'gathering' : 'waiting-for-creator'
    if (draft.phase === 'admitted') return 'admitted'
    if (draft.end === 'removed' || draft.end === 'full' || draft.end === 'expired') return draft.end
    return draft.phase === 'done' ? 'closing' : 'refused'
  }

  return {
    async load() {
      for (const { key, value } of await storage.all('drafts')) {
        const draft = decodeDraft(value)
        if (draft.ok) drafts.set(key, draft.value)
        else deps.log.write('warn', 'lobby.unreadable-draft', { key: key.slice(0, 8) })
      }
      for (const id of drafts.keys()) void inLine(() => apply(id, { type: 'resume' }))
    },
    async create(p) {
      const draftId = toHex(entropy.bytes(32))
      const own = await ownEntry(p.network, draftId, p.myName)
      return add(
        createDraft(
          {
            network: p.network,
            draftId,
            relays: p.relays,
            creatorPeerId: deps.selfPeerId,
            creatorName: p.myName,
            secret: toHex(entropy.bytes(16)),
            walletName: p.name,
            n: p.n,
            expiresAt: nowS() + INVITE_LIFE_S,
          },
          own,
        ),
      )
    },
    async join(invite, myName) {
      const known = drafts.get(invite.draftId)
      if (known !== undefined && !(known.role === 'joiner' && known.phase === 'ended')) return invite.draftId
      return add(joinDraft(invite, await ownEntry(invite.network, invite.draftId, myName)))
    },
    tell: (id, event) => inLine(() => apply(id, event)),
    close: id => inLine(() => apply(id, { type: 'close', groupSecret: toHex(entropy.bytes(32)), now: nowS() })),
    remove: id =>
      inLine(async () => {
        drafts.delete(id)
        await storage.delete('drafts', id)
        deps.changed()
      }),
    get: id => drafts.get(id),
    onMessage: (from, message) =>
      inLine(async () => {
        // an invite names its draft; a message of an unknown one is answered by nobody
        if (drafts.has(message.draftId)) await apply(message.draftId, { type: 'message', from, message, now: nowS() })
      }),
    onConnected: peerId =>
      inLine(async () => {
        for (const id of [...drafts.keys()]) await apply(id, { type: 'connected', peerId })
      }),
    wanted() {
      return [...drafts.values()].flatMap((d): Wanted[] =>
        d.role === 'joiner' && (d.phase === 'asking' || d.phase === 'admitted')
          ? [{ peerId: d.invite.creatorPeerId, relays: d.invite.relays, unknown: true }]
          : // members who have not acknowledged the roster yet
            d.role === 'creator' && d.phase === 'closed' && d.made !== undefined
            ? d.made.roster
                .filter(e => e.accountKey !== d.own.accountKey && !d.acknowledged.includes(e.accountKey))
                .map(e => ({ peerId: e.peerId, relays: d.invite.relays, unknown: false }))
            : [],
      )
    },
    mayTalk(peerId) {
      return [...drafts.values()].some(d =>
        d.role === 'creator'
          ? d.phase !== 'done' || d.made?.roster.some(e => e.peerId === peerId) === true
          : d.invite.creatorPeerId === peerId,
      )
    },
    relays: () => [
      ...new Set(
        [...drafts.values()].flatMap(d => (d.phase === 'done' || d.phase === 'ended' ? [] : [...d.invite.relays])),
      ),
    ],
    views: link =>
      [...drafts.values()]
        // a finished draft goes on as its wallet; the creator's table stays until all have acknowledged
        .filter(d => d.phase !== 'done' && !(d.role === 'joiner' && d.end === 'left'))
        .map((d): DraftView => ({
          id: d.invite.draftId,
          role: d.role,
          name: d.invite.walletName,
          network: d.invite.network,
          n: d.invite.n,
          creatorName: d.invite.creatorName,
          state: stateOf(d),
          seats: seats(d),
          expiresAt: d.invite.expiresAt,
          ...(d.role === 'creator' && d.phase === 'open' ? { inviteLink: link(inviteFragment(d.invite)) } : {}),
          ...(d.role === 'joiner' && d.end !== undefined
            ? { errorCode: d.fault === undefined ? d.end : `roster-${d.fault.code}` }
            : {}),
        })),
    finished() {
      const out: Record<Hex, WalletId> = {}
      for (const [id, d] of drafts) {
        const walletId = walletOf(d)
        if (walletId !== undefined && (d.role === 'joiner' || d.made?.relayList !== undefined)) out[id] = walletId
      }
      return out
    },
  }
}
