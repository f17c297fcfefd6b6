import { computed } from 'vue'
import { formatAmount, formatBtcPlain, parseAmount } from '../services/core/domain/amounts'
import type { Result } from '../services/core/domain/result'
import type { FieldError } from '../services/core/domain/views'
import { useSettingsStore } from '../stores/settings'

/** Amounts as text in the unit that the person chose, and back, without loss. Satoshis everywhere. */
export function useAmount() {
  const settings = useSettingsStore()
  const unit = computed(() => settings.unit)

  function parse(text: string): Result<bigint, FieldError> {
    return parseAmount(text, settings.unit)
  }

  /** Changes the unit and gives the same amount in it; a text that is no amount stays as it is. */
  function switchUnit(text: string, to: 'sats' | 'BTC'): string {
    const read = parse(text)
    settings.setUnit(to)
    if (!read.ok) return text
    return to === 'sats' ? read.value.toString() : formatBtcPlain(read.value)
  }

  return { unit, parse, switchUnit, format: (sats: bigint): string => formatAmount(sats, settings.unit), toBtc: formatBtcPlain }
}
