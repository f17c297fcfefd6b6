import { err, ok, type Result } from './result'

/** satoshis in one bitcoin */
export const SATS_PER_BTC = 100_000_000n
/** more than can exist: 21 million BTC */
const MAX_SATS = 21_000_000n * SATS_PER_BTC
/** U+2009: groups digits on screens */
const THIN = '\u2009'
/** characters of an amount text that is looked at */
const MAX_CHARS = 64

export type AmountUnit = 'btc' | 'sats'

export interface AmountError {
  readonly code:
    | 'empty'
    | 'malformed'
    /** a comma, or a dot among sats: decimal or grouping, nobody can tell */
    | 'ambiguous'
    /** more than 8 decimals of BTC */
    | 'too-many-decimals'
    | 'zero'
    | 'negative'
    | 'too-large'
}

/**
 * Reads an amount as a person types or pastes it. `unit` applies unless the text names one ("0.5 BTC", "1 234 sats").
 * Digits may be grouped by normal, no-break, thin or narrow spaces: threes before the dot, 2-3-3 after it.
 * @returns satoshis, above zero
 */
export function parseAmount(text: string, unit: AmountUnit): Result<bigint, AmountError> {
  const trimmed = text.trim()
  if (trimmed === '') return err({ code: 'empty' })
  if (trimmed.length > MAX_CHARS) return err({ code: 'malformed' })
  const match = /^(.*?)\s*(btc|₿|sats?)?$/iu.exec(trimmed.replace(/[\u00a0\u2009\u202f]/g, ' '))
  const digits = match?.[1] ?? ''
  const named = match?.[2]?.toLowerCase()
  const actual: AmountUnit = named === undefined ? unit : named.startsWith('sat') ? 'sats' : 'btc'
  if (/^[-\u2212]/.test(digits)) return err({ code: 'negative' })
  if (digits.includes(',')) return err({ code: 'ambiguous' })
  if (actual === 'sats' && digits.includes('.'))
    return err({ code: /^\d+\.\d{3}(\.\d{3})*$/.test(digits) ? 'ambiguous' : 'malformed' })
  const parts = digits.split('.')
  const [whole = '', fraction = ''] = parts
  if (parts.length > 2 || !isWhole(whole) || !isFraction(fraction, parts.length === 2))
    return err({ code: 'malformed' })
  const decimals = fraction.replaceAll(' ', '')
  if (decimals.length > 8) return err({ code: 'too-many-decimals' })
  const integer = BigInt(whole.replaceAll(' ', ''))
  const sats = actual === 'sats' ? integer : integer * SATS_PER_BTC + BigInt(decimals.padEnd(8, '0'))
  if (sats > MAX_SATS) return err({ code: 'too-large' })
  return sats === 0n ? err({ code: 'zero' }) : ok(sats)
}

const isWhole = (digits: string): boolean => /^\d+$/.test(digits) || /^\d{1,3}( \d{3})+$/.test(digits)
const isFraction = (digits: string, there: boolean): boolean =>
  there ? /^\d+$/.test(digits) || /^\d\d( \d{3}){1,2}$/.test(digits) : digits === ''

/** `1 234 567`, grouped by thin spaces; the caller adds the unit. */
export function formatSats(sats: bigint): string {
  const sign = sats < 0n ? '\u2212' : ''
  const digits = (sats < 0n ? -sats : sats).toString()
  return sign + digits.replace(/\B(?=(\d{3})+$)/g, THIN)
}

/** `0.00 123 456`: always 8 decimals, grouped 2-3-3 by thin spaces; never rounded. */
export function formatBtc(sats: bigint): string {
  const sign = sats < 0n ? '\u2212' : ''
  const abs = sats < 0n ? -sats : sats
  const fraction = (abs % SATS_PER_BTC).toString().padStart(8, '0')
  return `${sign}${formatSats(abs / SATS_PER_BTC)}.${fraction.slice(0, 2)}${THIN}${fraction.slice(2, 5)}${THIN}${fraction.slice(5)}`
}

/** Plain decimal BTC without grouping or trailing zeros, for URIs (BIP21) and for editing. */
export function plainBtc(sats: bigint): string {
  const fraction = (sats % SATS_PER_BTC).toString().padStart(8, '0').replace(/0+$/, '')
  return `${sats / SATS_PER_BTC}${fraction === '' ? '' : `.${fraction}`}`
}
