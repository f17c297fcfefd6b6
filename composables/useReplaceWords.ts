import { enReplace } from '../locales/en-replace'
import { fill } from '../locales/text'
import type { NoticeMessage } from '../services/core/signing/rules/session-screen'

/** Words of one payment in the place of another. */
export const useReplaceWords = () => ({
  ...enReplace,
  /** what a payment is to the one whose place it takes; `amount` as text */
  replacesText: ({ kind, done }: Extract<NoticeMessage, { code: 'replaces' }>, amount: string): string =>
    fill(kind !== 'unknown' && done ? enReplace.replacedIt : enReplace.replaces[kind], { amount }),
})
