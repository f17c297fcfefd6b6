import { enError } from '../locales/en-error'

/** Words of the page in place of one that failed. */
export const useErrorWords = () => enError
