import { computed } from 'vue'
import { formatBtc, formatSats, parseAmount, plainBtc } from '../services/core/domain/amounts'
import { err } from '../services/core/domain/result'
import type { Result } from '../services/core/domain/result'
import type { FieldError } from '../services/core/domain/views'
import { useSettingsStore } from '../stores/settings'

/** Amounts as text in the unit that the person chose, and back, without loss. Satoshis everywhere. */
export function useAmount() {
  const settings = useSettingsStore()
  const unit = computed(() => settings.unit)

  function parse(text: string): Result<bigint, FieldError> {
    const read = parseAmount(text, settings.unit === 'BTC' ? 'btc' : 'sats')
    return read.ok ? read : err({ field: 'amount', code: read.error.code })
  }

  /** Changes the unit and gives the same amount in it; a text that is no amount stays as it is. */
  function switchUnit(text: string, to: 'sats' | 'BTC'): string {
    const read = parse(text)
    settings.setUnit(to)
    if (!read.ok) return text
    return to === 'sats' ? read.value.toString() : plainBtc(read.value)
  }

  const format = (sats: bigint): string => (settings.unit === 'BTC' ? formatBtc(sats) : formatSats(sats))

  return { unit, parse, switchUnit, format, toBtc: plainBtc }
}
