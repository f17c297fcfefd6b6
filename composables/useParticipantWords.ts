import { enConnect } from '../locales/en-connect'
import { fill, put } from '../locales/text'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import { pick } from './useMessages'

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

/** Words of who is connected, how, and why not. */
export function useParticipantWords() {
  /** What keeps somebody from being reached, and what to do: the most special sentence that there is. */
  function connectivity(
    { errorType, step, retryable }: Pick<ParticipantStatus, 'errorType' | 'step' | 'retryable'>,
    name: string,
  ): string {
    const { error, errorUnknown } = enConnect
    const type = errorType ?? ''
    const special = retryable === undefined ? undefined : pick(error, `${type}-${retryable ? 'again' : 'final'}`)
    return fill(special ?? pick(error, `${type}-${step ?? ''}`) ?? pick(error, type) ?? errorUnknown, { name })
  }

  function participant(status: ParticipantStatus, name: string): ParticipantWords {
    const connected = status.state === 'connected'
    const kind = status.connectionType && connected ? enConnect.kind[status.connectionType] : undefined
    const roundTrip =
      connected && status.rttMs !== undefined
        ? put(enConnect.ms, { n: Math.max(1, Math.round(status.rttMs)) })
        : undefined
    const step = status.state === 'connecting' && status.step ? `: ${enConnect.step[status.step]}` : ''
    const sentence = status.state === 'failed' ? connectivity(status, name) : undefined
    return { state: enConnect[status.state] + step, kind, roundTrip, sentence }
  }

  /** How many of all are connected, and who is not. */
  function summary(connected: number, all: number, failed: readonly string[]): string {
    if (all === 0) return ''
    const missing = failed.length === 0 ? [] : [put(enConnect.summaryMissing, { names: failed.join(', ') })]
    return [put(enConnect.summary, { n: connected, all }), ...missing].join(' ')
  }

  return { connect: enConnect, participant, summary }
}
