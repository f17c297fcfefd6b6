import { enHome } from '../locales/en-home'
import { fill } from '../locales/text'
import type { DraftView } from '../services/core/domain/views'

/** Words of the list of wallets. */
export const useHomeWords = () => ({
  ...enHome,
  draft: (draft: Pick<DraftView, 'state' | 'creatorName'>, seated = true): string =>
    fill(draft.state === 'gathering' && !seated ? enHome.draft.asked : enHome.draft[draft.state], {
      creator: draft.creatorName,
    }),
})
