import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import type { ConnectionKind, ParticipantStatus } from '../services/core/domain/connectivity'
import type { PeerId, SessionId, WalletId } from '../services/core/domain/ids'
import type { FieldError } from '../services/core/domain/views'
import type { GateFailure } from '../services/core/net/gate'
import type { SessionCard, SpendProposalParams } from '../services/musig2'
import { useP2PStore } from './p2p'
import { useWalletsStore } from './wallets'

const module = () => import('../services/musig2')
const door = async () => (await module()).musig2()

export type { SessionCard, SpendProposalParams } from '../services/musig2'

/** ends the gate that runs, by pre-session id */
const gates = new Map<string, AbortController>()

/** Mirror of the signing door (docs/connectivity.md). Status entries live as long as their gate or session. */
export const useMuSig2Store = defineStore('musig2', {
  state: () => ({
    sessions: [] as SessionCard[],
    /** session id or pre-session id -> peer id -> status */
    sessionParticipantStatus: new Map<string, Map<PeerId, ParticipantStatus>>(),
    /** what the last proposing of a wallet came to, through the first gate or a retried one */
    proposed: {} as Record<WalletId, SessionId | undefined>,
    /** wallet id -> pre-session id of a gate that runs or has failed; the draft of the form is kept beside it */
    pending: {} as Record<
      WalletId,
      | { id: string; params: SpendProposalParams; state: 'running' | 'failed'; error?: string; field?: FieldError }
      | undefined
    >,
  }),
  getters: {
    session: state => (id: SessionId) => state.sessions.find(s => s.id === id),
    pendingFor: state => (walletId: WalletId) => state.pending[walletId],
    /** requests that wait for this person, oldest first */
    waitingForMe: state => state.sessions.filter(s => s.view.canApprove),
  },
  actions: {
    /**
     * Of a gate that runs or has failed: its own progress. Of a session: what is known of each member's peer id now
     * (stores/p2p.ts), which is the one place where a connection is kept.
     */
    getSessionParticipantStatus(sessionId: string): ParticipantStatus[] {
      const session = this.session(sessionId)
      const told = this.sessionParticipantStatus.get(sessionId)
      if (session === undefined) return [...(told?.values() ?? [])]
      const peers = useP2PStore().peers
      const members = useWalletsStore().wallet(session.walletId)?.members ?? []
      return members.flatMap(({ self, peerId, accountKey }) => {
        const known = self ? undefined : (peers[peerId] ?? told?.get(peerId))
        return known === undefined ? [] : [{ ...known, member: accountKey }]
      })
    },
    _updateSessionParticipantStatus(
      sessionId: string,
      peerId: PeerId,
      connected: boolean,
      connectionType?: ConnectionKind,
      error?: string,
      more?: Partial<ParticipantStatus>,
    ) {
      const entries = new Map(this.sessionParticipantStatus.get(sessionId))
      const state = more?.state ?? (connected ? 'connected' : error === undefined ? 'waiting' : 'failed')
      entries.set(peerId, markRaw({ since: Date.now(), ...more, peerId, connected, connectionType, error, state }))
      this.sessionParticipantStatus.set(sessionId, entries)
    },
    /** Delegates to the one gate of the service. */
    async ensureParticipantsConnected(peerIds: PeerId[]) {
      const result = await (await module()).ensureSessionParticipantsConnected(peerIds)
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
     * pre-session id with `Retry` (`retryGate`) until it is dismissed. `partial` proposes to those who are there, at
     * least one other.
     */
    async proposeSpend(
      params: SpendProposalParams,
      partial = false,
    ): Promise<{
      success: boolean
      sessionId?: string
      error?: string
      field?: FieldError
      connectivityIssues?: readonly GateFailure[]
      pendingId: string
    }> {
      const signing = await door()
      const id = `pending-${crypto.randomUUID()}`
      const before = this.pending[params.walletId]
      this.proposed[params.walletId] = undefined
      if (before !== undefined) this._endGate(before.id)
      this.pending[params.walletId] = { id, params, state: 'running' }
      const gate = new AbortController()
      gates.set(id, gate)
      const result = await signing.proposeSpend(
        params,
        (peerId, status) => {
          if (!gate.signal.aborted)
            this._updateSessionParticipantStatus(
              id,
              peerId,
              status.connected,
              status.connectionType,
              status.error,
              status,
            )
        },
        { partial, signal: gate.signal },
      )
      gates.delete(id)
      if (result.sessionId !== undefined) {
        const entries = this.sessionParticipantStatus.get(id)
        if (entries !== undefined && !this.sessionParticipantStatus.has(result.sessionId))
          this.sessionParticipantStatus.set(result.sessionId, entries)
        this.sessionParticipantStatus.delete(id)
        if (this.pending[params.walletId]?.id === id) this.pending[params.walletId] = undefined
        this.proposed[params.walletId] = result.sessionId
        return { success: true, sessionId: result.sessionId, pendingId: id }
      }
      // dismissed meanwhile, or overtaken by another: nobody waits for this one
      if (this.pending[params.walletId]?.id === id)
        this.pending[params.walletId] = { id, params, state: 'failed', error: result.error, field: result.field }
      return {
        success: false,
        error: result.error,
        field: result.field,
        connectivityIssues: result.connectivityIssues,
        pendingId: id,
      }
    },
    async retryGate(walletId: WalletId) {
      const waiting = this.pending[walletId]
      return waiting === undefined ? undefined : this.proposeSpend(waiting.params)
    },
    /**
     * Proposes to those who are there; the others get it when they open the wallet, and it cannot complete without
     * them.
     */
    async proposeToPresent(walletId: WalletId) {
      const waiting = this.pending[walletId]
      return waiting === undefined ? undefined : this.proposeSpend(waiting.params, true)
    },
    /** Gives up a gate that runs, forgets one that has failed. */
    dismissGate(walletId: WalletId) {
      const waiting = this.pending[walletId]
      this.pending[walletId] = undefined
      if (waiting !== undefined) this._endGate(waiting.id)
    },
    _endGate(id: string) {
      gates.get(id)?.abort()
      gates.delete(id)
      this.sessionParticipantStatus.delete(id)
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
    /** Dials the members of a session who are missing; gives what came of each. */
    async reconnect(id: SessionId) {
      return (await door()).reconnect(id)
    },
    async exportTranscript(id: SessionId) {
      return (await door()).exportTranscript(id)
    },
    /** looks at the chain again for what was not yet seen */
    async recheck(id: SessionId) {
      return (await door()).recheck(id)
    },
    _mirrorSessions(cards: SessionCard[]) {
      this.sessions = cards.map(c => markRaw(c))
      // entries live as long as their session
      const alive = new Set([...cards.map(c => c.id), ...Object.values(this.pending).map(p => p?.id)])
      for (const id of [...this.sessionParticipantStatus.keys()])
        if (!alive.has(id)) this.sessionParticipantStatus.delete(id)
    },
    _clear() {
      this.sessions = []
      for (const id of [...gates.keys()]) this._endGate(id)
      this.sessionParticipantStatus.clear()
      this.pending = {}
      this.proposed = {}
    },
  },
})
