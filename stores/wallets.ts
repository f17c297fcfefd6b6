import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import type { NetworkName } from '../services/core/domain/network'
import type { DraftView, WalletView } from '../services/core/domain/views'

/** The door is heavy (curves, codecs): it is fetched when a profile is unlocked. */
const door = async () => (await import('../services/wallets')).wallets()

export interface NetworkChoice {
  readonly name: NetworkName
  readonly local: boolean
  readonly faucet: boolean
}

/** Mirror of the wallets door: shared wallets of the open profile, and those in the making. */
export const useWalletsStore = defineStore('wallets', {
  state: () => ({
    wallets: [] as WalletView[],
    drafts: [] as DraftView[],
    networks: [] as NetworkChoice[],
    /** draft id -> wallet id, for the screen that goes on from one to the other */
    finishedDrafts: {} as Record<string, string>,
    loaded: false,
  }),
  getters: {
    wallet: state => (id: string) => state.wallets.find(w => w.id === id),
    draft: state => (id: string) => state.drafts.find(d => d.id === id),
    walletOfDraft:
      state =>
      (draftId: string): string | undefined =>
        state.finishedDrafts[draftId],
  },
  actions: {
    async createDraft(p: { name: string; network: NetworkName; n: number }) {
      return (await door()).createDraft(p)
    },
    /** What an invite says, without joining: works while no profile is open. */
    async readInvite(text: string) {
      const { readInvite } = await import('../services/wallets')
      return readInvite(text)
    },
    async join(text: string, myName: string) {
      return (await door()).join(text, myName)
    },
    async admit(draftId: string, accountKey: string) {
      return (await door()).admit(draftId, accountKey)
    },
    async removeSeat(draftId: string, accountKey: string) {
      return (await door()).removeSeat(draftId, accountKey)
    },
    async closeRoster(draftId: string) {
      return (await door()).closeRoster(draftId)
    },
    async abandon(draftId: string) {
      return (await door()).abandon(draftId)
    },
    async confirmSafety(walletId: string, matches: boolean) {
      return (await door()).confirmSafety(walletId, matches)
    },
    async giveUp(walletId: string) {
      return (await door()).giveUp(walletId)
    },
    async exportFile(walletId: string) {
      return (await door()).exportFile(walletId)
    },
    async checkFile(walletId: string, bytes: Uint8Array) {
      return (await door()).checkFile(walletId, bytes)
    },
    async deferFile(walletId: string) {
      return (await door()).deferFile(walletId)
    },
    async restoreFile(bytes: Uint8Array) {
      return (await door()).restoreFile(bytes)
    },
    async receiveAddress(walletId: string) {
      return (await door()).receiveAddress(walletId)
    },
    async newAddress(walletId: string) {
      return (await door()).newAddress(walletId)
    },
    async faucet(walletId: string) {
      return (await door()).faucet(walletId)
    },
    async readRecipient(walletId: string, address: string) {
      return (await door()).readRecipient(walletId, address)
    },
    async feeEstimates(walletId: string) {
      return (await door()).feeEstimates(walletId)
    },
    async changesSeen(walletId: string) {
      return (await door()).changesSeen(walletId)
    },
    async refresh(walletId: string) {
      return (await door()).refresh(walletId)
    },
    async txDetail(walletId: string, txid: string) {
      return (await door()).txDetail(walletId, txid)
    },
    _mirror(wallets: WalletView[], drafts: DraftView[], finished: Record<string, string>) {
      this.wallets = wallets.map(w => markRaw(w))
      this.drafts = drafts.map(d => markRaw(d))
      this.finishedDrafts = finished
      this.loaded = true
    },
    _clear() {
      this.wallets = []
      this.drafts = []
      this.finishedDrafts = {}
      this.loaded = false
    },
  },
})
