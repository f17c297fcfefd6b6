import { enWallet } from '../locales/en-wallet'
import { put } from '../locales/text'
import type { ChainStatusView, MemberView } from '../services/core/domain/views'

/** Words of the pages of one wallet. */
export const useWalletWords = () => ({
  ...enWallet,
  chain: ({ state }: ChainStatusView): string => enWallet.chain[state],
  /** one sentence for each member who has changed */
  changes: (members: readonly MemberView[]): string[] =>
    members.flatMap(({ name, self, changed }) => {
      if (changed === undefined) return []
      const { changed: words } = enWallet
      const text = changed.name === undefined ? words.moved : changed.moved ? words.both : words.named
      return [put(text, { who: self ? words.self : (changed.name ?? name), name })]
    }),
})
