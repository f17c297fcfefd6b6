import { computed, onMounted, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { FieldError, ReviewView } from '../services/core/domain/views'
import type { ReplaceWay } from '../services/core/signing/rules/session-screen'
import { parseFeeRate } from '../services/core/spend/fees'
import { useMuSig2Store } from '../stores/musig2'
import type { SessionCard } from '../stores/musig2'
import { useWalletsStore } from '../stores/wallets'
import { useMessages } from './useMessages'
import { useProposal } from './useProposal'

/** milliseconds after the last key before the new fee is worked out */
const TYPED_MS = 250

/**
 * Another payment in the place of one that waits for a block, or was not completed in time: only its fee rate is asked
 * for, and what it comes to is shown while it is typed.
 */
export function useReplace(card: SessionCard, way: ReplaceWay) {
  const store = useMuSig2Store()
  const wallets = useWalletsStore()
  const { fieldError } = useMessages()
  const flow = useProposal(card.walletId)
  const wish =
    way === 'pay-again'
      ? { walletId: card.walletId, again: card.id }
      : { walletId: card.walletId, replaces: card.id, takeBack: way === 'take-back' }

  const feeRate = ref('')
  const error = ref<{ readonly field: 'feeRate' | 'form'; readonly text: string }>()
  /** as it would be at the rate that stands in the field */
  const preview = shallowRef<ReviewView>()

  function refuse(fault: FieldError): void {
    preview.value = undefined
    error.value = { field: fault.field === 'feeRate' ? 'feeRate' : 'form', text: fieldError(fault) }
  }

  /** what was asked last; an answer to an earlier question says nothing any more */
  let asked = 0
  async function work(rate?: number): Promise<void> {
    const mine = ++asked
    const result = await store.reviewSpend(rate === undefined ? wish : { ...wish, feeRate: rate })
    if (mine !== asked) return
    if (!result.ok) return refuse(result.error)
    error.value = undefined
    preview.value = result.value.review
  }

  function typed(): Promise<void> | void {
    const rate = parseFeeRate(feeRate.value)
    if (rate.ok) return work(rate.value)
    asked++
    refuse({ field: 'feeRate', code: rate.error.code })
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  watch(feeRate, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void typed(), TYPED_MS)
  })
  onScopeDispose(() => clearTimeout(timer))

  onMounted(async () => {
    const [{ fast }] = await Promise.all([wallets.feeEstimates(card.walletId), work()])
    // a tenth of a sat is all the choice that a person needs; rounded up so that it does take the place
    const least = preview.value?.feeRate
    if (least !== undefined && feeRate.value === '')
      feeRate.value = String(Math.ceil((way === 'pay-again' ? least : Math.max(fast, least)) * 10) / 10)
  })

  async function makeReview(): Promise<void> {
    const rate = parseFeeRate(feeRate.value)
    if (!rate.ok) return refuse({ field: 'feeRate', code: rate.error.code })
    const fault = await flow.makeReview({ ...wish, feeRate: rate.value })
    if (fault !== undefined) refuse(fault)
  }

  const more = computed(() =>
    preview.value === undefined || card.review === null ? undefined : preview.value.feeSats - card.review.feeSats,
  )

  return { feeRate, error, preview, more, flow, makeReview }
}
