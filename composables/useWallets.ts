import { computed } from 'vue'
import { useMuSig2Store } from '../stores/musig2'
import { useP2PStore } from '../stores/p2p'
import { useSettingsStore } from '../stores/settings'
import { useVaultStore } from '../stores/vault'
import { useWalletsStore } from '../stores/wallets'

/** Everything that the list of wallets and the making of one need. */
export function useWallets() {
  const store = useWalletsStore()
  return {
    wallets: computed(() => store.wallets),
    drafts: computed(() => store.drafts),
    networks: computed(() => store.networks),
    loaded: computed(() => store.loaded),
    draft: (id: string) => store.draft(id),
    walletOfDraft: (id: string) => store.walletOfDraft(id),
    createDraft: store.createDraft,
    readInvite: store.readInvite,
    join: store.join,
    admit: store.admit,
    removeSeat: store.removeSeat,
    closeRoster: store.closeRoster,
    abandon: store.abandon,
    restoreFile: store.restoreFile,
  }
}

/** One wallet and what can be done with it. `id` may change while the page stays. */
export function useWallet(id: () => string) {
  const store = useWalletsStore()
  const musig2 = useMuSig2Store()
  return {
    wallet: computed(() => store.wallet(id())),
    loaded: computed(() => store.loaded),
    sessions: computed(() => musig2.sessions.filter(s => s.walletId === id())),
    hasFaucet: computed(() => {
      const wallet = store.wallet(id())
      return wallet !== undefined && store.networks.some(n => n.name === wallet.network && n.faucet)
    }),
    confirmSafety: (matches: boolean) => store.confirmSafety(id(), matches),
    giveUp: () => store.giveUp(id()),
    exportFile: () => store.exportFile(id()),
    checkFile: (bytes: Uint8Array) => store.checkFile(id(), bytes),
    deferFile: () => store.deferFile(id()),
    receiveAddress: () => store.receiveAddress(id()),
    newAddress: () => store.newAddress(id()),
    faucet: () => store.faucet(id()),
    feeEstimates: () => store.feeEstimates(id()),
    changesSeen: () => store.changesSeen(id()),
    refresh: () => store.refresh(id()),
    txDetail: (txid: string) => store.txDetail(id(), txid),
  }
}

/** What is wrong with this tab as a whole, and what one should do some day: said above every page. */
export function useNotices() {
  const p2p = useP2PStore()
  const settings = useSettingsStore()
  const vault = useVaultStore()
  return {
    conflict: computed(() => p2p.conflict),
    clockOffset: computed(() => p2p.clockOffset),
    configError: computed(() => settings.configError),
    movedFrom: computed(() => settings.movedFrom),
    wordsUnchecked: computed(() => vault.current !== null && !vault.current.wordsChecked),
    unreachable: computed(() => p2p.started && p2p.relays.length > 0 && !p2p.reachable),
  }
}
