import { computed } from 'vue'
import { historyRows, openRows, sessionRow } from '../services/core/signing/rules/session-row'
import { useMuSig2Store } from '../stores/musig2'
import { useWalletsStore } from '../stores/wallets'

/** The proposals of one wallet as lists show them. */
export function useProposalRows(walletId: () => string) {
  const musig2 = useMuSig2Store()
  const wallets = useWalletsStore()
  const cards = computed(() => musig2.sessions.filter(s => s.walletId === walletId()))
  return {
    open: computed(() => openRows(cards.value)),
    history: computed(() => historyRows(wallets.wallet(walletId())?.history ?? [], cards.value)),
  }
}

/** Requests that wait for this person, with the name of the wallet. */
export function useRequestRows() {
  const musig2 = useMuSig2Store()
  const wallets = useWalletsStore()
  return computed(() =>
    musig2.waitingForMe.map(card => ({ ...sessionRow(card), wallet: wallets.wallet(card.walletId)?.name ?? '' })),
  )
}
