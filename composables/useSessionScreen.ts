import { computed, onScopeDispose, ref, watch } from 'vue'
import type { WalletView } from '../services/core/domain/views'
import { LINGER_MS, sessionScreen } from '../services/core/signing/rules/session-screen'
import { useMuSig2Store } from '../stores/musig2'
import type { SessionCard } from '../stores/musig2'

/** What the screen of a session says now. It is made in the core; only the time is watched here. */
export function useSessionScreen(card: () => SessionCard, wallet: () => WalletView) {
  const store = useMuSig2Store()
  const lingers = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    () => card().view.state,
    state => {
      clearTimeout(timer)
      lingers.value = false
      if (state === 'released') timer = setTimeout(() => (lingers.value = true), LINGER_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return computed(() => sessionScreen(card(), wallet(), { others: store.sessions, lingers: lingers.value }))
}
