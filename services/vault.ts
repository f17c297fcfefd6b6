import type { ProfileInfo, Signer, UnlockedProfile, VaultError } from './ports/signer'
import { err, ok } from './core/domain/result'
import type { Result } from './core/domain/result'

/** What the vault door needs: the signer, and what starts and stops with an open profile. */
export interface VaultDeps {
  readonly signer: Signer
  /** builds storage, network and the other doors for this profile */
  opened(profile: UnlockedProfile): Promise<void>
  /** stops them; called before the tab shows the list of profiles again */
  closed(reason: 'user' | 'takeover'): Promise<void>
}

/** Profiles of this browser. One of them may be open in this tab. */
export interface Vault {
  profiles(): Promise<ProfileInfo[]>
  /** 12 fresh words (BIP39, 128 bits); kept by nobody until `createProfile` */
  newWords(): Promise<string>
  createProfile(p: {
    name: string
    words: string
    passphrase?: string
    password: string
    wordsChecked: boolean
  }): Promise<Result<ProfileInfo, VaultError>>
  unlock(p: { profileId: string; password: string; takeover: boolean }): Promise<Result<ProfileInfo, VaultError>>
  lock(): Promise<void>
  checkWords(words: ReadonlyArray<{ position: number; word: string }>): Promise<Result<boolean, VaultError>>
  revealWords(password: string): Promise<Result<string, VaultError>>
}

export function createVault(deps: VaultDeps): Vault {
  const { signer } = deps
  let state: 'closed' | 'opening' | 'open' = 'closed'
  /** locked while what belongs to the profile was still being built */
  let lost: 'user' | 'takeover' | undefined
  const close = async (reason: 'user' | 'takeover') => {
    if (state === 'opening') lost = reason
    if (state !== 'open') return
    state = 'closed'
    await deps.closed(reason)
  }
  signer.onLocked(reason => void close(reason))
  return {
    profiles: () => signer.profiles(),
    async newWords() {
      // the word list is large: only who makes a profile fetches it
      const [{ generateMnemonic }, { wordlist }] = await Promise.all([
        import('@scure/bip39'),
        import('@scure/bip39/wordlists/english.js'),
      ])
      return generateMnemonic(wordlist, 128)
    },
    createProfile: p => signer.createProfile(p),
    async unlock(p) {
      const result = await signer.unlock(p)
      if (!result.ok) return result
      state = 'opening'
      lost = undefined
      try {
        await deps.opened(result.value)
      } catch (error) {
        const locked = lost !== undefined
        state = 'closed'
        if (locked) return err({ code: 'locked' })
        // nothing runs on a profile that could not be opened
        await signer.lock()
        if (error instanceof Error && 'code' in error && error.code === 'newer-version')
          return err({ code: 'newer-version' })
        throw error
      }
      state = 'open'
      if (lost !== undefined) {
        await close(lost)
        return err({ code: 'locked' })
      }
      // the peer key goes to the network and nowhere else
      const { id, name, createdAt, wordsChecked } = result.value
      return ok({ id, name, createdAt, wordsChecked })
    },
    async lock() {
      await signer.lock()
      await close('user')
    },
    checkWords: words => signer.checkWords(words),
    revealWords: password => signer.revealWords(password),
  }
}

let current: Vault | null = null

/** Sets the one current instance. */
export function initVault(deps: VaultDeps): Vault {
  current = createVault(deps)
  return current
}

/** The current instance; using it before `initVault` is a mistake in the program. */
export function vault(): Vault {
  if (current === null) throw new TypeError('vault: not initialized')
  return current
}
