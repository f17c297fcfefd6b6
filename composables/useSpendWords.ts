import { enSpend } from '../locales/en-spend'
import { fill, listOf } from '../locales/text'

/** Words of a payment that is being written or looked at. */
export const useSpendWords = () => ({
  ...enSpend,
  /** what it means to propose although these are missing */
  partialMeans: (names: readonly string[]): string =>
    fill(names.length > 1 ? enSpend.gate.partialMeans.many : enSpend.gate.partialMeans.one, { names: listOf(names) }),
})
