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
    for (const fault of faults) said[FIELDS.includes(fault.field) ? fault.field as Field : 'form'] ??= fieldError(fault)
    errors.value = said
  }

  async function makeReview(): Promise<void> {
    if (flow.busy.value) return
    const asked = read(form)
    if ('faults' in asked) return refuse(asked.faults)
    const fault = await flow.makeReview(asked.wish)
    refuse(fault === undefined ? [] : [fault])
  }

  return { form, errors, flow, makeReview, clear }
}
