import { enProfile } from '../locales/en-profile'

/** Words of the making of a profile. */
export const useProfileWords = () => enProfile
