import { enConnections } from '../locales/en-connections'

/** Words of the pages about connections, beside those of `useMessages`. */
export const useConnectionWords = () => enConnections
