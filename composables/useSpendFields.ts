import { isCleanText, utf8Length } from '../services/core/domain/text'
import type { FieldError } from '../services/core/domain/views'
import { dustLimit, parseFeeRate } from '../services/core/spend/fees'
import { LIMITS } from '../services/core/wire/limits'
import type { PaymentRequest } from '../services/core/spend/requests'
import { useWalletsStore } from '../stores/wallets'
import { useAmount } from './useAmount'
import type { SpendForm } from './useSpendDraft'

/**
 * What a spend form says: a wish, or what is wrong at every field of it, at once. Coins and the fee as a whole are
 * judged by the desk. The form is read as it stands at the call: what is typed while the address is looked at belongs
 * to the next one.
 */
export function useSpendFields(walletId: string) {
  const wallets = useWalletsStore()
  const { parse } = useAmount()

  return async function read(
    draft: SpendForm,
  ): Promise<{ readonly wish: PaymentRequest } | { readonly faults: readonly FieldError[] }> {
    const form = { ...draft }
    const wallet = wallets.wallet(walletId)
    const faults: FieldError[] = []
    const fault = (field: string, code: string) => void faults.push({ field, code })

    const recipient = form.recipient
      .trim()
      .replace(/^bitcoin:/i, '')
      .replace(/\?.*$/, '')
    const script = await wallets.readRecipient(walletId, recipient)
    if (!script.ok) faults.push(script.error)

    const amount = form.all ? undefined : parse(form.amount)
    if (amount?.ok === false) fault('amount', amount.error.code)
    const amountSats = amount?.ok === true ? amount.value : 0n
    if (amountSats > 0n && script.ok && amountSats < dustLimit(script.value)) fault('amount', 'dust')
    // before the chain was read nobody knows what is there
    else if (wallet?.chain.state === 'synced' && amountSats > wallet.balance.availableSats)
      fault('amount', 'insufficient-funds')

    const rate = parseFeeRate(form.feeRate)
    if (!rate.ok) fault('feeRate', rate.error.code)

    const note = form.note.trim()
    if (utf8Length(note) > LIMITS.noteBytes) fault('note', 'too-long')
    else if (!isCleanText(note)) fault('note', 'bad-text')

    if (!rate.ok || faults.length > 0) return { faults }
    return { wish: { walletId, recipient, amountSats, feeRate: rate.value, note, ...(form.all ? { all: true } : {}) } }
  }
}
