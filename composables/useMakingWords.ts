import { enMaking } from '../locales/en-making'

/** Words of the way from an invite to the active wallet. */
export const useMakingWords = () => enMaking
