import { defineStore } from 'pinia'
import { vault } from '../services/vault'
import type { ProfileInfo } from '../services/ports/signer'

/** Mirror of the vault door: which profiles this browser holds and which one this tab has open. */
export const useVaultStore = defineStore('vault', {
  state: () => ({
    ready: false,
    profiles: [] as ProfileInfo[],
    current: null as ProfileInfo | null,
    /** why the tab was locked without the user's wish */
    lockedBy: null as 'user' | 'takeover' | null,
  }),
  actions: {
    async load() {
      this.profiles = await vault().profiles()
      this.ready = true
    },
    /** 12 fresh words; they are not stored anywhere until `createProfile`. */
    newWords: () => vault().newWords(),
    async createProfile(p: {
      name: string
      words: string
      passphrase?: string
      password: string
      wordsChecked: boolean
    }) {
      const made = await vault().createProfile(p)
      if (made.ok) await this.load()
      return made
    },
    async unlock(p: { profileId: string; password: string; takeover?: boolean }) {
      const opened = await vault().unlock({ takeover: false, ...p })
      if (opened.ok) this.current = opened.value
      this.lockedBy = null
      return opened
    },
    async lock() {
      await vault().lock()
    },
    checkWords: (words: ReadonlyArray<{ position: number; word: string }>) => vault().checkWords(words),
    revealWords: (password: string) => vault().revealWords(password),
    _onLocked(reason: 'user' | 'takeover') {
      this.current = null
      this.lockedBy = reason
    },
  },
})
