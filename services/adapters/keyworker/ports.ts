/** What the vault needs of its surroundings. The worker gives the browser's own; tests give memory. */
import type { ProfileId, SessionId } from '../../core/domain/ids'

/** Argon2id cost, stored with each record so that it can rise later. */
export interface PasswordCost {
  readonly memoryKiB: number
  readonly iterations: number
  readonly parallelism: number
}

/** 32 bytes of Argon2id (RFC 9106). `password` is NFKC-normalised text. */
export type PasswordHash = (password: string, salt: Uint8Array, cost: PasswordCost) => Promise<Uint8Array>

/** The form of a stored profile. */
export const PROFILE_VERSION = 1

/** One profile at rest: everything that is secret is sealed. */
export interface ProfileRecord {
  readonly version: typeof PROFILE_VERSION
  readonly id: ProfileId
  readonly name: string
  /** unix milliseconds */
  readonly createdAt: number
  readonly wordsChecked: boolean
  readonly salt: Uint8Array
  readonly cost: PasswordCost
  /** words and passphrase under the password's key */
  readonly seed: Uint8Array
  /** random storage key (32 bytes) under the password's key */
  readonly storageKey: Uint8Array
}

/** Whether a store failed because a newer version of the app has made its database. */
export const isNewerDatabase = (error: unknown): boolean => error instanceof Error && error.name === 'VersionError'

/** Profiles and sealed votes. Nonces are never given to it. A failing store rejects. */
export interface VaultStore {
  profiles(): Promise<ProfileRecord[]>
  profile(id: ProfileId): Promise<ProfileRecord | undefined>
  putProfile(record: ProfileRecord): Promise<void>
  vote(profile: ProfileId, session: SessionId): Promise<Uint8Array | undefined>
  putVote(profile: ProfileId, session: SessionId, sealed: Uint8Array): Promise<void>
}

/** One holder per name among all tabs of this browser. */
export interface LockPort {
  /**
   * Undefined when another tab holds it and `steal` is false. `onLost` is called once when another tab steals it. The
   * result releases it; safe to call after a loss.
   */
  acquire(name: string, steal: boolean, onLost: () => void): Promise<(() => void) | undefined>
}
