/**
 * Carries out what the sessions of one wallet want done. Each session has a queue: its events are stepped one after the
 * other, effects of a step are carried out in their order, and `store` is awaited before the next one. Everything
 * outside comes in by `RunnerDeps`, so the same code runs in the browser and in tests.
 *
 * Invariants
 * 1. No event of a session is stepped while effects of an earlier one have not been begun.
 * 2. A failed write stops the effects behind it: what was not stored is not sent. Questions alone are begun before it,
 *    so that the disk and the vault work side by side. Their answers wait in the queue behind the write.
 * 3. Answers of the vault are facts like any other. A late one reaches a machine that ignores what is no longer asked.
 */
import type { ChainError } from '../../../ports/chain'
import type { Clock } from '../../../ports/clock'
import type { Log } from '../../../ports/log'
import type { Aggregator, Signer, WalletKeys } from '../../../ports/signer'
import type { MemberIndex, SessionId, Txid } from '../../domain/ids'
import type { Result } from '../../domain/result'
import type { Verdict } from '../../domain/signing-state'
import type { SignedMessage } from '../../wire/messages'
import type { Effect, Fact, SigningEvent } from '../protocol/events'
import type { Session } from '../protocol/state'
import { step } from '../protocol/step'
import { askVault } from './questions'

export interface RunnerDeps {
  readonly signer: Signer & Aggregator
  readonly clock: Clock
  readonly log: Log
  /** of the wallet */
  readonly keys: WalletKeys
  save(session: Session): Promise<void>
  send(to: readonly MemberIndex[], message: SignedMessage): void
  /** the co-signer's full check on the own chain view */
  verify(session: Session): Promise<Verdict>
  broadcast(raw: Uint8Array): Promise<Result<Txid, ChainError>>
  offence(member: MemberIndex, code: string): void
  /** a step has been taken; `effects` tell what changed */
  stepped(session: Session, effects: readonly Effect[]): void
}

interface Entry {
  session: Session
  queue: SigningEvent[]
  busy: boolean
  /** resolves when the queue has run dry */
  idle: Promise<void>
  cancelTimer: () => void
}

/**
 * Effects that only ask. Nothing leaves this device by them and nothing is released. An answer to a step that was taken
 * back is ignored like any late one.
 */
const QUESTIONS: ReadonlySet<Effect['type']> = new Set<Effect['type']>([
  'sign',
  'verify',
  'aggregate-nonces',
  'aggregate-partials',
  'finalize',
  'check-evidence',
])

/**
 * Questions that need not wait for the write. What stands behind a `retract` does, because the vault's yes goes first.
 */
function beforeWrite(effects: readonly Effect[]): Effect[] {
  const retract = effects.findIndex(effect => effect.type === 'retract')
  return effects.filter((effect, i) => QUESTIONS.has(effect.type) && (retract < 0 || i < retract))
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export class SessionRunner {
  readonly #entries = new Map<SessionId, Entry>()
  readonly #listeners = new Set<(unstored?: SessionId) => void>()
  #stopped = false

  constructor(private readonly d: RunnerDeps) {}

  get(id: SessionId): Session | undefined {
    return this.#entries.get(id)?.session
  }

  all(): Session[] {
    return [...this.#entries.values()].map(e => e.session)
  }

  add(session: Session): void {
    if (this.#entries.has(session.id)) return
    this.#entries.set(session.id, {
      session,
      queue: [],
      busy: false,
      idle: Promise.resolve(),
      cancelTimer: () => {},
    })
  }

  /** Forgets a session with which nothing is under way; false when something is. */
  remove(id: SessionId): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.busy || entry.queue.length > 0) return false
    entry.cancelTimer()
    this.#entries.delete(id)
    return true
  }

  /** Steps now, or after what is under way. Resolves when the queue of the session has run dry. */
  tell(id: SessionId, fact: Fact): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#stopped) return Promise.resolve()
    entry.queue.push({ ...fact, at: this.d.clock.now() })
    if (!entry.busy) entry.idle = this.#run(entry)
    return entry.idle
  }

  /** The same fact to every session. */
  async tellAll(fact: Fact): Promise<void> {
    await Promise.all([...this.#entries.keys()].map(id => this.tell(id, fact)))
  }

  /** Called after each step of any session, and with its id when a step could not be stored and was taken back. */
  onStep(listener: (unstored?: SessionId) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  stop(): void {
    this.#stopped = true
    for (const entry of this.#entries.values()) entry.cancelTimer()
  }

  async #run(entry: Entry): Promise<void> {
    entry.busy = true
    try {
      for (let event = entry.queue.shift(); event !== undefined && !this.#stopped; event = entry.queue.shift()) {
        const before = entry.session
        const { session, effects } = step(before, event)
        entry.session = session
        const early = new Set(beforeWrite(effects))
        for (const effect of early) this.#start(entry, effect)
        for (const effect of effects) {
          if (effect.type === 'store') await this.#save(entry, before)
          else if (!early.has(effect)) this.#start(entry, effect)
        }
        this.d.stepped(session, effects)
        this.#told()
      }
    } catch (error) {
      this.d.log.write('error', 'signing.step-failed', {
        session: entry.session.id.slice(0, 8),
        message: textOf(error),
      })
      this.#told(entry.session.id)
    } finally {
      entry.busy = false
    }
    // an event that came in while a failure was handled
    if (entry.queue.length > 0 && !this.#stopped) await this.#run(entry)
  }

  #told(unstored?: SessionId): void {
    for (const listener of [...this.#listeners]) listener(unstored)
  }

  /** A step that cannot be stored did not happen: memory must not know more than the next start will. */
  async #save(entry: Entry, before: Session): Promise<void> {
    try {
      await this.d.save(entry.session)
    } catch (error) {
      entry.session = before
      throw error
    }
  }

  #start(entry: Entry, effect: Effect): void {
    void Promise.resolve(this.#begin(entry, effect)).catch((error: unknown) => {
      this.d.log.write('error', 'signing.effect-failed', { effect: effect.type, message: textOf(error) })
    })
  }

  /** Begun in order; what answers does so by a later event. */
  #begin(entry: Entry, effect: Effect): Promise<void> | void {
    const { session } = entry
    const { id } = session
    const { signer } = this.d
    switch (effect.type) {
      case 'store':
      case 'holds':
      case 'notify':
        return
      case 'send':
        return this.d.send(effect.to, effect.message)
      case 'offence':
        return this.d.offence(effect.member, effect.code)
      case 'timer':
        return this.#setTimer(entry, effect.at)
      case 'retract':
        return signer.retract(id)
      case 'erase-nonces':
        return signer.eraseNonces(id)
      case 'verify': {
        const { purpose, attempt } = effect
        return this.d.verify(session).then(verdict => this.tell(id, { type: 'verdict', purpose, attempt, verdict }))
      }
      case 'broadcast':
        return this.d
          .broadcast(effect.raw)
          .then(sent =>
            this.tell(
              id,
              sent.ok
                ? { type: 'broadcast-done', ok: true }
                : { type: 'broadcast-done', ok: false, code: sent.error.code, detail: sent.error.detail },
            ),
          )
      default:
        return askVault(signer, this.d.keys, session, effect).then(answer => this.tell(id, answer))
    }
  }

  #setTimer(entry: Entry, at: number | undefined): void {
    entry.cancelTimer()
    entry.cancelTimer =
      at === undefined
        ? () => {}
        : this.d.clock.after(
            Math.max(0, at - this.d.clock.now()),
            () => void this.tell(entry.session.id, { type: 'tick' }),
          )
  }
}
