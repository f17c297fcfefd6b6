import { en } from '../locales/en'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import type { SessionState, Verdict } from '../services/core/domain/signing-state'
import type { ChainStatusView, DraftView, FieldError } from '../services/core/domain/views'

type Params = Readonly<Record<string, string | number | undefined>>

/** Puts values into a sentence and begins it with a capital. */
export function fill(text: string, params: Params = {}): string {
  const filled = text.replace(/\{(\w+)\}/g, (_, key: string) => String(params[key] ?? ''))
  return filled.charAt(0).toUpperCase() + filled.slice(1)
}

function pick(table: object, key: string | undefined): string | undefined {
  const value = key !== undefined && Object.hasOwn(table, key) ? (table as Record<string, unknown>)[key] : undefined
  return typeof value === 'string' ? value : undefined
}

/** What the panel of participants says about one of them. */
export interface ParticipantWords {
  /** state in words, with the step while it is being connected */
  readonly state: string
  /** "WebRTC", "relay" or "direct" */
  readonly kind?: string
  /** "12 ms" */
  readonly roundTrip?: string
  /** what happened and what to do, when it failed */
  readonly sentence?: string
}

/** The one place where codes and states become sentences. Takes codes and names, gives English. */
export function useMessages() {
  /** A refusal at its field: `field-code`, then `code`, then a sentence that is true of any refusal. */
  function fieldError(error: Pick<FieldError, 'code'> & Partial<FieldError>): string {
    const text = pick(en.field, `${error.field ?? ''}-${error.code}`) ?? pick(en.field, error.code) ?? en.field.unknown
    return fill(text, { detail: error.detail })
  }

  /** What keeps somebody from being reached, and what to do: the most special sentence that there is. */
  function connectivity(
    { errorType, step, retryable }: Pick<ParticipantStatus, 'errorType' | 'step' | 'retryable'>,
    name: string,
  ): string {
    const type = errorType ?? ''
    const special =
      retryable === undefined ? undefined : pick(en.connect.error, `${type}-${retryable ? 'again' : 'final'}`)
    return fill(
      special ??
        pick(en.connect.error, `${type}-${step ?? ''}`) ??
        pick(en.connect.error, type) ??
        en.connect.errorUnknown,
      { name },
    )
  }

  function participant(status: ParticipantStatus, name: string): ParticipantWords {
    const kind =
      status.connectionType && status.state === 'connected' ? en.connect.kind[status.connectionType] : undefined
    const roundTrip =
      status.state === 'connected' && status.rttMs !== undefined
        ? `${Math.max(1, Math.round(status.rttMs))} ms`
        : undefined
    const step = status.state === 'connecting' && status.step ? `: ${en.connect.step[status.step]}` : ''
    const sentence = status.state === 'failed' ? connectivity(status, name) : undefined
    return { state: en.connect[status.state] + step, kind, roundTrip, sentence }
  }

  function verdict(value: Verdict): string {
    if (value.kind === 'ok') return ''
    if (value.kind === 'not-yet-seen') return en.verdict['not-yet-seen'][value.what]
    return fill(en.verdict.wrong, { rule: en.verdict.rule[value.rule] })
  }

  return {
    fieldError,
    participant,
    verdict,
    sessionTitle: (state: SessionState): string => en.session.title[state],
    sessionSentence: (state: SessionState, by = ''): string => fill(en.session.sentence[state], { by }),
    waitingFor: (names: readonly string[]): string => fill(en.session.waitingFor, { names: listOf(names) }),
    /** what it means to propose although these are missing */
    partial: (names: readonly string[]): string =>
      fill(en.session.partial, {
        names: listOf(names),
        get: names.length > 1 ? 'get' : 'gets',
        come: names.length > 1 ? 'their browsers come' : 'that browser comes',
      }),
    locked: (names: readonly string[]): string => fill(en.session.locked, { names: listOf(names) }),
    vote: (vote: 'yes' | 'no' | 'withdraw' | undefined): string => en.session.vote[vote ?? 'none'],
    steps: en.session.steps,
    session: en.session,
    chain: (status: ChainStatusView): string => en.chain[status.state],
    draft: (draft: Pick<DraftView, 'state' | 'creatorName'>, seated = true): string =>
      fill(draft.state === 'gathering' && !seated ? en.draft.asked : en.draft[draft.state], {
        creator: draft.creatorName,
      }),
    seat: en.seat,
    faucet: en.faucet,
    connect: en.connect,
    relay: (state: string): string => pick(en.relay, state) ?? state,
    config: (error: { code: string; detail: string }): string =>
      fill(pick(en.config, error.code) ?? en.config.unknown, { detail: error.detail }),
    clock: (offsetMs: number): string =>
      fill(en.clock, {
        minutes: Math.max(1, Math.round(Math.abs(offsetMs) / 60_000)),
        direction: offsetMs > 0 ? 'ahead' : 'behind',
      }),
  }
}

/** "Ann", "Ann and Bob", "Ann, Bob and Cy" */
export function listOf(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? ''
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
