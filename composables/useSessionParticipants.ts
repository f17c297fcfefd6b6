import { computed, ref } from 'vue'
import type { ComputedRef } from 'vue'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import { useMuSig2Store } from '../stores/musig2'
import { useP2PStore } from '../stores/p2p'
import { useWalletsStore } from '../stores/wallets'
import { useParticipantWords } from './useParticipantWords'
import type { ParticipantWords } from './useParticipantWords'

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
  const words = useParticipantWords()
  const busy = ref(false)
  /** what the last retry of a session came to */
  const outcome = ref('')

  const gate = computed(() => Object.entries(musig2.pending).find(([, p]) => p?.id === sessionId()))
  const walletId = computed(() => gate.value?.[0] ?? musig2.session(sessionId())?.walletId)
  const members = computed(() => (walletId.value === undefined ? [] : (wallets.wallet(walletId.value)?.members ?? [])))

  const participants: ComputedRef<ParticipantRow[]> = computed(() =>
    musig2
      .getSessionParticipantStatus(sessionId())
      .filter(status => status.peerId !== p2p.peerId)
      .map(status => {
        const member = members.value.find(m => m.accountKey === status.member || m.peerId === status.peerId)
        const name = member?.name ?? words.connect.unknownMember
        return {
          key: status.peerId,
          accountKey: member?.accountKey ?? status.member,
          name,
          status,
          words: words.participant(status, name),
          retryable: status.state === 'failed' && status.retryable !== false && gate.value?.[1]?.state !== 'running',
        }
      }),
  )

  /** one sentence for those who hear the screen: how many are connected, who is not */
  const summary = computed(() => {
    const named = (state: ParticipantStatus['state']) =>
      participants.value.filter(r => r.status.state === state).map(r => r.name)
    return words.summary(named('connected').length, participants.value.length, named('failed'))
  })

  /** A gate is run anew; in a session those who are missing are dialled, and what came of it is said. */
  async function retry(): Promise<void> {
    if (busy.value) return
    busy.value = true
    outcome.value = ''
    try {
      if (gate.value !== undefined) await musig2.retryGate(gate.value[0])
      else outcome.value = await reconnect()
    } finally {
      busy.value = false
    }
  }

  async function reconnect(): Promise<string> {
    const result = await musig2.reconnect(sessionId())
    if (!result.ok) return words.connect.sessionGone
    const { connected, failed } = result.value
    const nameOf = (peerId: string) => members.value.find(m => m.peerId === peerId)?.name ?? words.connect.unknownMember
    return words.summary(
      connected.length,
      connected.length + failed.length,
      failed.map(f => nameOf(f.peerId)),
    )
  }

  return { participants, summary, busy, outcome, retry }
}
