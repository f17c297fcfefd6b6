import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { SessionState } from '../../../services/core/domain/signing-state'
import {
  isCalledOff,
  isChainEnd,
  isLive,
  isOpen,
  mayMove,
  TRANSITIONS,
} from '../../../services/core/signing/protocol/table'

/**
 * The page is what other programs are written by, the table is what this one does: one of them alone cannot be changed.
 */
const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
const states = Object.keys(TRANSITIONS) as SessionState[]

describe('docs/protocol.md, "Votes, holds and states"', () => {
  it('lists the legal changes of state', () => {
    const rows = states.map(
      from => `| \`${from}\` | ${TRANSITIONS[from].map(to => `\`${to}\``).join(' ') || 'nothing'} |`,
    )
    const [, table] = /<!-- states -->\n([^]*?)\n<!-- \/states -->/.exec(page) ?? []
    expect(table?.split('\n')).toEqual(['| state | may become |', '|---|---|', ...rows])
  })

  it('draws them', () => {
    const [, picture] = /## 9\.[^]*?```\n([^]*?)```/.exec(page) ?? []
    const words: readonly string[] = picture?.match(/[a-z]+/g) ?? []
    expect(states.filter(state => !words.includes(state))).toEqual([])
    const line = picture?.split('\n').find(l => l.includes('proposed ->'))
    const way = line?.match(/[a-z]+/g) as SessionState[]
    expect(way).toEqual(['proposed', 'signing', 'released', 'signed', 'broadcast', 'confirmed'])
    way.slice(1).forEach((to, i) => expect(mayMove(way[i]!, to), `${way[i]} -> ${to}`).toBe(true))
  })
})

describe('the table', () => {
  it('from `released` on only the chain ends a session, and what people ended stays ended unless signatures prove otherwise', () => {
    for (const from of states) {
      for (const to of TRANSITIONS[from]) {
        // expired: a practice text, which no chain ever sees
        if (!isOpen(from) && !isLive(to) && !isChainEnd(to)) expect(`${from} -> ${to}`).toBe('released -> expired')
        expect(mayMove(to, to), 'no state is a change to itself').toBe(false)
      }
      if (isCalledOff(from)) expect(TRANSITIONS[from]).toEqual(['signed'])
    }
  })

  it('nothing that is out comes back: no way leads from `released` to an open state', () => {
    const reached = new Set<SessionState>()
    const walk = (from: SessionState): void => {
      for (const to of TRANSITIONS[from]) {
        if (reached.has(to)) continue
        reached.add(to)
        walk(to)
      }
    }
    walk('released')
    expect([...reached].filter(isOpen)).toEqual([])
  })
})
