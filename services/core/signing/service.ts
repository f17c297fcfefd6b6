/**
 * Signing over all open wallets of a profile: finds the wallet of a session, and gives the cards of all of them. What
 * is done in one wallet stands in wallet-sessions.ts, propose.ts and approve.ts.
 */
import type { ParticipantStatus } from '../domain/connectivity'
import type { PeerId, SessionId, WalletId } from '../domain/ids'
import { err, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'
import type { GateOptions, GateResult, GateTarget } from '../net/gate'
import { memberOfPeer } from '../roster/wallet-record'
import type { SpendRequest } from '../spend/requests'
import { act, approve, reconnect } from './approve'
import { exportTranscript } from './export-transcript'
import {
  createSessionWithOptions,
  proposeSpend,
  type CreateSessionOptions,
  type CreateSessionResult,
  type ProposeOptions,
  type ProposeResult,
} from './propose'
import { inOrder, type SessionCard } from './rules/cards'
import { sessionField, type SigningNetwork, type WalletSessions } from './wallet-sessions'

export interface SigningServiceDeps {
  readonly network: SigningNetwork
  /** of all open wallets */
  sessions(): readonly WalletSessions[]
}

export class SigningService {
  constructor(private readonly d: SigningServiceDeps) {}

  cards(): SessionCard[] {
    return inOrder(this.d.sessions().flatMap(sessions => sessions.cards()))
  }

  ensureConnected(peerIds: readonly PeerId[], excludeSelf: boolean, options: GateOptions = {}): Promise<GateResult> {
    if (peerIds.length === 0) throw new TypeError('participantPeerIds: empty')
    const rosters = this.d.sessions().flatMap(({ wallet }) => wallet.record.roster)
    const member = new Map(rosters.map(e => [e.peerId, e.accountKey] as const))
    const targets = peerIds.map((peerId): GateTarget => {
      const known = member.get(peerId)
      return { peerId, ...(known === undefined ? {} : { member: known }) }
    })
    return this.d.network.ensureConnected(targets, { ...options, excludeSelf })
  }

  async createWithOptions(options: CreateSessionOptions): Promise<CreateSessionResult> {
    const sessions = options.metadata && this.#ofWallet(options.metadata.walletId)
    if (sessions === undefined) throw new TypeError('metadata.walletId: not a wallet of this profile')
    return createSessionWithOptions(sessions, options)
  }

  /** Builds the finished transaction for the review; nothing is sent and nothing held. */
  async reviewSpend(request: SpendRequest): ReturnType<WalletSessions['review']> {
    const sessions = this.#ofWallet(request.walletId)
    return sessions === undefined ? err({ field: 'wallet', code: 'unknown-wallet' }) : sessions.review(request)
  }

  async proposeSpend(
    request: SpendRequest,
    onStatus?: (peerId: PeerId, status: ParticipantStatus) => void,
    how: ProposeOptions = {},
  ): Promise<ProposeResult> {
    const sessions = this.#ofWallet(request.walletId)
    if (sessions === undefined) {
      const field = { field: 'wallet', code: 'unknown-wallet' }
      return { success: false, error: field.code, field }
    }
    return proposeSpend(sessions, request, onStatus, how)
  }

  approve = (id: SessionId) => this.#in(id, sessions => approve(sessions, id))
  decline = (id: SessionId) => this.#in(id, sessions => act(sessions, id, 'decline'))
  withdraw = (id: SessionId) => this.#in(id, sessions => act(sessions, id, 'withdraw'))
  cancel = (id: SessionId) => this.#in(id, sessions => act(sessions, id, 'cancel'))
  retry = (id: SessionId) => this.#in(id, sessions => act(sessions, id, 'retry'))
  recheck = (id: SessionId) => this.#in(id, sessions => act(sessions, id, 'recheck'))
  /** Dials who is missing, and says what came of it. */
  reconnect = (id: SessionId) => this.#in(id, sessions => reconnect(sessions, id))
  exportTranscript = (id: SessionId) => this.#in(id, sessions => exportTranscript(sessions, id))

  /**
   * This run may not sign any more, because a newer one of the same seed is live: attempts end, votes stand. `by`: only
   * in wallets of this peer, whose word it is.
   */
  async suspend(by?: PeerId): Promise<void> {
    const told = this.d
      .sessions()
      .filter(({ wallet }) => by === undefined || memberOfPeer(wallet.record, by) !== undefined)
    await Promise.all(told.map(sessions => sessions.suspend()))
  }

  #ofWallet(walletId: WalletId): WalletSessions | undefined {
    return this.d.sessions().find(sessions => sessions.walletId === walletId)
  }

  async #in<T>(
    id: SessionId,
    work: (sessions: WalletSessions) => Promise<Result<T, FieldError>>,
  ): Promise<Result<T, FieldError>> {
    const sessions = this.d.sessions().find(s => s.get(id) !== undefined)
    return sessions === undefined ? err(sessionField('unknown-session')) : work(sessions)
  }
}
