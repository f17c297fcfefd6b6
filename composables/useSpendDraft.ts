import { reactive } from 'vue'

/**
 * What was typed into the spend form. It stays while the tab is open, so that a failed gate or a look elsewhere loses
 * nothing.
 */
export interface SpendForm {
  recipient: string
  amount: string
  all: boolean
  feeRate: string
  note: string
}

const forms = new Map<string, SpendForm>()
const blank = (): SpendForm => ({ recipient: '', amount: '', all: false, feeRate: '', note: '' })

export function useSpendDraft(walletId: string) {
  let form = forms.get(walletId)
  if (form === undefined) {
    form = reactive(blank())
    forms.set(walletId, form)
  }
  const kept = form
  return { form: kept, clear: () => Object.assign(kept, blank()) }
}
