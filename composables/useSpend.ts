import { computed, ref, shallowRef } from 'vue'
import { parseFeeRate } from '../services/core/spend/fees'
import type { ReviewView } from '../services/core/domain/views'
import { useMuSig2Store } from '../stores/musig2'
import type { SpendProposalParams } from '../stores/musig2'
import { useAmount } from './useAmount'
import { useMessages } from './useMessages'
import { useSpendDraft } from './useSpendDraft'

type Field = 'recipient' | 'amount' | 'feeRate' | 'note' | 'form'
const FIELDS: readonly string[] = ['recipient', 'amount', 'feeRate', 'note']
const NOTE_MAX_BYTES = 512

/** From the form to the proposal: checks the fields, shows the finished transaction, runs the gate. */
export function useSpend(walletId: string) {
  const store = useMuSig2Store()
  const { fieldError } = useMessages()
  const { parse } = useAmount()
  const { form, clear } = useSpendDraft(walletId)

  const errors = ref<Partial<Record<Field, string>>>({})
  const review = shallowRef<ReviewView>()
  const busy = ref(false)
  let params: SpendProposalParams | undefined

  const pending = computed(() => store.pendingFor(walletId))
  const proposed = computed(() => store.proposed[walletId])

  function read(): SpendProposalParams | undefined {
    errors.value = {}
    const recipient = form.recipient.trim().replace(/^bitcoin:/i, '').replace(/\?.*$/, '')
    if (recipient === '') errors.value.recipient = fieldError({ code: 'address-empty' })
    let amountSats = 0n
    if (!form.all) {
      const amount = parse(form.amount)
      if (amount.ok) amountSats = amount.value
      else errors.value.amount = fieldError(amount.error)
    }
    const rate = parseFeeRate(form.feeRate)
    if (!rate.ok) errors.value.feeRate = fieldError({ field: 'feeRate', code: rate.error.code })
    if (new TextEncoder().encode(form.note).length > NOTE_MAX_BYTES) errors.value.note = fieldError({ code: 'note-too-long' })
    if (!rate.ok || Object.keys(errors.value).length > 0) return undefined
    return { walletId, recipient, amountSats, feeRate: rate.value, note: form.note.trim(), ...(form.all ? { all: true } : {}) }
  }

  /** Builds the finished transaction for the eye; sends nothing. */
  async function makeReview(): Promise<void> {
    const wanted = read()
    if (wanted === undefined || busy.value) return
    busy.value = true
    try {
      const result = await store.reviewSpend(wanted)
      if (!result.ok) {
        const at = FIELDS.includes(result.error.field) ? result.error.field as Field : 'form'
        errors.value = { [at]: fieldError(result.error) }
        return
      }
      params = wanted
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

  function back(): void {
    store.dismissGate(walletId)
    review.value = undefined
  }

  return { form, errors, review, busy, pending, proposed, makeReview, propose, back, clear, dismiss: () => store.dismissGate(walletId) }
}
