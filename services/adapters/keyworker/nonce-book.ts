/**
 * Secret nonces. Invariants:
 * 1. A secret nonce exists in one place, this map, and leaves it by `take` (once) or by erasure; nothing returns it
 * otherwise.
 * 2. An entry is bound to (session, digest, attempt); asking with any other binding yields nothing and touches nothing.
 *  3. There is one entry per session: a newer attempt erases the older.
 *  4. An entry ends after `lifeMs` even when timers are throttled: the clock is asked again at `take`.
 */
import type { Hex } from '../../core/domain/bytes'
import type { SessionId } from '../../core/domain/ids'
import { sameAttempt, type AttemptName } from '../../core/domain/proposal'
import type { Clock } from '../../ports/clock'
import { nonceGen, type NonceInput } from '../../core/crypto/musig2'

/** What a handle is bound to: the handle *is* this name; the bytes behind it never show. */
export interface NonceHandle {
  readonly session: SessionId
  readonly digest: Hex
  readonly attempt: AttemptName
}

interface Entry {
  readonly handle: NonceHandle
  /** 97 bytes per input */
  readonly secrets: readonly Uint8Array[]
  readonly endsAt: number
  readonly cancelTimer: () => void
}

export class NonceBook {
  readonly #entries = new Map<SessionId, Entry>()
  constructor(
    private readonly clock: Clock,
    private readonly lifeMs: number,
  ) {}

  /** Generates one pair per input (BIP327 NonceGen) and keeps the secret halves. Returns the 66-byte public ones. */
  make(handle: NonceHandle, inputs: readonly NonceInput[]): Uint8Array[] {
    const pairs = inputs.map(nonceGen)
    this.keep(
      handle,
      pairs.map(pair => pair.secret),
    )
    return pairs.map(pair => pair.public)
  }

  /** Takes ownership of secret nonces: the given buffers are wiped in the end. */
  keep(handle: NonceHandle, secrets: readonly Uint8Array[]): void {
    this.erase(handle.session)
    const endsAt = this.clock.now() + this.lifeMs
    const entry: Entry = {
      handle,
      secrets,
      endsAt,
      cancelTimer: this.clock.after(this.lifeMs, () => this.#drop(entry)),
    }
    this.#entries.set(handle.session, entry)
  }

  /** True while exactly this handle can still be taken. */
  has(handle: NonceHandle): boolean {
    return this.#find(handle) !== undefined
  }

  /**
   * Removes the nonces first and hands them out; undefined when unknown, consumed, expired or bound to something else.
   * The taker wipes them.
   */
  take(handle: NonceHandle): readonly Uint8Array[] | undefined {
    const entry = this.#find(handle)
    if (entry === undefined) return undefined
    this.#entries.delete(handle.session)
    entry.cancelTimer()
    return entry.secrets
  }

  /** Wipes the nonces of a session, or all. */
  erase(session?: SessionId): void {
    for (const entry of [...this.#entries.values()]) {
      if (session === undefined || entry.handle.session === session) this.#drop(entry)
    }
  }

  #find(handle: NonceHandle): Entry | undefined {
    const entry = this.#entries.get(handle.session)
    if (
      entry === undefined ||
      entry.handle.digest !== handle.digest ||
      !sameAttempt(entry.handle.attempt, handle.attempt)
    )
      return undefined
    if (this.clock.now() < entry.endsAt) return entry
    this.#drop(entry)
    return undefined
  }

  #drop(entry: Entry): void {
    entry.cancelTimer()
    for (const secret of entry.secrets) secret.fill(0)
    if (this.#entries.get(entry.handle.session) === entry) this.#entries.delete(entry.handle.session)
  }
}
