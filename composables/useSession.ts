import { computed } from 'vue'
import { useMuSig2Store } from '../stores/musig2'
import { useWalletsStore } from '../stores/wallets'

/** One proposal: its card, its wallet, and what this person may do. */
export function useSession(id: () => string) {
  const store = useMuSig2Store()
  const wallets = useWalletsStore()
  const card = computed(() => store.session(id()))
  return {
    card,
    wallet: computed(() => (card.value === undefined ? undefined : wallets.wallet(card.value.walletId))),
    loaded: computed(() => wallets.loaded),
    approve: () => store.approve(id()),
    decline: () => store.decline(id()),
    withdraw: () => store.withdraw(id()),
    cancel: () => store.cancel(id()),
    retry: () => store.retry(id()),
    exportTranscript: () => store.exportTranscript(id()),
    recheck: async () => {
      await store.recheck(id())
    },
  }
}
