import { describe, expect, it } from 'vitest'
import { EMPTY_STATE } from '../../../services/core/chain/state'
import { syncWallet } from '../../../services/core/chain/sync'
import { readWallet } from '../../../services/core/chain/view'
import type { ChainError } from '../../../services/ports/chain'
import { createFakeChain } from '../../fakes/chain'
import { FOREIGN, scriptAt, scriptsAt, send, sync } from './helpers'

const down: ChainError = { code: 'unreachable', detail: 'down', retryable: true }
const histories = (calls: readonly string[]): string[] =>
  calls.filter(call => call.startsWith('history')).map(call => call.slice(8))

describe('scan', () => {
  it('watches exactly 20 unused scripts past the last used one, on both branches', async () => {
    const chain = createFakeChain({ blocks: 5 })
    const empty = await sync(chain)
    expect(empty.place).toBe('first')
    expect(empty.state.scripts.filter(s => s.branch === 0)).toHaveLength(20)
    expect(empty.state.scripts.filter(s => s.branch === 1)).toHaveLength(20)

    chain.fund(scriptAt(0, 19), 1000n)
    chain.fund(scriptAt(0, 39), 2000n)
    chain.fund(scriptAt(0, 60), 4000n)
    const found = await sync(chain, empty.state, { full: true })
    // 39 is 20 past 19 and found; 60 is 21 past 39 and not
    expect(
      readWallet(found.state)
        .coins.map(c => c.index)
        .sort((a, b) => a - b),
    ).toEqual([19, 39])
    expect(Math.max(...found.state.scripts.filter(s => s.branch === 0).map(s => s.index))).toBe(59)
    expect(found.state.scripts.filter(s => s.branch === 1)).toHaveLength(20)
  })

  it('asks each script once and derives none twice', async () => {
    const chain = createFakeChain({ blocks: 1 })
    chain.fund(scriptAt(0, 3), 1000n)
    const derived: string[] = []
    await sync(chain, EMPTY_STATE, {
      scriptsAt: places => {
        derived.push(...places.map(({ branch, index }) => `${branch}/${index}`))
        return scriptsAt(places)
      },
    })
    const asked = histories(chain.calls)
    expect(new Set(asked).size).toBe(asked.length)
    expect(new Set(derived).size).toBe(derived.length)
    expect(asked).toHaveLength(44)
  })

  it('never runs more requests at once than allowed', async () => {
    const chain = createFakeChain({ blocks: 1 })
    let running = 0
    let most = 0
    const counting = {
      ...chain,
      history: async (...args: Parameters<typeof chain.history>) => {
        most = Math.max(most, ++running)
        const answer = await chain.history(...args)
        running--
        return answer
      },
    }
    await sync(counting, EMPTY_STATE, { concurrency: 3 })
    expect(most).toBe(3)
  })

  it('refuses a server whose every script is used', async () => {
    const chain = createFakeChain({ blocks: 1 })
    let n = 0
    const endless = {
      ...chain,
      history: async (script: string) => {
        const txid = (n++).toString(16).padStart(64, '0')
        return { ok: true as const, value: [{ txid, vin: [], vout: [{ script, sats: 1n }], feeSats: 0n, weight: 400 }] }
      },
    }
    const done = await syncWallet({ chain: endless, scriptsAt, state: EMPTY_STATE })
    expect(done).toMatchObject({ ok: false, error: { code: 'bad-answer' } })
  })
})

describe('incremental sync', () => {
  it('asks only what can have changed while the tip is the same', async () => {
    const chain = createFakeChain({ blocks: 3 })
    chain.fund(scriptAt(0, 0), 1000n)
    const spentAt = chain.fund(scriptAt(0, 1), 5000n)
    chain.mine()
    await send(chain, [{ txid: spentAt, vout: 0 }], [[FOREIGN, 4000n]])
    chain.mine()
    const { state } = await sync(chain)
    chain.calls.length = 0
    const quick = await sync(chain, state)
    expect(quick).toMatchObject({ place: 'same', changed: false })
    // the coin at 0/0 and five addresses ahead; not the spent 0/1, no change scripts
    expect(histories(chain.calls).sort()).toEqual([0, 2, 3, 4, 5, 6].map(i => scriptAt(0, i)).sort())

    chain.calls.length = 0
    await sync(chain, state, { shown: 15 })
    expect(histories(chain.calls)).toContain(scriptAt(0, 15))
  })

  it('sees an unconfirmed payment, its spend with change, and the block, without a full sync in between', async () => {
    const chain = createFakeChain({ blocks: 3 })
    let { state } = await sync(chain)
    const txid = chain.fund(scriptAt(0, 2), 10_000n)
    let out = await sync(chain, state)
    expect(out).toMatchObject({ place: 'same', changed: true })
    expect(readWallet(out.state).coins).toEqual([expect.objectContaining({ txid, ours: false }) as unknown])
    expect(readWallet(out.state).unconfirmed).toBe(true)
    const spent = await send(
      chain,
      [{ txid, vout: 0 }],
      [
        [FOREIGN, 4000n],
        [scriptAt(1, 0), 5500n],
      ],
    )
    state = out.state
    out = await sync(chain, state)
    expect(readWallet(out.state).coins).toMatchObject([{ txid: spent, vout: 1, branch: 1, index: 0, ours: true }])
    chain.mine()
    out = await sync(chain, out.state)
    expect(out.place).toBe('extended')
    expect(readWallet(out.state).coins).toMatchObject([{ txid: spent, height: 4 }])
    expect(readWallet(out.state).unconfirmed).toBe(false)
  })

  it('forgets a transaction that was evicted', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const txid = chain.fund(scriptAt(0, 0), 10_000n)
    const { state } = await sync(chain)
    chain.evict(txid)
    const out = await sync(chain, state)
    expect(out.changed).toBe(true)
    expect(out.state.txs.size).toBe(0)
  })

  it('asks everything again after 20 quick syncs', async () => {
    const chain = createFakeChain({ blocks: 3 })
    let { state } = await sync(chain)
    for (let i = 0; i < 20; i++) state = (await sync(chain, state)).state
    chain.calls.length = 0
    state = (await sync(chain, state)).state
    expect(histories(chain.calls)).toHaveLength(40)
    expect(state.quickSyncs).toBe(0)
  })
})

describe('the tip', () => {
  it('asks everything again when a block comes during the sync', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const txid = chain.fund(scriptAt(0, 0), 10_000n)
    let mined = false
    chain.onCall(call => {
      if (call === `history ${scriptAt(0, 5)}` && !mined) {
        mined = true
        chain.mine()
      }
    })
    const { state } = await sync(chain)
    expect(state.tip?.height).toBe(4)
    expect(state.txs.get(txid)?.confirmed?.height).toBe(4)
  })

  it('ends when the tip never rests, and keeps the older one so that the next sync asks everything', async () => {
    const chain = createFakeChain({ blocks: 3 })
    chain.onCall(call => {
      if (call.startsWith(`history ${scriptAt(0, 5)}`)) chain.mine()
    })
    const { state } = await sync(chain)
    chain.onCall(undefined)
    const tip = await chain.tip()
    expect(tip.ok && tip.value.height).toBeGreaterThan(state.tip?.height ?? Infinity)
    expect((await sync(chain, state)).place).toBe('extended')
  })

  it('takes nothing from a server that has fallen behind', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const late = chain.view()
    late.freeze()
    let { state } = await sync(chain)
    chain.fund(scriptAt(0, 0), 10_000n)
    chain.mine()
    state = (await sync(chain, state)).state
    const out = await sync(late, state)
    expect(out).toEqual({ state, place: 'behind', changed: false })
  })
})

describe('reorg and reset', () => {
  it('puts transactions of a replaced block back among the unconfirmed, or drops them', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const txid = chain.fund(scriptAt(0, 0), 10_000n)
    chain.mine(2)
    const { state } = await sync(chain)
    expect(state.txs.get(txid)?.confirmed?.height).toBe(4)
    chain.reorg(2, true)
    const kept = await sync(chain, state)
    expect(kept).toMatchObject({ place: 'reorg', changed: true })
    expect(kept.state.txs.get(txid)?.confirmed).toBeUndefined()
    chain.mine()
    const again = await sync(chain, kept.state)
    expect(again.state.txs.get(txid)?.confirmed?.height).toBe(7)
    chain.reorg(2, false)
    const dropped = await sync(chain, again.state)
    expect(dropped.place).toBe('reorg')
    expect(dropped.state.txs.size).toBe(0)
  })

  it.each([1, 4, 40])('knows a reset chain of %i blocks from a reorg and scans it from nothing', async blocks => {
    const chain = createFakeChain({ blocks: 10 })
    chain.fund(scriptAt(0, 25), 1000n)
    chain.fund(scriptAt(0, 10), 1000n)
    chain.mine()
    const { state } = await sync(chain)
    chain.reset(blocks)
    const txid = chain.fund(scriptAt(0, 1), 500n)
    const out = await sync(chain, state)
    expect(out).toMatchObject({ place: 'chain-reset', changed: true })
    expect([...out.state.txs.keys()]).toEqual([txid])
    expect((await sync(chain, out.state)).place).toBe('same')
  })

  it('keeps the anchors bounded, block 1 among them', async () => {
    const chain = createFakeChain({ blocks: 2 })
    let state = EMPTY_STATE
    for (let i = 0; i < 30; i++) {
      chain.mine()
      state = (await sync(chain, state)).state
    }
    expect(state.anchors.length).toBeLessThanOrEqual(13)
    expect(state.anchors[0]?.height).toBe(1)
    expect(state.anchors.at(-1)).toEqual(state.tip)
  })
})

describe('trouble', () => {
  it.each(['tip', 'history', 'blockHash'] as const)('an error of %s gives the error and no state', async method => {
    const chain = createFakeChain({ blocks: 3 })
    const { state } = await sync(chain)
    const copy = structuredClone(state)
    chain.fund(scriptAt(0, 0), 1000n)
    chain.mine()
    chain.fail(down, { method })
    expect(await syncWallet({ chain, scriptsAt, state })).toEqual({ ok: false, error: down })
    expect(state).toEqual(copy)
    expect((await sync(chain, state)).changed).toBe(true)
  })

  it('an error late in the scan is not half applied', async () => {
    const chain = createFakeChain({ blocks: 3 })
    chain.onCall(call => {
      if (call === `history ${scriptAt(1, 19)}`) chain.fail(down)
    })
    expect(await syncWallet({ chain, scriptsAt, state: EMPTY_STATE })).toEqual({ ok: false, error: down })
  })

  it('stops asking when aborted', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const controller = new AbortController()
    chain.onCall(call => {
      if (call === `history ${scriptAt(0, 4)}`) controller.abort()
    })
    const done = await syncWallet({ chain, scriptsAt, state: EMPTY_STATE, signal: controller.signal })
    expect(done).toMatchObject({ ok: false, error: { code: 'aborted' } })
    expect(histories(chain.calls).length).toBeLessThan(12)
  })

  it('asks again when two answers contradict each other about a replaced transaction', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    const b = chain.fund(scriptAt(0, 1), 10_000n)
    chain.mine()
    await send(
      chain,
      [
        { txid: a, vout: 0 },
        { txid: b, vout: 0 },
      ],
      [[FOREIGN, 19_000n]],
    )
    const { state } = await sync(chain)
    let bumped: string | undefined
    // the replacement arrives when 0/0 has answered with the old one and 0/1 has not answered yet
    chain.onCall(call => {
      if (call === `history ${scriptAt(0, 1)}` && bumped === undefined) {
        bumped = ''
        void send(
          chain,
          [
            { txid: a, vout: 0 },
            { txid: b, vout: 0 },
          ],
          [[FOREIGN, 18_000n]],
        ).then(id => {
          bumped = id
        })
      }
    })
    const out = await sync(chain, state, { concurrency: 1 })
    expect([...out.state.txs.keys()].sort()).toEqual([a, b, bumped].sort())
  })
})
