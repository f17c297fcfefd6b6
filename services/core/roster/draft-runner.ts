/**
 * Wallets in the making of one profile. It keeps the drafts, gives the machine of draft.ts its events one after the
 * other, and carries out what it wants in its order: record, state, then messages.
 */
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Aggregator, Signer } from '../../ports/signer'
import type { Storage } from '../../ports/storage'
import { toHex, type Hex } from '../domain/bytes'
import type { PeerId, WalletId } from '../domain/ids'
import { InTurn } from '../domain/in-turn'
import { NETWORKS, type NetworkName } from '../domain/network'
import type { DraftView } from '../domain/views'
import type { RosterEntry, WalletRecord } from '../domain/wallet'
import type { Hello, JoinMessage } from '../wire/messages'
import { createDraft, draftClaims, joinDraft, step } from './draft'
import type { DraftEffect, DraftEvent, DraftState } from './draft-state'
import { decodeDraft, encodeDraft } from './draft-store'
import { draftView, isShown } from './draft-views'
import type { Invite } from './invite'
import { joinClaim, preverify } from './join'

/** An invite is good for a week: people have to find an hour together. Seconds. */
const INVITE_LIFE_S = 7 * 86_400

export interface DraftRunnerDeps {
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
export interface WantedPeer {
  readonly peerId: PeerId
  readonly relays: readonly string[]
  /** it does not know this profile, and so does not call it */
  readonly unknown: boolean
}

const walletOf = (draft: DraftState): WalletId | undefined =>
  draft.role === 'creator' ? draft.made?.walletId : draft.walletId

export class DraftRunner {
  readonly #drafts = new Map<Hex, DraftState>()
  /** One event after the other, over all drafts: they are rare, and order is worth more than speed. */
  readonly #queue = new InTurn<'drafts'>()

  constructor(private readonly d: DraftRunnerDeps) {}

  async load(): Promise<void> {
    for (const { key, value } of await this.d.storage.all('drafts')) {
      const draft = decodeDraft(value)
      if (draft.ok) this.#drafts.set(key, draft.value)
      else this.d.log.write('warn', 'drafts.unreadable', { key: key.slice(0, 8) })
    }
    for (const id of this.#drafts.keys()) void this.#inTurn(() => this.#apply(id, { type: 'resume' }))
  }

  async create(p: {
    readonly name: string
    readonly network: NetworkName
    readonly n: number
    readonly myName: string
    readonly relays: readonly string[]
  }): Promise<Hex> {
    const { entropy, selfPeerId } = this.d
    const draftId = toHex(entropy.bytes(32))
    const own = await this.#ownEntry(p.network, draftId, p.myName)
    const invite: Invite = {
      network: p.network,
      draftId,
      relays: p.relays,
      creatorPeerId: selfPeerId,
      creatorName: p.myName,
      secret: toHex(entropy.bytes(16)),
      walletName: p.name,
      n: p.n,
      expiresAt: this.#nowS() + INVITE_LIFE_S,
    }
    return this.#add(createDraft(invite, own))
  }

  async join(invite: Invite, myName: string): Promise<Hex> {
    const known = this.#drafts.get(invite.draftId)
    if (known !== undefined && !(known.role === 'joiner' && known.phase === 'ended')) return invite.draftId
    return this.#add(joinDraft(invite, await this.#ownEntry(invite.network, invite.draftId, myName)))
  }

  get(draftId: Hex): DraftState | undefined {
    return this.#drafts.get(draftId)
  }

  tell(draftId: Hex, event: DraftEvent): Promise<void> {
    return this.#inTurn(() => this.#apply(draftId, event))
  }

  /** Closes the roster: whoever is admitted now is a member. */
  close(draftId: Hex): Promise<void> {
    return this.#inTurn(() =>
      this.#apply(draftId, { type: 'close', groupSecret: toHex(this.d.entropy.bytes(32)), now: this.#nowS() }),
    )
  }

  remove(draftId: Hex): Promise<void> {
    return this.#inTurn(async () => {
      this.#drafts.delete(draftId)
      await this.d.storage.delete('drafts', draftId)
      this.d.changed()
    })
  }

  onMessage(from: PeerId, message: Exclude<JoinMessage, Hello>): Promise<void> {
    return this.#inTurn(async () => {
      // an invite names its draft; a message of an unknown one is answered by nobody
      if (!this.#drafts.has(message.draftId)) return
      await this.#apply(message.draftId, { type: 'message', from, message, now: this.#nowS() })
    })
  }

  onConnected(peerId: PeerId): Promise<void> {
    return this.#inTurn(async () => {
      for (const id of [...this.#drafts.keys()]) await this.#apply(id, { type: 'connected', peerId })
    })
  }

  /** Creators that this profile waits for, and members who have not taken the roster yet. */
  wanted(): WantedPeer[] {
    return [...this.#drafts.values()].flatMap((draft): WantedPeer[] => {
      const { relays, creatorPeerId } = draft.invite
      if (draft.role === 'joiner') {
        const waits = draft.phase === 'asking' || draft.phase === 'admitted'
        return waits ? [{ peerId: creatorPeerId, relays, unknown: true }] : []
      }
      if (draft.phase !== 'closed' || draft.made === undefined) return []
      const { own, acknowledged } = draft
      return draft.made.roster
        .filter(e => e.accountKey !== own.accountKey && !acknowledged.includes(e.accountKey))
        .map(e => ({ peerId: e.peerId, relays, unknown: false }))
    })
  }

  /** Somebody may come with an invite of ours, or we with one of his. */
  mayTalk(peerId: PeerId): boolean {
    return [...this.#drafts.values()].some(draft =>
      draft.role === 'creator'
        ? draft.phase !== 'done' || draft.made?.roster.some(e => e.peerId === peerId) === true
        : draft.invite.creatorPeerId === peerId,
    )
  }

  /** relays that open invites name */
  relays(): readonly string[] {
    const open = [...this.#drafts.values()].filter(d => d.phase !== 'done' && d.phase !== 'ended')
    return [...new Set(open.flatMap(d => [...d.invite.relays]))]
  }

  views(link: (fragment: string) => string): DraftView[] {
    return [...this.#drafts.values()].filter(isShown).map(draft => draftView(draft, link))
  }

  /** The wallets that drafts have become. */
  finished(): Record<Hex, WalletId> {
    const out: Record<Hex, WalletId> = {}
    for (const [id, d] of this.#drafts) {
      const walletId = walletOf(d)
      if (walletId !== undefined && (d.role === 'joiner' || d.made?.relayList !== undefined)) out[id] = walletId
    }
    return out
  }

  // ----------------------------------------------------------------

  #nowS(): number {
    return Math.floor(this.d.clock.now() / 1000)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.do('drafts', work)
    done.catch((error: unknown) =>
      this.d.log.write('error', 'drafts.failed', { message: error instanceof Error ? error.message : String(error) }),
    )
    return done
  }

  async #apply(draftId: Hex, event: DraftEvent): Promise<void> {
    const before = this.#drafts.get(draftId)
    if (before === undefined) return
    const claims = event.type === 'message' ? draftClaims(before, event.from, event.message) : []
    const verify = await preverify(claims, (statement, signature) =>
      this.d.signer.verifyStatement(statement, signature),
    )
    const { state, effects } = step(before, event, verify)
    this.#drafts.set(draftId, state)
    for (const effect of effects) await this.#carryOut(draftId, state, effect)
    if (state !== before) this.d.changed()
  }

  async #carryOut(draftId: Hex, state: DraftState, effect: DraftEffect): Promise<void> {
    switch (effect.type) {
      case 'store':
        return this.d.storage.put('drafts', draftId, encodeDraft(state))
      case 'wallet':
        return this.d.addWallet(effect.record)
      case 'send':
        if (effect.message.type !== 'hello') this.d.send(effect.to, effect.message)
        return
      case 'sign': {
        const { network } = state.invite
        const signed = await this.d.signer.signStatement(network, state.own.origin, effect.statement)
        if (signed.ok) await this.#apply(draftId, { type: 'signed', signature: signed.value })
        else this.d.log.write('warn', 'drafts.sign-refused', { code: signed.error.code })
      }
    }
  }

  async #ownEntry(network: NetworkName, draftId: Hex, name: string): Promise<RosterEntry> {
    const account = await this.d.signer.newAccount(network)
    const entry: RosterEntry = { ...account, name, peerId: this.d.selfPeerId, proofNumber: 1, proof: '' }
    const { statement } = joinClaim(draftId, NETWORKS[network].genesis, entry)
    const signed = await this.d.signer.signStatement(network, account.origin, statement)
    if (!signed.ok) throw new Error(`join proof: ${signed.error.code}`)
    return { ...entry, proof: signed.value }
  }

  async #add(draft: DraftState): Promise<Hex> {
    const id = draft.invite.draftId
    await this.d.storage.put('drafts', id, encodeDraft(draft))
    this.#drafts.set(id, draft)
    this.d.changed()
    return id
  }
}
