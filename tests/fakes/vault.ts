import { sha256 } from '@noble/hashes/sha2.js'
import { createVault } from '../../services/adapters/keyworker/vault'
import type { LockPort, PasswordHash, ProfileRecord, VaultStore } from '../../services/adapters/keyworker/ports'
import { concatBytes, utf8ToBytes } from '../../services/core/domain/bytes'
import type { Clock } from '../../services/ports/clock'
import type { Entropy } from '../../services/ports/entropy'
import type { Aggregator, Signer, UnlockedProfile } from '../../services/ports/signer'
import { FakeClock } from './clock'
import { createFakeEntropy } from './entropy'

/**
 * The vault's database in memory; records are copied in and out as IndexedDB does. `writes` keeps every value ever
 * stored.
 */
export interface MemoryVaultStore extends VaultStore {
  readonly writes: unknown[]
  /** the next writes reject while true */
  failing: boolean
}
export function createMemoryVaultStore(): MemoryVaultStore {
  const profiles = new Map<string, ProfileRecord>()
  const votes = new Map<string, Uint8Array>()
  const store: MemoryVaultStore = {
    writes: [],
    failing: false,
    profiles: async () => [...profiles.values()].map(record => structuredClone(record)),
    profile: async id => structuredClone(profiles.get(id)),
    async putProfile(record) {
      if (store.failing) throw new Error('disk full')
      store.writes.push(structuredClone(record))
      profiles.set(record.id, structuredClone(record))
    },
    vote: async (profile, session) => structuredClone(votes.get(`${profile} ${session}`)),
    async putVote(profile, session, sealed) {
      if (store.failing) throw new Error('disk full')
      store.writes.push(sealed.slice())
      votes.set(`${profile} ${session}`, sealed.slice())
    },
  }
  return store
}

/** Locks of one browser in memory: give the same one to several vaults to make them tabs of it. */
export function createMemoryLocks(): LockPort {
  const held = new Map<string, { onLost: () => void }>()
  return {
    async acquire(name, steal, onLost) {
      const holder = held.get(name)
      if (holder !== undefined && !steal) return undefined
      const entry = { onLost }
      held.set(name, entry)
      holder?.onLost()
      return () => {
        if (held.get(name) === entry) held.delete(name)
      }
    },
  }
}

/** Stands for Argon2id where its cost is not the subject; the real one has its own test. */
export const cheapHash: PasswordHash = async (password, salt) => sha256(concatBytes(salt, utf8ToBytes(password)))

export interface TestVault {
  readonly vault: Signer & Aggregator
  readonly store: MemoryVaultStore
  readonly locks: LockPort
  readonly clock: Clock
  readonly entropy: Entropy
}

/**
 * The real vault over memory. Deterministic for one `seed`; share `store` and `locks` for a second tab of the same
 * browser.
 */
export function createTestVault(
  options: { seed?: string; clock?: Clock; store?: MemoryVaultStore; locks?: LockPort; entropy?: Entropy } = {},
): TestVault {
  const parts = {
    store: options.store ?? createMemoryVaultStore(),
    locks: options.locks ?? createMemoryLocks(),
    clock: options.clock ?? new FakeClock(),
    entropy: options.entropy ?? createFakeEntropy(options.seed ?? 'vault'),
  }
  return { vault: createVault({ ...parts, hash: cheapHash }), ...parts }
}

/** Different valid BIP39 words per number. */
export const TEST_WORDS = [
  'legal winner thank year wave sausage worth useful legal winner thank yellow',
  'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
  'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong',
  'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
] as const

export const TEST_PASSWORD = 'correct horse'

/** A vault with one profile made and unlocked. */
export async function unlockedVault(
  who: number,
  options: Parameters<typeof createTestVault>[0] = {},
): Promise<TestVault & { readonly profile: UnlockedProfile }> {
  const parts = createTestVault({ seed: `member ${who}`, ...options })
  const made = await parts.vault.createProfile({
    name: `Member ${who}`,
    words: TEST_WORDS[who] ?? TEST_WORDS[0],
    password: TEST_PASSWORD,
    wordsChecked: true,
  })
  if (!made.ok) throw new Error(made.error.code)
  const profile = await parts.vault.unlock({ profileId: made.value.id, password: TEST_PASSWORD, takeover: false })
  if (!profile.ok) throw new Error(profile.error.code)
  return { ...parts, profile: profile.value }
}
