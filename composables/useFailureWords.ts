import type { EndReason } from '../services/core/domain/signing-state'
import type { SessionView } from '../services/core/signing/rules/progress'
import { en } from '../locales/en'
import { enFailure } from '../locales/en-failure'
import { fill, listOf } from './useMessages'

type Failure = NonNullable<SessionView['failure']>

const own = (words: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(words, key) ? words[key] : undefined

/** Not yet filled in: `{who}`, `{rule}`. */
function reasonOf(code: string): { readonly text: string; readonly rule?: string } {
  const rule = code.startsWith('check:')
    ? own(en.verdict.rule, code.slice('check:'.length))?.replace(/\.$/, '')
    : undefined
  if (rule !== undefined) return { text: enFailure.reason.check, rule }
  return {
    text: code.startsWith('signer-')
      ? enFailure.reason.signer
      : (own(enFailure.reason, code) ?? enFailure.reason.unknown),
  }
}

export const useFailureWords = () => ({
  title: enFailure.title,
  /** all have approved, and these are not connected */
  away: (names: readonly string[]) => ({
    title: enFailure.away.title,
    sentence: fill(enFailure.away.sentence, { names: listOf(names), are: names.length > 1 ? 'are' : 'is' }),
  }),
  /** Why a proposal failed. */
  end: ({ code }: EndReason, who: string): string =>
    `${fill(own(enFailure.end, code) ?? reasonOf(code).text, { who, rule: reasonOf(code).rule })}.`,
  /**
   * What of an attempt's failure a person wants to know: who, at which step, for which coin, and how far that is known.
   * `nameOf` gives a member's name or "You"; `self` is one's own key.
   */
  sentence(
    { code, by, culprit, input, proven }: Failure,
    stopped: boolean,
    nameOf: (key: string) => string,
    self: string,
  ): string {
    const { text, rule } = reasonOf(code)
    const step = code.startsWith('pubnonce')
      ? en.session.steps.nonces
      : code.startsWith('partial')
        ? en.session.steps.signatures
        : undefined
    const whole = [
      text,
      ...(step === undefined ? [] : [enFailure.at]),
      ...(input === undefined ? [] : [enFailure.coin]),
    ].join(' ')
    return [
      `${fill(whole, { who: nameOf(culprit ?? by), rule, step, n: input === undefined ? undefined : String(input + 1) })}.`,
      proven && culprit !== undefined ? enFailure.proven : '',
      !proven && culprit !== undefined && by !== self ? fill(enFailure.reported, { by: nameOf(by) }) : '',
      stopped ? enFailure.stopped : enFailure.again,
    ]
      .filter(Boolean)
      .join(' ')
  },
})
