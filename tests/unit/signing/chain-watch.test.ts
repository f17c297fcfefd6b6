import { describe, expect, it } from 'vitest'
import { ok } from '../../../services/core/domain/result'
import { txidOfProposal } from '../../../services/core/signing/rules/between-sessions'
import {
  inRounds,
  isWatched,
  lookAtChain,
  neighbours,
  type KnownSpend,
  type Look,
} from '../../../services/core/signing/runtime/chain-watch'
import type { Chain } from '../../../services/ports/chain'
import { Harness, ready, spendProposal } from '../../fakes/session-harness'

const OTHER = 'cc'.repeat(32)

const told = (ours: KnownSpend) => ({ ours: () => ours, maker: () => undefined })

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
  const h = ready()
  while (h.state(1) !== 'released') h.next()
  h.tasks = []
  return h.session(1)
}

describe('looking at the chain', () => {
  it("a spender that is none of our payments is a server's word alone: no fact, the coins stay held", async () => {
    expect(await lookAtChain(released(), server(OTHER).chain, told(undefined))).toEqual([])
  })

  it('one of our own other payments ends it', async () => {
    expect(await lookAtChain(released(), server(OTHER).chain, told('other'))).toEqual([
      { kind: 'conflict', txid: OTHER, replacement: false },
    ])
    expect(await lookAtChain(released(), server(OTHER).chain, told('replacement'))).toEqual([
      { kind: 'conflict', txid: OTHER, replacement: true },
    ])
  })

  it('what is built on a payment is over when another has taken its place', async () => {
    const parent = spendProposal({ from: '33'.repeat(32), inputs: 1 })
    const made = txidOfProposal(parent.proposal)!
    const h = new Harness(3, spendProposal({ from: made, inputs: 1 }))
    h.propose()
    h.approveAll(1, 2)
    const child = h.session(1)
    const spentBy = (by: string) =>
      ({
        tip: async () => ok({ height: 9, hash: '00'.repeat(32) }),
        tx: async () => ok(undefined),
        outspend: async (txid: string) =>
          ok(txid === '33'.repeat(32) ? { spent: true, by, confirmed: true } : { spent: false, confirmed: false }),
      }) as unknown as Chain
    const maker = (txid: string) => (txid === made && parent.proposal.kind === 'spend' ? parent.proposal.tx : undefined)
    expect(await lookAtChain(child, spentBy(OTHER), { ...told('other'), maker })).toEqual([
      { kind: 'conflict', txid: OTHER, replacement: false },
    ])
    expect(
      (await lookAtChain(child, spentBy(OTHER), told('other'))).map(f => f.kind),
      'its maker is not known',
    ).toEqual(child.state === 'broadcast' ? ['missing'] : [])
    expect(
      (await lookAtChain(child, spentBy(made), { ...told('other'), maker })).map(f => f.kind),
      'its maker itself is mined',
    ).toEqual(child.state === 'broadcast' ? ['missing'] : [])
  })

  it('a replacement that I have not answered is looked after too: it is over when the earlier payment is mined', async () => {
    const old = '44'.repeat(32)
    const h = new Harness(3, spendProposal({ replaces: old }))
    h.propose()
    expect(isWatched(h.session(1), new Set())).toBe(true)
    for (const fact of await lookAtChain(h.session(1), server(old).chain, told('other'))) h.chain(1, fact)
    expect(h.session(1)).toMatchObject({ state: 'failed', end: { code: 'paid-before', txid: old } })
  })

  it('after a reorg the block may hold another one: the end says which', () => {
    const h = new Harness()
    h.propose()
    h.approveAll(1, 2)
    h.chain(1, { kind: 'conflict', txid: OTHER, replacement: false })
    expect(h.session(1)).toMatchObject({ state: 'conflicted', end: { txid: OTHER } })
    h.chain(1, { kind: 'conflict', txid: 'dd'.repeat(32), replacement: true })
    expect(h.session(1)).toMatchObject({ state: 'replaced', end: { txid: 'dd'.repeat(32) } })
  })

  it('what was called off is looked after when the history has it all the same: another computer of this member has signed it', () => {
    const h = new Harness()
    h.propose()
    h.user(1, 'decline')
    h.settle()
    expect(h.state(1)).toBe('declined')
    expect(isWatched(h.session(1), new Set([OTHER]))).toBe(false)
    const txid = txidOfProposal(h.named.proposal)!
    expect(isWatched(h.session(1), neighbours([h.session(1)], new Set([txid, OTHER])).paid)).toBe(true)
    // the same transaction under another proposal, which went on
    const twin = new Harness(3, spendProposal({ salt: '05'.repeat(32) }))
    twin.propose()
    twin.approveAll(1)
    expect(txidOfProposal(twin.named.proposal)).toBe(txid)
    expect(isWatched(h.session(1), neighbours([h.session(1), twin.session(1)], new Set([txid, OTHER])).paid)).toBe(
      false,
    )
  })

  it('a payment and the one in its place are never both called paid: what takes a word back goes first, and what cannot be waits', () => {
    const sent = (salt: string, sats: bigint, replaces?: string) => {
      const h = new Harness(3, spendProposal({ salt, sats, replaces }))
      h.propose()
      h.approveAll(1, 2)
      return h
    }
    const paid = { kind: 'confirmed', height: 5, tip: 5 } as const
    const old = sent('01'.repeat(32), 10_000n)
    old.chain(1, paid)
    const fresh = sent('02'.repeat(32), 9_000n, txidOfProposal(old.named.proposal)).session(1)
    const other = new Harness(3, spendProposal({ from: '77'.repeat(32) }))
    other.propose()
    const looks = (facts: Look['facts']): Look[] => [
      { session: fresh, facts: [paid] },
      { session: old.session(1), facts },
      { session: other.session(1), facts: [paid] },
    ]
    const conflict = { kind: 'conflict', txid: OTHER, replacement: true } as const
    const [undone, said] = inRounds(looks([{ kind: 'reorged' }, conflict]))
    expect(undone.map(l => l.facts)).toEqual([[], [{ kind: 'reorged' }], []])
    expect(said.map(l => l.facts)).toEqual([[paid], [conflict], [paid]])
    // asked before the reorg, or not answered at all
    for (const facts of [[paid], []]) expect(inRounds(looks(facts))[1].map(l => l.facts)).toEqual([[], [], [paid]])
  })

  it('asks a few questions at a time, and nothing about proposals that have not my yes', async () => {
    const { chain, most } = server(OTHER)
    await lookAtChain(released(), chain, told('other'))
    expect(most()).toBeLessThanOrEqual(2)
    const h = new Harness()
    h.propose()
    expect(isWatched(h.session(1), new Set())).toBe(false)
    h.approveAll(1)
    expect(isWatched(h.session(1), new Set())).toBe(true)
  })
})
