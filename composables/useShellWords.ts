import { enShell } from '../locales/en-shell'

/** Words of every page and of the list of profiles, which is the first screen. */
export const useShellWords = () => enShell
