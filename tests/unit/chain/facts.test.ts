import { describe, expect, it } from 'vitest'
import { gatherSpendFacts } from '../../../services/core/chain/facts'
import { concurrently } from '../../../services/core/chain/concurrent'
import { err, ok } from '../../../services/core/domain/result'
import { rawTxid } from '../../../services/core/domain/txid'
import { createFakeChain } from '../../fakes/chain'
import { FOREIGN, scriptAt, send } from './helpers'

const down = { code: 'unreachable', detail: 'down', retryable: true } as const

describe('facts for the check', () => {
  it('holds parents, depths and spenders; leaves out what the server does not know', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    chain.mine()
    const b = chain.fund(scriptAt(0, 1), 10_000n)
    const by = await send(chain, [{ txid: a, vout: 0 }], [[FOREIGN, 9_000n]])
    const unknown = 'e'.repeat(64)
    const rawTxs = new Map<string, Uint8Array>()
    const inputs = [
      { txid: a, vout: 0 },
      { txid: b, vout: 0 },
      { txid: unknown, vout: 1 },
    ]
    const facts = await gatherSpendFacts({ chain, inputs, rawTxs })
    if (!facts.ok) throw new Error(facts.error.detail)
    expect(facts.value.tip.height).toBe(4)
    expect([...facts.value.parents.keys()].sort()).toEqual([a, b].sort())
    expect(facts.value.parents.get(a)?.height).toBe(4)
    expect(facts.value.parents.get(b)).not.toHaveProperty('height')
    expect(rawTxid(facts.value.parents.get(a)?.raw ?? new Uint8Array())).toBe(a)
    expect(facts.value.outspends.get(`${a}:0`)).toEqual({ spent: true, by, confirmed: false })
    expect(facts.value.outspends.get(`${b}:0`)).toEqual({ spent: false, confirmed: false })
    expect(facts.value.outspends.has(`${unknown}:1`)).toBe(false)

    // raw parents are asked once per session, everything else each time
    chain.calls.length = 0
    await gatherSpendFacts({ chain, inputs: inputs.slice(0, 2), rawTxs })
    expect(chain.calls.filter(call => call.startsWith('rawTx'))).toEqual([])
    expect(chain.calls.filter(call => call.startsWith('outspend'))).toHaveLength(2)
  })

  it('coins of the own last sync cost one question each: whether they are spent meanwhile', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    const b = chain.fund(scriptAt(0, 1), 10_000n)
    const tip = chain.mine()
    const inputs = [
      { txid: a, vout: 0 },
      { txid: b, vout: 0 },
    ]
    const rawTxs = new Map<string, Uint8Array>()
    const synced = { tip, coins: [{ ...inputs[0]!, height: 4 }], history: [{ txid: a }, { txid: b }] }
    const first = await gatherSpendFacts({ chain, inputs, rawTxs, synced })
    expect(
      first.ok && [first.value.parents.get(a)?.height, first.value.parents.get(b)?.height, first.value.tip],
    ).toEqual([4, 4, tip])
    const by = await send(chain, [inputs[0]!], [[FOREIGN, 9_000n]])
    chain.calls.length = 0
    const again = await gatherSpendFacts({ chain, inputs: [inputs[0]!], rawTxs, synced })
    expect(chain.calls).toEqual([`outspend ${a}:0`])
    expect(again.ok && again.value.outspends.get(`${a}:0`)).toEqual({ spent: true, by, confirmed: false })
    // before the first sync nothing is taken for granted
    chain.calls.length = 0
    await gatherSpendFacts({ chain, inputs: [inputs[0]!], rawTxs, synced: { coins: synced.coins, history: [] } })
    expect(chain.calls.some(call => call.startsWith('tx '))).toBe(true)
  })

  it('asks nothing about what is none of this wallet, however much of it is named', async () => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    const foreign = Array.from({ length: 255 }, (_, i) => ({ txid: (i + 1).toString(16).padStart(64, '0'), vout: i }))
    const tip = chain.mine()
    chain.calls.length = 0
    const facts = await gatherSpendFacts({
      chain,
      inputs: [{ txid: a, vout: 0 }, ...foreign],
      synced: { tip, coins: [{ txid: a, vout: 0, height: 4 }], history: [{ txid: a }] },
    })
    expect(chain.calls).toEqual([`rawTx ${a}`, `outspend ${a}:0`])
    expect(facts.ok && [...facts.value.parents.keys()]).toEqual([a])
  })

  it.each(['tip', 'tx', 'rawTx', 'outspend'] as const)('an error of %s is the answer', async method => {
    const chain = createFakeChain({ blocks: 3 })
    const a = chain.fund(scriptAt(0, 0), 10_000n)
    chain.fail(down, { method })
    expect(await gatherSpendFacts({ chain, inputs: [{ txid: a, vout: 0 }] })).toEqual({ ok: false, error: down })
  })
})

describe('concurrently', () => {
  it('keeps the order and starts nothing after an error', async () => {
    expect(await concurrently([3, 1, 2], 2, async n => ok(n * 10))).toEqual(ok([30, 10, 20]))
    const started: number[] = []
    const done = await concurrently([1, 2, 3, 4, 5, 6], 2, async n => {
      started.push(n)
      await Promise.resolve()
      return n === 2 ? err('two') : ok(n)
    })
    expect(done).toEqual(err('two'))
    expect(started.length).toBeLessThan(5)
    expect(await concurrently([], 4, async () => ok(1))).toEqual(ok([]))
  })
})
