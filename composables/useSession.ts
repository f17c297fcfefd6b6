import { computed } from 'vue'
import type { SessionState } from '../services/core/domain/signing-state'
import { LIMITS } from '../services/core/wire/limits'
import { useMuSig2Store } from '../stores/musig2'
import type { SessionCard } from '../stores/musig2'
import { useWalletsStore } from '../stores/wallets'

/** One proposal: its card, its wallet, and what this person may do. */
export function useSession(id: () => string) {
  const store = useMuSig2Store()
  const wallets = useWalletsStore()
  const card = computed(() => store.session(id()))
  return {
    card,
    wallet: computed(() => (card.value === undefined ? undefined : wallets.wallet(card.value.walletId))),
    /** other live proposals for the same coins: those that a yes takes my yes from, and those that may still go out */
    rivals: computed(() => {
      const others = (card.value?.overlapsWith ?? []).flatMap(other => store.session(other) ?? [])
      return {
        open: others.filter(o => !o.view.mayStillGoOut).map(o => o.id),
        out: others.filter(o => o.view.mayStillGoOut).map(o => o.id),
      }
    }),
    loaded: computed(() => wallets.loaded),
    approve: () => store.approve(id()),
    decline: () => store.decline(id()),
    withdraw: () => store.withdraw(id()),
    cancel: () => store.cancel(id()),
    retry: () => store.retry(id()),
    exportTranscript: () => store.exportTranscript(id()),
    recheck: async () => {
      await store.recheck(id())
    },
  }
}

/** Unix seconds by which proposals are put in order; exact where the usual time limit was used. */
export const proposedAround = (card: SessionCard): number => card.expiresAt - LIMITS.defaultExpiryS

/**
 * The amount by which a proposal is known: what the recipients get, or were to get when it is taken back. Undefined for
 * a practice.
 */
export const amountOf = (card: SessionCard): bigint | undefined =>
  card.replaces?.kind === 'back'
    ? card.replaces.sentSats
    : card.review?.recipients.reduce((total, r) => total + r.sats, 0n)

export const isTakenBack = (card: SessionCard): boolean => card.replaces?.kind === 'back'

const LIVE: readonly SessionState[] = ['proposed', 'signing', 'released', 'signed', 'broadcast']

/** Not decided, or not final yet. */
export const isLive = (card: SessionCard): boolean => LIVE.includes(card.view.state)
