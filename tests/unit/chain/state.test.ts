import fc from 'fast-check'
import { decode, encode } from 'cborg'
import { describe, expect, it } from 'vitest'
import { decodeChainState, EMPTY_STATE, encodeChainState } from '../../../services/core/chain/state'
import { nextPollMs } from '../../../services/core/chain/poll'
import { createFakeChain } from '../../fakes/chain'
import { FOREIGN, scriptAt, send, sync } from './helpers'

async function example(): Promise<typeof EMPTY_STATE> {
  const chain = createFakeChain({ blocks: 3 })
  const a = chain.fund(scriptAt(0, 0), 10_000n)
  chain.mine(1, scriptAt(0, 1))
  await send(
    chain,
    [{ txid: a, vout: 0 }],
    [
      [FOREIGN, 3_000n],
      [scriptAt(1, 0), 6_500n],
    ],
  )
  return (await sync(chain)).state
}

describe('stored chain state', () => {
  it('comes back as it was', async () => {
    const state = await example()
    expect(decodeChainState(encodeChainState(state))).toEqual(state)
    expect(decodeChainState(encodeChainState(EMPTY_STATE))).toEqual(EMPTY_STATE)
  })

  it('is refused when it is of another version, cut, or names a transaction that it does not hold', async () => {
    const bytes = encodeChainState(await example())
    const parts = decode(bytes) as unknown[]
    expect(decodeChainState(encode([2, ...parts.slice(1)]))).toBeUndefined()
    expect(decodeChainState(encode([...parts, 0]))).toBeUndefined()
    expect(decodeChainState(encode(parts.map((part, i) => (i === 4 ? [] : part))))).toBeUndefined()
    for (let cut = 0; cut < bytes.length; cut += 7) expect(decodeChainState(bytes.slice(0, cut))).toBeUndefined()
  })

  it('never throws, whatever the bytes', async () => {
    const bytes = encodeChainState(await example())
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), junk => {
        decodeChainState(junk)
      }),
    )
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = bytes.slice()
        changed[at] = value
        const state = decodeChainState(changed)
        if (state) encodeChainState(state)
      }),
      { numRuns: 500 },
    )
  })
})

describe('poll pace', () => {
  it('is 15 s, less on the local chain, least while something waits there, and more in trouble', () => {
    expect(nextPollMs({ local: false, unconfirmed: true, failures: 0 })).toBe(15_000)
    const lively = nextPollMs({ local: true, unconfirmed: true, failures: 0 })
    expect(lively).toBeGreaterThanOrEqual(2_000)
    expect(lively).toBeLessThanOrEqual(3_000)
    const calm = nextPollMs({ local: true, unconfirmed: false, failures: 0 })
    expect(calm).toBeGreaterThan(lively)
    expect(calm).toBeLessThanOrEqual(15_000)
    const waits = [0, 1, 2, 3, 4, 5, 99].map(failures => nextPollMs({ local: false, unconfirmed: false, failures }))
    expect(waits).toEqual([15_000, 15_000, 30_000, 60_000, 120_000, 120_000, 120_000])
  })
})
