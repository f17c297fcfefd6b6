import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { count, fill, listOf, put } from '../../../locales/text'

describe('texts with values', () => {
  it('has each value at its place, and leaves a place that is not spoken of', () => {
    expect(put('{n} of {all}', { n: 2, all: 3 })).toBe('2 of 3')
    expect(put('In block {height}, {n} more', { n: 2 })).toBe('In block {height}, 2 more')
    expect(put('at least {detail} sat/vB', { detail: undefined })).toBe('at least  sat/vB')
    expect(put('{constructor}')).toBe('{constructor}')
  })

  it('puts in what looks like a place as it is', () => {
    expect(put('{name} asks', { name: '{n}', n: 1 })).toBe('{n} asks')
  })

  it('begins a sentence with a capital', () => {
    expect(fill('{who} declined', { who: 'ann' })).toBe('Ann declined')
    expect(put('{who} declined', { who: 'ann' })).toBe('ann declined')
  })

  it('has one form for one and another for all else', () => {
    const forms = { one: '{n} block', many: '{n} blocks' }
    expect([0, 1, 2].map(n => count(n, forms))).toEqual(['0 blocks', '1 block', '2 blocks'])
    expect(put(count(2, { one: '', many: '{n} coins, {vsize} vB' }), { vsize: 154 })).toBe('2 coins, 154 vB')
  })

  it('lists names', () => {
    expect([[], ['Ann'], ['Ann', 'Ben'], ['Ann', 'Ben', 'Cy']].map(names => listOf(names))).toEqual([
      '',
      'Ann',
      'Ann and Ben',
      'Ann, Ben and Cy',
    ])
  })
})

/** Every text of a table, by the path to it. */
function textsOf(table: object, path = ''): Array<readonly [string, string]> {
  return Object.entries(table).flatMap(([key, value]: [string, unknown]) => {
    const at = `${path}.${key}`
    if (typeof value === 'string') return [[at, value] as const]
    return typeof value === 'object' && value !== null ? textsOf(value, at) : []
  })
}

describe('the tables of texts', async () => {
  const files = readdirSync('locales').filter(name => name.startsWith('en'))
  const tables = await Promise.all(
    files.map(
      async name => [name, (await import(`../../../locales/${name.replace(/\.ts$/, '')}.ts`)) as object] as const,
    ),
  )

  it.each(tables)('%s: places are well formed, and nothing has two spaces or an exclamation mark', (_, table) => {
    const texts = textsOf(table)
    expect(texts.length).toBeGreaterThan(0)
    for (const [at, text] of texts) {
      expect(text.replace(/\{\w+\}/g, 'x'), at).not.toMatch(/[{}]| {2}|!/)
    }
  })
})
