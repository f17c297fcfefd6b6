import { computed, ref, shallowRef } from 'vue'
import type { FieldError, ReviewView } from '../services/core/domain/views'
import { useMuSig2Store } from '../stores/musig2'
import type { SpendProposalParams } from '../stores/musig2'

/** From a wish to the proposal: shows the finished transaction, runs the gate. */
export function useProposal(walletId: string) {
  const store = useMuSig2Store()
  const review = shallowRef<ReviewView>()
  const busy = ref(false)
  let params: SpendProposalParams | undefined

  const pending = computed(() => store.pendingFor(walletId))
  const proposed = computed(() => store.proposed[walletId])

  async function whileBusy(work: () => Promise<unknown>): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      await work()
    } finally {
      busy.value = false
    }
  }

  /** Builds the finished transaction for the eye; sends nothing. Gives what is wrong with the wish. */
  async function makeReview(wish: SpendProposalParams): Promise<FieldError | undefined> {
    let fault: FieldError | undefined
    await whileBusy(async () => {
      const result = await store.reviewSpend(wish)
      if (!result.ok) {
        fault = result.error
        return
      }
      // what a gate of an earlier payment came to does not stand above this one
      store.dismissGate(walletId)
      params = { ...wish, reviewed: result.value.review.txid }
      review.value = result.value.review
    })
    return fault
  }

  /** Runs the gate and proposes; `proposed` has the session when it came to be, by this try or by a later Retry. */
  const propose = () =>
    whileBusy(async () => {
      if (params !== undefined) await store.proposeSpend(params)
    })

  /** After a failed gate: who is there and who is not. */
  const reached = computed(() => {
    const entries = pending.value === undefined ? [] : store.getSessionParticipantStatus(pending.value.id)
    return {
      present: entries.filter(e => e.connected).length,
      absent: entries.filter(e => !e.connected).flatMap(e => e.member ?? []),
    }
  })

  /** Proposes to those who are there; who is missing gets it when he comes. */
  const proposeToPresent = () => whileBusy(() => store.proposeToPresent(walletId))

  function back(): void {
    store.dismissGate(walletId)
    review.value = undefined
  }

  return {
    review,
    busy,
    pending,
    proposed,
    reached,
    makeReview,
    propose,
    proposeToPresent,
    back,
    dismiss: () => store.dismissGate(walletId),
  }
}

export type ProposalFlow = ReturnType<typeof useProposal>
