import { describe, expect, it } from 'vitest'
import { longSubjects } from '../../../scripts/commit-subjects'
import { scriptOf } from '../../../scripts/sources'
import { folderOf, importsOf, longFunctions } from '../../../scripts/structure'

const lines = (...text: string[]): string => text.join('\n')
const named = (text: string, limit = 3): string[] =>
  longFunctions('a.ts', text, limit).map(f => `${f.at} ${f.name} ${f.lines} ${f.reason ?? ''}`.trim())

describe('the structure command', () => {
  it('finds functions, methods and arrow functions with what is inside of them', () => {
    const outer = lines('export function outer() {', '  const inner = () => {', '    a()', '    b()', '  }', '}')
    expect(named(outer)).toEqual(['a.ts:1 outer 6', 'a.ts:2 inner 4'])
    expect(named(lines('class A {', '  method() {', '    a()', '    b()', '  }', '}'))).toEqual(['a.ts:2 method 4'])
    expect(named(lines('define("x", () => {', '', '', '})'))).toEqual(['a.ts:1 function given to define 4'])
    expect(named(lines('function short() {', '  a()', '}'))).toEqual([])
  })

  it('reads the reason above a long function, and no other', () => {
    const body = lines('function long() {', '', '', '}')
    expect(named(lines('/**', ' * Wires all parts.', ' * Long because it is a list.', ' */', body))).toEqual([
      'a.ts:5 long 4 Long because it is a list.',
    ])
    expect(named(lines('/* It is long. */', body))).toEqual(['a.ts:2 long 4'])
  })

  it('names folders, and finds every kind of import', () => {
    expect(
      ['services/core/net/gate.ts', 'services/p2p.ts', 'services/adapters/esplora/index.ts', 'app.vue'].map(folderOf),
    ).toEqual(['core/net', 'doors', 'adapters/esplora', 'root'])
    const text = lines(
      "import type { A } from '../domain/a'",
      "export { b } from './b'",
      "const c = () => import('../../p2p')",
      "import { d } from 'idb'",
    )
    expect(importsOf('services/core/net/gate.ts', text)).toEqual([
      'services/core/domain/a',
      'services/core/net/b',
      'services/p2p',
    ])
  })

  it('keeps the lines of a script of a component', () => {
    expect(
      scriptOf(lines('<template>', '</template>', '<script setup lang="ts">', 'const a = 1', '</script>', '')),
    ).toBe(lines('', '', '', 'const a = 1', '', ''))
  })
})

describe('subjects of commits', () => {
  const after = Date.UTC(2026, 11, 24) / 1000
  const before = Date.UTC(2026, 10, 24) / 1000

  it('are at most 72 characters long, since there is this rule', () => {
    expect(longSubjects(`abc\t${after}\t${'x'.repeat(72)}\n`)).toEqual([])
    expect(longSubjects(`abc\t${after}\t${'x'.repeat(73)}\n`)).toHaveLength(1)
    expect(longSubjects(`abc\t${before}\t${'x'.repeat(73)}\n`)).toEqual([])
  })
})
