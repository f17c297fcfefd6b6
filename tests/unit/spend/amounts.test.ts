import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { formatBtc, formatSats, parseAmount, plainBtc } from '../../../services/core/domain/amounts'

const value = (text: string, unit: 'btc' | 'sats' = 'btc'): bigint | string => {
  const r = parseAmount(text, unit)
  return r.ok ? r.value : r.error.code
}

describe('parseAmount', () => {
  it.each([
    ['0.001', 100_000n],
    ['1', 100_000_000n],
    [' 0.5 BTC ', 50_000_000n],
    ['₿0.5', 'malformed'],
    ['0.5 ₿', 50_000_000n],
    ['1 234 sats', 1_234n],
    ['1\u2009234\u2009567 sats', 1_234_567n],
    ['1\u00a0234 sat', 1_234n],
    ['0.00 123 456', 123_456n],
    ['0.00\u2009123\u2009456', 123_456n],
    ['21000000', 2_100_000_000_000_000n],
    ['0.00000001', 1n],
  ])('BTC %s', (text, want) => expect(value(text)).toBe(want))

  it.each([
    ['', 'empty'],
    ['  ', 'empty'],
    ['abc', 'malformed'],
    ['0,001', 'ambiguous'],
    ['1,234.5', 'ambiguous'],
    ['1.2.3', 'malformed'],
    ['.5', 'malformed'],
    ['5.', 'malformed'],
    ['0.123456789', 'too-many-decimals'],
    ['-1', 'negative'],
    ['\u22121', 'negative'],
    ['0', 'zero'],
    ['0.00000000', 'zero'],
    ['21000001', 'too-large'],
    ['1e3', 'malformed'],
    ['0x10', 'malformed'],
    ['1 2', 'malformed'],
    ['1.0 sats', 'malformed'],
    ['1.234 sats', 'ambiguous'],
    ['٣', 'malformed'],
    ['1'.repeat(70), 'malformed'],
  ])('refuses %s as %s', (text, code) => expect(value(text)).toBe(code))

  it.each([
    ['1234', 1_234n],
    ['1 234', 1_234n],
    ['0.5 BTC', 50_000_000n],
    ['1,234', 'ambiguous'],
    ['1.234', 'ambiguous'],
    ['12 34', 'malformed'],
  ])('sats %s', (text, want) => expect(value(text, 'sats')).toBe(want))
})

describe('formatting', () => {
  it('groups by thin spaces and never rounds', () => {
    expect(formatSats(1_234_567n)).toBe('1\u2009234\u2009567')
    expect(formatSats(-999n)).toBe('\u2212999')
    expect(formatBtc(123_456n)).toBe('0.00\u2009123\u2009456')
    expect(formatBtc(123_456_789_012n)).toBe('1\u2009234.56\u2009789\u2009012')
    expect(plainBtc(150_000n)).toBe('0.0015')
    expect(plainBtc(200_000_000n)).toBe('2')
  })

  it('what is shown reads back as the same amount', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2_100_000_000_000_000n), sats => {
        expect(value(formatBtc(sats))).toBe(sats)
        expect(value(formatSats(sats), 'sats')).toBe(sats)
        expect(value(plainBtc(sats))).toBe(sats)
      }),
    )
  })
})
