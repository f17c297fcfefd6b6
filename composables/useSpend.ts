import { ref } from 'vue'
import type { FieldError } from '../services/core/domain/views'
import { useMessages } from './useMessages'
import { useProposal } from './useProposal'
import { useSpendDraft } from './useSpendDraft'
import { useSpendFields } from './useSpendFields'

type Field = 'recipient' | 'amount' | 'feeRate' | 'note' | 'form'
const FIELDS: readonly string[] = ['recipient', 'amount', 'feeRate', 'note']

/** The spend form: checks its fields before the payment is built. */
export function useSpend(walletId: string) {
  const { fieldError } = useMessages()
  const { form, clear } = useSpendDraft(walletId)
  const read = useSpendFields(walletId)
  const flow = useProposal(walletId)
  const errors = ref<Partial<Record<Field, string>>>({})

  /** The first of a field stands; what belongs to no field stands above the form. */
  function refuse(faults: readonly FieldError[]): void {
    const said: Partial<Record<Field, string>> = {}
    for (const fault of faults)
      said[FIELDS.includes(fault.field) ? (fault.field as Field) : 'form'] ??= fieldError(fault)
    errors.value = said
  }

  /** the form is read, or the payment built */
  const busy = ref(false)

  async function makeReview(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      const { recipient } = form
      const asked = await read(form)
      const fault = 'wish' in asked ? await flow.makeReview(asked.wish) : undefined
      const faults = 'faults' in asked ? asked.faults : fault === undefined ? [] : [fault]
      // what was found out about an address says nothing of the one that stands there by now
      refuse(faults.filter(({ field }) => field !== 'recipient' || form.recipient === recipient))
    } finally {
      busy.value = false
    }
  }

  return { form, errors, flow, busy, makeReview, clear }
}
