import { enCommon } from '../locales/en-common'

/** Words of small things that many pages use. */
export const useCommonWords = () => enCommon
