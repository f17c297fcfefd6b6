import { enFailure } from '../locales/en-failure'
import { enSession } from '../locales/en-session'
import { fill, listOf } from '../locales/text'
import type { EndReason } from '../services/core/domain/signing-state'
import type { FailedAttempt } from '../services/core/signing/rules/session-screen'
import type { Who } from '../services/core/signing/rules/who'
import { pick } from './useMessages'

/** Not yet filled in: `{who}`, `{rule}`. */
function reasonOf(code: string): { readonly text: string; readonly rule?: string } {
  const rule = code.startsWith('check:')
    ? pick(enSession.verdict.rule, code.slice('check:'.length))?.replace(/\.$/, '')
    : undefined
  if (rule !== undefined) return { text: enFailure.reason.check, rule }
  return {
    text: code.startsWith('signer-')
      ? enFailure.reason.signer
      : (pick(enFailure.reason, code) ?? enFailure.reason.unknown),
  }
}

/** "You", "Ann", "A member", at the beginning of a sentence. */
export const whoText = (who: Who): string => (who.kind === 'member' ? who.name : enSession.who[who.kind])

export const useFailureWords = () => ({
  title: enFailure.title,
  /** all have approved, and these are not connected */
  away: {
    title: enFailure.away.title,
    sentence: (who: readonly Who[]): string =>
      fill(who.length > 1 ? enFailure.away.sentence.many : enFailure.away.sentence.one, {
        names: listOf(who.map(whoText)),
      }),
  },
  /** Why a proposal failed. */
  end: ({ code }: EndReason, by: Who): string =>
    `${fill(pick(enFailure.end, code) ?? reasonOf(code).text, { who: whoText(by), rule: reasonOf(code).rule })}.`,
  /** What of an attempt's failure a person wants to know: who, at which step, for which coin, how far it is known. */
  sentence({ code, who, step, input, proven, reportedBy, again }: FailedAttempt): string {
    const { text, rule } = reasonOf(code)
    const whole = [
      text,
      ...(step === undefined ? [] : [enFailure.at]),
      ...(input === undefined ? [] : [enFailure.coin]),
    ].join(' ')
    return [
      `${fill(whole, {
        who: whoText(who),
        rule,
        step: step === undefined ? undefined : enSession.steps[step],
        n: input === undefined ? undefined : input + 1,
      })}.`,
      ...(proven ? [enFailure.proven] : []),
      ...(reportedBy === undefined ? [] : [fill(enFailure.reported, { by: whoText(reportedBy) })]),
      again ? enFailure.again : enFailure.stopped,
    ].join(' ')
  },
})
