import { enRestore } from '../locales/en-restore'

/** Words of the restoring of a profile. */
export const useRestoreWords = () => enRestore
