import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanText, isCleanName, isCleanText, utf8Length } from '../../../services/core/domain/text'

const HIDDEN = [
  '\u0000',
  '\n',
  '\u007f',
  '\u0085',
  '\u00ad',
  '\u061c',
  '\u200b',
  '\u200e',
  '\u202a',
  '\u202e',
  '\u2028',
  '\u2066',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\u{e0041}',
]

describe('text that people see', () => {
  it('holds nothing that hides or reorders it', () => {
    for (const c of HIDDEN) expect(isCleanText(`a${c}b`), JSON.stringify(c)).toBe(false)
    for (const good of ['', 'Anna', 'Çağla Öz', '李雷', 'می\u200cخواهم', '👩\u200d🌾', 'Rent: 12 € (May)'])
      expect(isCleanText(good), good).toBe(true)
  })

  it('is as long as its encoding', () => {
    const same = (text: string): void => {
      expect(utf8Length(text), JSON.stringify(text)).toBe(new TextEncoder().encode(text).length)
    }
    for (const text of [
      '',
      '\u007f\u0080',
      '\u07ff\u0800',
      '\uffff\u{10000}\u{10ffff}',
      '\ud800',
      'a\udc00b',
      '\udc00\ud800',
    ])
      same(text)
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 80 }), same), { numRuns: 500 })
  })

  it('as a name it is there and bare', () => {
    for (const bad of ['', ' ', ' Anna', 'Anna ', 'Anna\u00a0', 'An\tna'])
      expect(isCleanName(bad), JSON.stringify(bad)).toBe(false)
    expect(isCleanName('Anna Maria')).toBe(true)
  })

  it("is cleaned from one's own input", () => {
    expect(cleanText('  Anna \n\t Maria ', 64)).toBe('Anna Maria')
    expect(cleanText('pay \u202etxt.exe', 64)).toBe('pay txt.exe')
    expect(cleanText('e\u0301', 64)).toBe('\u00e9')
    expect(cleanText('ab \u200b c', 64)).toBe('ab c')
    expect(cleanText('üüü', 5)).toBe('üü')
    expect(cleanText('👍👍', 7)).toBe('👍')
    expect(cleanText('abc def', 4)).toBe('abc')
  })

  it('is then always fit for the wire, and cleaning again changes nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 80 }),
          fc.array(fc.constantFrom(...HIDDEN, ' ', 'a', 'ü', '👍')).map(a => a.join('')),
        ),
        fc.integer({ min: 0, max: 64 }),
        (raw, max) => {
          const clean = cleanText(raw, max)
          expect(utf8Length(clean)).toBeLessThanOrEqual(max)
          expect(clean === '' || isCleanName(clean)).toBe(true)
          expect(cleanText(clean, max)).toBe(clean)
        },
      ),
      { numRuns: 500 },
    )
  })
})
