/**
 * Carries out what sessions want done. One queue per session: events are stepped one after the other, effects of a step
 * in their order, `store` awaited before the next one (events.ts, "How to drive a session"). Everything outside comes
 * in by `RunnerDeps`, so the same code runs in the browser and in tests.
 *
 * Invariants
 * 1. No event of a session is stepped while effects of an earlier one have not been begun.
 * 2. A failed write stops the effects behind it: what was not stored is not sent. Questions alone are begun before it,
 *    so
 *    that the disk and the vault work side by side: their answers wait in the queue behind the write.
 * 3. Answers of the vault are facts like any other; a late one meets a machine that ignores what is no longer asked.
 */
import type { MemberIndex, SessionId, Txid, WalletId } from '../../domain/ids'
import type { Proposal } from '../../domain/proposal'
import type { Result } from '../../domain/result'
import type { Verdict } from '../../domain/signing-state'
import type { ChainError } from '../../../ports/chain'
import type { Clock } from '../../../ports/clock'
import type { Log } from '../../../ports/log'
import type { Aggregator, Signer, SignerError, WalletKeys } from '../../../ports/signer'
import type { SignedMessage } from '../../wire/messages'
import type { Effect, Fact, SignerRequest, SigningEvent } from '../protocol/events'
import { step } from '../protocol/step'
import type { Session } from '../protocol/state'

export interface RunnerDeps {
  readonly signer: Signer & Aggregator
  readonly clock: Clock
  readonly log: Log
  keys(walletId: WalletId): WalletKeys | undefined
  save(session: Session): Promise<void>
  send(walletId: WalletId, to: readonly MemberIndex[], message: SignedMessage): void
  /** the co-signer's full check on the own chain view */
  verify(session: Session): Promise<Verdict>
  broadcast(walletId: WalletId, raw: Uint8Array): Promise<Result<Txid, ChainError>>
  offence(walletId: WalletId, member: MemberIndex, code: string): void
  txidOf(raw: Uint8Array): Txid | undefined
  /** a step has been taken; `effects` tell what changed */
  stepped(session: Session, effects: readonly Effect[]): void
}

interface Entry {
  session: Session
  queue: SigningEvent[]
  busy: boolean
  cancelTimer: () => void
}

export interface Runner {
  get(id: SessionId): Session | undefined
  all(): Session[]
  add(session: Session): void
  /** Forgets a session with which nothing is under way; false when something is. */
  remove(id: SessionId): boolean
  /** Steps now, or after what is under way. Resolves when the queue of the session has run dry. */
  tell(id: SessionId, fact: Fact): Promise<void>
  /** the same fact to every session of a wallet, or to all */
  tellAll(fact: Fact, walletId?: WalletId): Promise<void>
  /** called after each step of any session, and with its id when a step could not be stored and was taken back */
  onStep(listener: (unstored?: SessionId) => void): () => void
  stop(): void
}

/**
 * Effects that only ask: nothing leaves this device by them, nothing is released, and an answer to a step that was
 * taken back is ignored like any late one.
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
 * Questions that need not wait for the write; what stands behind a `retract` does, because the vault's yes goes first.
 */
function beforeWrite(effects: readonly Effect[]): Effect[] {
  const retract = effects.findIndex(effect => effect.type === 'retract')
  return effects.filter((effect, i) => QUESTIONS.has(effect.type) && (retract < 0 || i < retract))
}

export function createRunner(deps: RunnerDeps): Runner {
  const entries = new Map<SessionId, Entry>()
  const idle = new Map<SessionId, Promise<void>>()
  const listeners = new Set<(unstored?: SessionId) => void>()
  let stopped = false

  const proposalOf = (session: Session): Proposal => session.proposal

  async function signerAnswer(
    id: SessionId,
    request: SignerRequest,
    call: Promise<Result<SignedMessage, SignerError>>,
    made: (message: SignedMessage) => Fact,
    attempt?: Extract<Fact, { type: 'refused' }>['attempt'],
  ) {
    const result = await call
    await tell(id, result.ok ? made(result.value) : { type: 'refused', request, attempt, code: result.error.code })
  }

  /** Effects that answer: begun in order, their answer is a later event. */
  function begin(entry: Entry, effect: Effect): Promise<void> | void {
    const { session } = entry
    const { id, walletId } = session
    const keys = deps.keys(walletId)
    if (keys === undefined) return
    const { signer } = deps
    switch (effect.type) {
      case 'sign':
        return signerAnswer(
          id,
          'sign',
          signer.signMessage(keys, id, effect.attempt, effect.body),
          message => ({ type: 'signed', message, to: effect.to }),
          effect.attempt,
        )
      case 'approve':
        return signerAnswer(id, 'approve', signer.approve(keys, proposalOf(session)), message => ({
          type: 'approved',
          message,
        }))
      case 'make-nonces':
        return signerAnswer(
          id,
          'nonces',
          signer.makeNonces(keys, proposalOf(session), effect.attempt),
          message => ({ type: 'nonces-made', message }),
          effect.attempt,
        )
      case 'make-partials':
        return signerAnswer(
          id,
          'partials',
          signer.makePartials(keys, proposalOf(session), effect.nonces),
          message => ({ type: 'partials-made', message }),
          effect.attempt,
        )
      case 'retract':
        return signer.retract(id)
      case 'erase-nonces':
        return signer.eraseNonces(id)
      case 'verify':
        return deps
          .verify(session)
          .then(verdict => tell(id, { type: 'verdict', purpose: effect.purpose, attempt: effect.attempt, verdict }))
      case 'aggregate-nonces':
        return signer.aggregateNonces(keys, effect.pubnonces).then(r =>
          tell(
            id,
            r.ok
              ? { type: 'nonces-aggregated', attempt: effect.attempt, aggregates: r.value }
              : {
                  type: 'aggregation-failed',
                  attempt: effect.attempt,
                  phase: 'nonces',
                  member: r.error.member,
                  input: r.error.input,
                },
          ),
        )
      case 'aggregate-partials':
        return signer.aggregatePartials(keys, proposalOf(session), effect.pubnonces, effect.partials).then(r =>
          tell(
            id,
            r.ok
              ? { type: 'partials-aggregated', attempt: effect.attempt, signatures: r.value }
              : {
                  type: 'aggregation-failed',
                  attempt: effect.attempt,
                  phase: 'partials',
                  member: r.error.member,
                  input: r.error.input,
                },
          ),
        )
      case 'finalize':
        return signer.finalize(keys, proposalOf(session), effect.signatures).then(r => {
          if (!r.ok) return tell(id, { type: 'finalize-failed', from: effect.from, input: r.error.input })
          if (session.proposal.kind === 'practice')
            return tell(id, { type: 'finalized', signatures: effect.signatures })
          return tell(id, {
            type: 'finalized',
            signatures: effect.signatures,
            raw: r.value,
            txid: deps.txidOf(r.value),
          })
        })
      case 'check-evidence':
        return signer
          .checkEvidence(keys, proposalOf(session), {
            attempt: effect.attempt,
            culprit: effect.culprit,
            input: effect.input,
            evidence: effect.evidence,
          })
          .then(proven => tell(id, { type: 'evidence-checked', attempt: effect.attempt, proven }))
      case 'broadcast':
        return deps
          .broadcast(walletId, effect.raw)
          .then(r =>
            tell(
              id,
              r.ok
                ? { type: 'broadcast-done', ok: true }
                : { type: 'broadcast-done', ok: false, code: r.error.code, detail: r.error.detail },
            ),
          )
      case 'timer':
        entry.cancelTimer()
        entry.cancelTimer =
          effect.at === undefined
            ? () => {}
            : deps.clock.after(Math.max(0, effect.at - deps.clock.now()), () => void tell(id, { type: 'tick' }))
        return
      case 'send':
        return deps.send(walletId, effect.to, effect.message)
      case 'offence':
        return deps.offence(walletId, effect.member, effect.code)
      case 'store':
      case 'holds':
      case 'notify':
        return
    }
  }

  /** A step that cannot be stored did not happen: memory must not know more than the next start will. */
  async function save(entry: Entry, before: Session): Promise<void> {
    try {
      await deps.save(entry.session)
    } catch (error) {
      entry.session = before
      throw error
    }
  }

  function start(entry: Entry, effect: Effect): void {
    void Promise.resolve(begin(entry, effect)).catch((error: unknown) => {
      deps.log.write('error', 'signing.effect-failed', {
        effect: effect.type,
        message: error instanceof Error ? error.message : String(error),
      })
    })
  }

  async function run(entry: Entry): Promise<void> {
    entry.busy = true
    try {
      for (let event = entry.queue.shift(); event !== undefined && !stopped; event = entry.queue.shift()) {
        const before = entry.session
        const { session, effects } = step(before, event)
        entry.session = session
        const early = new Set(beforeWrite(effects))
        for (const effect of early) start(entry, effect)
        for (const effect of effects) {
          if (effect.type === 'store') await save(entry, before)
          else if (!early.has(effect)) start(entry, effect)
        }
        deps.stepped(session, effects)
        for (const listener of [...listeners]) listener()
      }
    } catch (error) {
      deps.log.write('error', 'signing.step-failed', {
        session: entry.session.id.slice(0, 8),
        message: error instanceof Error ? error.message : String(error),
      })
      for (const listener of [...listeners]) listener(entry.session.id)
    } finally {
      entry.busy = false
    }
    // an event that came in while a failure was handled
    if (entry.queue.length > 0 && !stopped) await run(entry)
  }

  function tell(id: SessionId, fact: Fact): Promise<void> {
    const entry = entries.get(id)
    if (entry === undefined || stopped) return Promise.resolve()
    entry.queue.push({ ...fact, at: deps.clock.now() })
    if (!entry.busy) {
      const done = run(entry)
      idle.set(id, done)
    }
    return idle.get(id) ?? Promise.resolve()
  }

  return {
    get: id => entries.get(id)?.session,
    all: () => [...entries.values()].map(e => e.session),
    add(session) {
      if (!entries.has(session.id)) entries.set(session.id, { session, queue: [], busy: false, cancelTimer: () => {} })
    },
    remove(id) {
      const entry = entries.get(id)
      if (entry === undefined || entry.busy || entry.queue.length > 0) return false
      entry.cancelTimer()
      entries.delete(id)
      idle.delete(id)
      return true
    },
    tell,
    async tellAll(fact, walletId) {
      await Promise.all(
        [...entries.values()]
          .filter(e => walletId === undefined || e.session.walletId === walletId)
          .map(e => tell(e.session.id, fact)),
      )
    },
    onStep(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    stop() {
      stopped = true
      for (const entry of entries.values()) entry.cancelTimer()
    },
  }
}
