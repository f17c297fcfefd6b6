import { computed, ref, shallowRef } from 'vue'
import type { FieldError, ReviewView } from '../services/core/domain/views'
import { useMuSig2Store } from '../stores/musig2'
import type { SpendProposalParams } from '../stores/musig2'
import { useMessages } from './useMessages'
import { useSpendDraft } from './useSpendDraft'
import { useSpendFields } from './useSpendFields'

type Field = 'recipient' | 'amount' | 'feeRate' | 'note' | 'form'
const FIELDS: readonly string[] = ['recipient', 'amount', 'feeRate', 'note']

/** From the form to the proposal: checks the fields, shows the finished transaction, runs the gate. */
export function useSpend(walletId: string) {
  const store = useMuSig2Store()
  const { fieldError } = useMessages()
  const { form, clear } = useSpendDraft(walletId)
  const read = useSpendFields(walletId)

  const errors = ref<Partial<Record<Field, string>>>({})
  const review = shallowRef<ReviewView>()
  const busy = ref(false)
  let params: SpendProposalParams | undefined

  const pending = computed(() => store.pendingFor(walletId))
  const proposed = computed(() => store.proposed[walletId])

  /** The first of a field stands; what belongs to no field stands above the form. */
  function refuse(faults: readonly FieldError[]): void {
    const said: Partial<Record<Field, string>> = {}
    for (const fault of faults) said[FIELDS.includes(fault.field) ? fault.field as Field : 'form'] ??= fieldError(fault)
    errors.value = said
  }

  /** Builds the finished transaction for the eye; sends nothing. */
  async function makeReview(): Promise<void> {
    if (busy.value) return
    const asked = read(form)
    if ('faults' in asked) return refuse(asked.faults)
    busy.value = true
    try {
      const result = await store.reviewSpend(asked.wish)
      if (!result.ok) return refuse([result.error])
      refuse([])
      // what a gate of an earlier payment came to does not stand above this one
      store.dismissGate(walletId)
      params = { ...asked.wish, reviewed: result.value.review.txid }
      review.value = result.value.review
    } finally {
      busy.value = false
    }
  }

  /** Runs the gate and proposes; `proposed` has the session when it came to be, by this try or by a later Retry. */
  async function propose(): Promise<void> {
    if (params === undefined || busy.value) return
    busy.value = true
    try {
      await store.proposeSpend(params)
    } finally {
      busy.value = false
    }
  }

  /** After a failed gate: who is there and who is not. */
  const reached = computed(() => {
    const entries = pending.value === undefined ? [] : store.getSessionParticipantStatus(pending.value.id)
    return { present: entries.filter(e => e.connected).length, absent: entries.filter(e => !e.connected).flatMap(e => e.member ?? []) }
  })

  /** Proposes to those who are there; who is missing gets it when he comes. */
  async function proposeToPresent(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      await store.proposeToPresent(walletId)
    } finally {
      busy.value = false
    }
  }

  function back(): void {
    store.dismissGate(walletId)
    review.value = undefined
  }

  return { form, errors, review, busy, pending, proposed, reached, makeReview, propose, proposeToPresent, back, clear, dismiss: () => store.dismissGate(walletId) }
}
