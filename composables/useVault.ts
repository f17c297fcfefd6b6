import { computed, onMounted, onScopeDispose } from 'vue'
import { useRouter } from 'vue-router'
import { useVaultStore } from '../stores/vault'
import { useWalletsStore } from '../stores/wallets'

const LAST_PROFILE = 'tandem.last-profile'
const AFTER_UNLOCK = 'tandem.after-unlock'

/** Where to go once a profile is open: kept for this tab, so that an invite or a session survives the unlock. */
export function rememberTarget(path: string): void {
  sessionStorage.setItem(AFTER_UNLOCK, path)
}

/** Profiles of this browser, and the one that is open in this tab. */
export function useVault() {
  const store = useVaultStore()
  const wallets = useWalletsStore()
  const router = useRouter()

  const lastProfile = (): string | null => sessionStorage.getItem(LAST_PROFILE) ?? localStorage.getItem(LAST_PROFILE)
  const target = (): string => sessionStorage.getItem(AFTER_UNLOCK) ?? '/'

  async function unlock(p: { profileId: string; password: string; takeover?: boolean }) {
    const opened = await store.unlock(p)
    if (opened.ok) {
      sessionStorage.setItem(LAST_PROFILE, p.profileId)
      localStorage.setItem(LAST_PROFILE, p.profileId)
    }
    return opened
  }

  /** Goes to where the person wanted to go before a profile was open. */
  async function enter(): Promise<void> {
    const to = target()
    sessionStorage.removeItem(AFTER_UNLOCK)
    await router.replace(to)
  }

  return {
    ready: computed(() => store.ready),
    profiles: computed(() => store.profiles),
    current: computed(() => store.current),
    lockedBy: computed(() => store.lockedBy),
    /** the check of the words may be put off where coins have no value */
    mayDefer: computed(() => wallets.networks.some(n => n.local)),
    invited: () => target().startsWith('/join/'),
    lastProfile,
    newWords: () => store.newWords(),
    createProfile: store.createProfile,
    checkWords: store.checkWords,
    revealWords: store.revealWords,
    restoreFile: wallets.restoreFile,
    lock: store.lock,
    unlock,
    enter,
  }
}

/**
 * Reads the list of profiles anew while it is on the screen: after Lock, and when the person comes back from another
 * tab that may have made one.
 */
export function useFreshProfiles(): void {
  const store = useVaultStore()
  const look = () => {
    if (store.ready && document.visibilityState === 'visible') void store.load()
  }
  onMounted(look)
  document.addEventListener('visibilitychange', look)
  globalThis.addEventListener('focus', look)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', look)
    globalThis.removeEventListener('focus', look)
  })
}
