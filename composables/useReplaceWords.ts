import { enReplace } from '../locales/en-replace'
import { fill } from './useMessages'

/** Words of one payment in the place of another, beside those of `useMessages`. */
export const useReplaceWords = () => ({
  ...enReplace,
  /** what a payment is to the one whose place it takes; `amount` as text */
  replacesText: (kind: 'faster' | 'back' | 'other' | undefined, amount: string, done: boolean): string =>
    fill(kind === undefined ? enReplace.replaces.unknown : done ? enReplace.replacedIt : enReplace.replaces[kind], {
      amount,
    }),
})
