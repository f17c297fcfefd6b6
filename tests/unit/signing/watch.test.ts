import { describe, expect, it } from 'vitest'
import { ok } from '../../../services/core/domain/result'
import { isWatched, lookAtChain } from '../../../services/core/signing/watch'
import type { Chain } from '../../../services/ports/chain'
import { Harness } from '../../fakes/session-harness'

const OTHER = 'cc'.repeat(32)

/** A server that does not know the session's transaction, and says that every coin of it is spent by `by`. */
function server(by: string) {
  let open = 0
  let most = 0
  const chain = {
    tip: async () => ok({ height: 9, hash: '00'.repeat(32) }),
    tx: async () => ok(undefined),
    outspend: async () => {
      most = Math.max(most, ++open)
      await Promise.resolve()
      open--
      return ok({ spent: true, by, confirmed: true })
    },
  } as unknown as Chain
  return { chain, most: () => most }
}

/** One member whose part is out, and nobody has the whole. */
function released() {
  const h = new Harness()
  h.propose()
  h.approveAll(1)
  h.user(2, 'approve')
  while (h.state(1) !== 'released') h.next()
  h.tasks = []
  return h.session(1)
}

describe('looking at the chain', () => {
  it('a spender that is none of our payments is a server\'s word alone: no fact, the coins stay held', async () => {
    expect(await lookAtChain(released(), server(OTHER).chain, () => undefined)).toEqual([])
  })

  it('one of our own other payments ends it', async () => {
    expect(await lookAtChain(released(), server(OTHER).chain, () => 'other')).toEqual([{ kind: 'conflict', txid: OTHER, replacement: false }])
    expect(await lookAtChain(released(), server(OTHER).chain, () => 'replacement')).toEqual([{ kind: 'conflict', txid: OTHER, replacement: true }])
  })

  it('asks a few questions at a time, and nothing about proposals that have not my yes', async () => {
    const { chain, most } = server(OTHER)
    await lookAtChain(released(), chain, () => 'other')
    expect(most()).toBeLessThanOrEqual(2)
    const h = new Harness()
    h.propose()
    expect(isWatched(h.session(1))).toBe(false)
    h.approveAll(1)
    expect(isWatched(h.session(1))).toBe(true)
  })
})
