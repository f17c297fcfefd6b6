import { computed, ref } from 'vue'
import type { ComputedRef } from 'vue'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import { useMuSig2Store } from '../stores/musig2'
import { useP2PStore } from '../stores/p2p'
import { useWalletsStore } from '../stores/wallets'
import { useMessages } from './useMessages'
import type { ParticipantWords } from './useMessages'

export interface ParticipantRow {
  readonly key: string
  readonly accountKey?: string
  readonly name: string
  readonly status: ParticipantStatus
  readonly words: ParticipantWords
  readonly retryable: boolean
}

/** The members of a session, or of the gate before one, with their live connection. Entries change by themselves. */
export function useSessionParticipants(sessionId: () => string) {
  const musig2 = useMuSig2Store()
  const wallets = useWalletsStore()
  const p2p = useP2PStore()
  const messages = useMessages()
  const busy = ref(false)

  const gate = computed(() => Object.entries(musig2.pending).find(([, p]) => p?.id === sessionId()))
  const walletId = computed(() => gate.value?.[0] ?? musig2.session(sessionId())?.walletId)
  const members = computed(() => (walletId.value === undefined ? [] : (wallets.wallet(walletId.value)?.members ?? [])))

  const participants: ComputedRef<ParticipantRow[]> = computed(() =>
    musig2
      .getSessionParticipantStatus(sessionId())
      .filter(status => status.peerId !== p2p.peerId)
      .map(status => {
        const member = members.value.find(m => m.accountKey === status.member || m.peerId === status.peerId)
        const name = member?.name ?? 'A member'
        return {
          key: status.peerId,
          accountKey: member?.accountKey ?? status.member,
          name,
          status,
          words: messages.participant(status, name),
          retryable: status.state === 'failed' && status.retryable !== false && gate.value?.[1]?.state !== 'running',
        }
      }),
  )

  /** one sentence for those who hear the screen: how many are connected, who is not */
  const summary = computed(() => {
    const rows = participants.value
    if (rows.length === 0) return ''
    const failed = rows.filter(r => r.status.state === 'failed').map(r => r.name)
    const connected = rows.filter(r => r.status.state === 'connected').length
    return `${connected} of ${rows.length} connected.${failed.length > 0 ? ` Not connected: ${failed.join(', ')}.` : ''}`
  })

  async function retry(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      if (gate.value !== undefined) await musig2.retryGate(gate.value[0])
      else await musig2.retry(sessionId())
    } finally {
      busy.value = false
    }
  }

  return { participants, summary, busy, retry }
}
