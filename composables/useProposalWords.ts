import { enProposals } from '../locales/en-proposals'
import type { SessionState } from '../services/core/domain/signing-state'
import type { SessionRow } from '../services/core/signing/rules/session-row'

/** Words of proposals in a list. */
export const useProposalWords = () => ({
  ...enProposals,
  title: (state: SessionState): string => enProposals.title[state],
  badge: (title: SessionRow['badge']['title']): string =>
    title === 'waits-for-you'
      ? enProposals.waitsForYou
      : title === 'being-replaced'
        ? enProposals.beingReplaced
        : enProposals.title[title],
})
