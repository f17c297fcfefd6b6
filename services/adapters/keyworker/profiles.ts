/**
 * Profiles at rest and the one that is unlocked: password, words, storage key, the lock that only one tab holds.
 * Invariant: `current` is defined exactly while the secrets are in memory; `#close` wipes them before anybody is told.
 */
import { concatBytes, toHex, utf8ToBytes } from '../../core/domain/bytes'
import type { ProfileId } from '../../core/domain/ids'
import { err, ok, type Result } from '../../core/domain/result'
import { cleanText } from '../../core/domain/text'
import { LIMITS } from '../../core/wire/limits'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { ProfileInfo, UnlockedProfile, VaultError } from '../../ports/signer'
import { entropyOf, Keys, normaliseWords, wordsOf } from './keys'
import { infoOf } from './profile-list'
import {
  isNewerDatabase,
  PROFILE_VERSION,
  type LockPort,
  type PasswordHash,
  type ProfileRecord,
  type VaultStore,
} from './ports'
import { importKey, isSaneCost, openWith, PASSWORD_COST, sealWith } from './seal'

export interface VaultDeps {
  readonly store: VaultStore
  readonly locks: LockPort
  readonly hash: PasswordHash
  readonly entropy: Entropy
  readonly clock: Clock
}

/** The open profile. */
export interface Unlocked {
  readonly record: ProfileRecord
  readonly keys: Keys
  readonly storageKey: CryptoKey
  /** BIP39 entropy, for the word check */
  readonly words: Uint8Array
  readonly release: () => void
}

/** Characters (code points) of a password. */
const MIN_PASSWORD = 8
/**
 * words that a check must give at once, and wrong checks of a profile until this worker ends: 2048^3 guesses are not to
 * be had
 */
const WORDS_ASKED = 3
const WRONG_WORDS = 20

const isNewerVersion = (version: unknown): boolean => typeof version === 'number' && version > PROFILE_VERSION

const fail = (code: VaultError['code']): { readonly ok: false; readonly error: VaultError } => err({ code })
const purpose = (id: ProfileId, what: string): string => `tandem/profile/1 ${id} ${what}`

export class Profiles {
  current: Unlocked | undefined
  #tail: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<(reason: 'user' | 'takeover') => void>()
  readonly #wrongWords = new Map<ProfileId, number>()

  /** `onClose` runs after the secrets are gone and before listeners are told. */
  constructor(
    private readonly deps: VaultDeps,
    private readonly onClose: () => void,
  ) {}

  async create(p: {
    name: string
    words: string
    passphrase?: string
    password: string
    wordsChecked: boolean
  }): Promise<Result<ProfileInfo, VaultError>> {
    const name = cleanText(p.name, LIMITS.nameBytes)
    if (name === '') return fail('empty-name')
    const words = normaliseWords(p.words)
    if (words === undefined) return fail('bad-words')
    if ([...p.password].length < MIN_PASSWORD) return fail('weak-password')
    const { entropy, clock, store } = this.deps
    const id = toHex(entropy.bytes(16))
    const salt = entropy.bytes(16)
    const key = await this.#passwordKey(p.password, salt, PASSWORD_COST)
    const wordBytes = entropyOf(words)
    const plain = concatBytes(
      Uint8Array.of(wordBytes.length),
      wordBytes,
      utf8ToBytes((p.passphrase ?? '').normalize('NFKD')),
    )
    const storageKey = entropy.bytes(32)
    const record: ProfileRecord = {
      version: PROFILE_VERSION,
      id,
      name,
      createdAt: clock.now(),
      wordsChecked: p.wordsChecked,
      salt,
      cost: PASSWORD_COST,
      seed: await sealWith(key, entropy.bytes(12), purpose(id, 'seed'), plain),
      storageKey: await sealWith(key, entropy.bytes(12), purpose(id, 'storage'), storageKey),
    }
    for (const secret of [wordBytes, plain, storageKey]) secret.fill(0)
    try {
      await store.putProfile(record)
    } catch {
      return fail('storage-failed')
    }
    return ok(infoOf(record))
  }

  /** One after the other: a second call closes what the first one opened. */
  unlock(p: {
    profileId: ProfileId
    password: string
    takeover: boolean
  }): Promise<Result<UnlockedProfile, VaultError>> {
    const run = this.#tail.then(() => this.#unlock(p))
    this.#tail = run.catch(() => undefined)
    return run
  }

  async #unlock(p: {
    profileId: ProfileId
    password: string
    takeover: boolean
  }): Promise<Result<UnlockedProfile, VaultError>> {
    const record = await this.#record(p.profileId)
    if (!record.ok) return record
    this.lock()
    const lock = this.#lockOf(p.profileId)
    // "open elsewhere" must not cost a password hash; a steal must not happen before the password is right
    if (!p.takeover && !(await lock.acquire(false))) return fail('open-elsewhere')
    try {
      const secrets = await this.#openRecord(record.value, p.password)
      if (!secrets.ok) return secrets
      const { words, passphrase, storageKey } = secrets.value
      const keys = await Keys.fromEntropy(words, passphrase)
      if (p.takeover) await lock.acquire(true)
      if (!lock.held()) {
        keys.wipe()
        words.fill(0)
        return fail('open-elsewhere')
      }
      this.current = { record: record.value, keys, storageKey, words, release: lock.release }
      return ok({ ...infoOf(record.value), peerKey: keys.peerKey() })
    } catch {
      // no memory for the password hash, or the browser refused the lock
      return fail('storage-failed')
    } finally {
      if (this.current?.release !== lock.release) lock.release()
    }
  }

  /** The lock of a profile; when another tab steals it, what it protects is closed at once. */
  #lockOf(id: ProfileId): { acquire(steal: boolean): Promise<boolean>; held(): boolean; release(): void } {
    let free: (() => void) | undefined
    let lost = false
    const release = (): void => free?.()
    const onLost = (): void => {
      lost = true
      if (this.current?.release === release) this.#close('takeover')
    }
    return {
      acquire: async steal => {
        free = await this.deps.locks.acquire(`tandem-profile-${id}`, steal, onLost)
        return free !== undefined
      },
      held: () => free !== undefined && !lost,
      release,
    }
  }

  lock(): void {
    this.#close('user')
  }

  onLocked(listener: (reason: 'user' | 'takeover') => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async checkWords(words: ReadonlyArray<{ position: number; word: string }>): Promise<Result<boolean, VaultError>> {
    const open = this.current
    if (open === undefined) return fail('locked')
    const right = wordsOf(open.words).split(' ')
    // whoever could ask for one word alone, again and again, would have them all in seconds
    if (
      new Set(words.map(({ position }) => position)).size < WORDS_ASKED ||
      (this.#wrongWords.get(open.record.id) ?? 0) >= WRONG_WORDS
    )
      return ok(false)
    const good = words.every(
      ({ position, word }) =>
        right[position] !== undefined && right[position] === word.normalize('NFKD').trim().toLowerCase(),
    )
    if (!good) this.#wrongWords.set(open.record.id, (this.#wrongWords.get(open.record.id) ?? 0) + 1)
    if (!good || open.record.wordsChecked) return ok(good)
    const record = { ...open.record, wordsChecked: true }
    try {
      await this.deps.store.putProfile(record)
    } catch {
      return fail('storage-failed')
    }
    if (this.current === open) this.current = { ...open, record }
    return ok(true)
  }

  async revealWords(password: string): Promise<Result<string, VaultError>> {
    const open = this.current
    if (open === undefined) return fail('locked')
    const secrets = await this.#openRecord(open.record, password)
    if (!secrets.ok) return secrets
    const words = wordsOf(secrets.value.words)
    secrets.value.words.fill(0)
    return this.current === undefined ? fail('locked') : ok(words)
  }

  async #record(id: ProfileId): Promise<Result<ProfileRecord, VaultError>> {
    try {
      const record = await this.deps.store.profile(id)
      if (record === undefined) return fail('unknown-profile')
      if (isNewerVersion(record.version)) return fail('newer-version')
      // a record that was tampered with must neither hang the device nor weaken the password
      return record.version === PROFILE_VERSION &&
        record.id === id &&
        record.salt.length === 16 &&
        isSaneCost(record.cost)
        ? ok(record)
        : fail('storage-failed')
    } catch (error) {
      return fail(isNewerDatabase(error) ? 'newer-version' : 'storage-failed')
    }
  }

  async #passwordKey(password: string, salt: Uint8Array, cost: ProfileRecord['cost']): Promise<CryptoKey> {
    const raw = await this.deps.hash(password.normalize('NFKC'), salt, cost)
    const key = await importKey(raw)
    raw.fill(0)
    return key
  }

  async #openRecord(
    record: ProfileRecord,
    password: string,
  ): Promise<Result<{ words: Uint8Array; passphrase: string; storageKey: CryptoKey }, VaultError>> {
    const key = await this.#passwordKey(password, record.salt, record.cost)
    const plain = await openWith(key, purpose(record.id, 'seed'), record.seed)
    const rawStorage = await openWith(key, purpose(record.id, 'storage'), record.storageKey)
    if (plain === undefined || rawStorage === undefined) return fail('wrong-password')
    const end = 1 + (plain[0] ?? 0)
    const words = plain.slice(1, end)
    const passphrase = new TextDecoder().decode(plain.slice(end))
    const storageKey = await importKey(rawStorage)
    plain.fill(0)
    rawStorage.fill(0)
    return ok({ words, passphrase, storageKey })
  }

  #close(reason: 'user' | 'takeover'): void {
    const open = this.current
    if (open === undefined) return
    this.current = undefined
    open.keys.wipe()
    open.words.fill(0)
    this.onClose()
    open.release()
    for (const listener of [...this.#listeners]) listener(reason)
  }
}
