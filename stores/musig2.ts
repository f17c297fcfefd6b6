import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import type { ConnectionKind, ConnectivityErrorType, ParticipantStatus } from '../services/core/domain/connectivity'
import type { PeerId, SessionId, WalletId } from '../services/core/domain/ids'
import type { ReviewView } from '../services/core/domain/views'
import type { SessionView } from '../services/core/signing/progress'

const door = async () => await import('../services/musig2')

/** One session as the screens show it. */
export interface SessionCard {
  readonly id: SessionId
  readonly walletId: WalletId
  readonly view: SessionView
  readonly review: ReviewView | null
  readonly practiceText?: string
  /** six words, the same on every screen */
  readonly spendCode: readonly string[]
  readonly proposerName: string
  /** unix seconds */
  readonly createdAt: number
  readonly expiresAt: number
  /** other live sessions that want a coin of this one */
  readonly overlapsWith: readonly SessionId[]
}

export interface SpendProposalParams {
  readonly walletId: WalletId
  readonly recipient: string
  /** satoshis; ignored when `all` is set */
  readonly amountSats: bigint
  readonly all?: boolean
  /** sat/vB, fractions allowed */
  readonly feeRate?: number
  /** outpoints "txid:vout" to spend from; chosen by the wallet when omitted */
  readonly coins?: readonly string[]
  readonly note?: string
}

export interface ConnectivityIssue {
  readonly peerId: PeerId
  readonly error: string
  readonly errorType?: ConnectivityErrorType
  readonly retryable?: boolean
  readonly member?: string
}

/** Mirror of the signing door (contract.md). Status entries live as long as their session. */
export const useMuSig2Store = defineStore('musig2', {
  state: () => ({
    sessions: [] as SessionCard[],
    /** session id or pre-session id -> peer id -> status */
    sessionParticipantStatus: new Map<string, Map<PeerId, ParticipantStatus>>(),
    /** wallet id -> pre-session id of a gate that runs or has failed; the draft of the form is kept beside it */
    pending: {} as Record<WalletId, { id: string; params: SpendProposalParams; state: 'running' | 'failed'; error?: string } | undefined>,
  }),
  getters: {
    session: state => (id: SessionId) => state.sessions.find(s => s.id === id),
    pendingFor: state => (walletId: WalletId) => state.pending[walletId],
    /** requests that wait for this person, oldest first */
    waitingForMe: state => state.sessions.filter(s => s.view.canApprove),
  },
  actions: {
    getSessionParticipantStatus(sessionId: string): ParticipantStatus[] {
      return [...this.sessionParticipantStatus.get(sessionId)?.values() ?? []]
    },
    _updateSessionParticipantStatus(
      sessionId: string, peerId: PeerId, connected: boolean, connectionType?: ConnectionKind, error?: string,
      more?: Partial<ParticipantStatus>,
    ) {
      const entries = new Map(this.sessionParticipantStatus.get(sessionId))
      const state = more?.state ?? (connected ? 'connected' : error === undefined ? 'waiting' : 'failed')
      entries.set(peerId, markRaw({ since: Date.now(), ...more, peerId, connected, connectionType, error, state }))
      this.sessionParticipantStatus.set(sessionId, entries)
    },
    /** Delegates to the one gate of the service. */
    async ensureParticipantsConnected(peerIds: PeerId[]) {
      const result = await (await door()).ensureSessionParticipantsConnected(peerIds)
      const results = new Map<PeerId, { success: boolean; error?: string }>()
      for (const id of result.connected) results.set(id, { success: true })
      for (const issue of result.failed) results.set(issue.peerId, { success: false, error: issue.error })
      return { allConnected: result.allConnected, results }
    },
    /** Builds the finished transaction for the review; nothing is sent and nothing held. */
    async reviewSpend(params: SpendProposalParams) {
      return (await door()).reviewSpend(params)
    },
    /**
     * Builds the spend, connects to every member, and only then proposes. After a failed gate the entry stays under its
     * pre-session id with `Retry` (`retryGate`) until it is dismissed.
     */
    async proposeSpend(params: SpendProposalParams): Promise<{ success: boolean; sessionId?: string; error?: string; connectivityIssues?: readonly ConnectivityIssue[]; pendingId: string }> {
      const { proposeSpend } = await door()
      const id = `pending-${crypto.randomUUID()}`
      const before = this.pending[params.walletId]
      if (before !== undefined) this.sessionParticipantStatus.delete(before.id)
      this.pending[params.walletId] = { id, params, state: 'running' }
      const result = await proposeSpend(params, (peerId, status) => {
        this._updateSessionParticipantStatus(id, peerId, status.connected, status.connectionType, status.error, status)
      })
      if (result.sessionId !== undefined) {
        const entries = this.sessionParticipantStatus.get(id)
        if (entries !== undefined && !this.sessionParticipantStatus.has(result.sessionId)) this.sessionParticipantStatus.set(result.sessionId, entries)
        this.sessionParticipantStatus.delete(id)
        this.pending[params.walletId] = undefined
        return { success: true, sessionId: result.sessionId, pendingId: id }
      }
      this.pending[params.walletId] = { id, params, state: 'failed', error: result.error }
      return { success: false, error: result.error, connectivityIssues: result.connectivityIssues, pendingId: id }
    },
    async retryGate(walletId: WalletId) {
      const waiting = this.pending[walletId]
      return waiting === undefined ? undefined : this.proposeSpend(waiting.params)
    },
    dismissGate(walletId: WalletId) {
      const waiting = this.pending[walletId]
      if (waiting !== undefined) this.sessionParticipantStatus.delete(waiting.id)
      this.pending[walletId] = undefined
    },
    async approve(id: SessionId) {
      return (await door()).approve(id)
    },
    async decline(id: SessionId) {
      return (await door()).decline(id)
    },
    async withdraw(id: SessionId) {
      return (await door()).withdraw(id)
    },
    async cancel(id: SessionId) {
      return (await door()).cancel(id)
    },
    async retry(id: SessionId) {
      return (await door()).retry(id)
    },
    _mirrorSessions(cards: SessionCard[]) {
      this.sessions = cards.map(c => markRaw(c))
      // entries live as long as their session
      const alive = new Set([...cards.map(c => c.id), ...Object.values(this.pending).map(p => p?.id)])
      for (const id of [...this.sessionParticipantStatus.keys()]) if (!alive.has(id)) this.sessionParticipantStatus.delete(id)
    },
    _clear() {
      this.sessions = []
      this.sessionParticipantStatus.clear()
      this.pending = {}
    },
  },
})
