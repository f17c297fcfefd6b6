import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY_STATE } from '../../services/core/chain/state'
import { syncWallet } from '../../services/core/chain/sync'
import type { ScriptPlace } from '../../services/core/domain/ids'
import { rawTxid } from '../../services/core/domain/txid'
import { newWallet, pay, value } from './chain'
import { startDevnetHarness, type DevnetHarness } from './devnet-harness'

/**
 * The real adapter on the local chain's bad days. Patience and deadlines are tested under fake time in
 * tests/unit/esplora.
 */
describe('Esplora in trouble', () => {
  let h: DevnetHarness
  beforeAll(async () => {
    h = await startDevnetHarness()
  })
  afterAll(() => h.close())
  beforeEach(() => h.control('fault', { kind: 'clear' }))

  it.each(['429', '429-nocors', '500', '503'])('%s once is not noticed', async kind => {
    await h.control('fault', { kind, count: 1 })
    expect((await value(h.chain.tip())).height).toBeGreaterThan(0)
  })

  it('a page of HTML is a bad answer, and the next call is fine', async () => {
    await h.control('fault', { kind: 'html', count: 1 })
    expect(await h.chain.feeEstimates()).toMatchObject({ ok: false, error: { code: 'bad-answer' } })
    expect((await h.chain.feeEstimates()).ok).toBe(true)
  })

  it('a broadcast whose answer is lost is not sent again and has succeeded', async () => {
    const wallet = newWallet()
    const txid = await h.fund(wallet, 50_000n)
    await h.mine(1)
    const vout = (await value(h.chain.tx(txid)))?.vout.findIndex(out => out.script === wallet.script) ?? -1
    const raw = pay([{ wallet, txid, vout, sats: 50_000n }], [[newWallet(), 49_000n]])
    await h.control('fault', { kind: 'drop-reply', path: '/tx', count: 1 })
    expect(await value(h.chain.broadcast(raw))).toBe(rawTxid(raw))
    expect(await value(h.chain.outspend(txid, vout))).toMatchObject({ by: rawTxid(raw) })
  })

  it('a broadcast that the server would not take has failed', async () => {
    const wallet = newWallet()
    const txid = await h.fund(wallet, 50_000n)
    await h.mine(1)
    const vout = (await value(h.chain.tx(txid)))?.vout.findIndex(out => out.script === wallet.script) ?? -1
    const raw = pay([{ wallet, txid, vout, sats: 50_000n }], [[newWallet(), 49_000n]])
    await h.control('fault', { kind: '503', path: '/tx', count: 1 })
    expect(await h.chain.broadcast(raw)).toMatchObject({ ok: false, error: { code: 'server-error', retryable: true } })
    expect(await value(h.chain.outspend(txid, vout))).toMatchObject({ spent: false })
  })

  it('a server that does not move its tip shows no new blocks, and all of them when it does', async () => {
    const wallet = newWallet()
    const scripts = new Map<string, string>()
    const scriptAt = ({ branch, index }: ScriptPlace): string => {
      const script = scripts.get(`${branch}/${index}`) ?? (scripts.size === 0 ? wallet.script : newWallet().script)
      scripts.set(`${branch}/${index}`, script)
      return script
    }
    const scriptsAt = async (places: readonly ScriptPlace[]): Promise<string[]> => places.map(scriptAt)
    const first = await value(syncWallet({ chain: h.chain, scriptsAt, state: EMPTY_STATE }))
    await h.control('fault', { kind: 'stale-tip' })
    const txid = await h.fund(wallet, 50_000n)
    await h.mine(2)
    const late = await value(syncWallet({ chain: h.chain, scriptsAt, state: first.state }))
    expect(late).toMatchObject({ place: 'same', state: { tip: first.state.tip } })
    await h.control('fault', { kind: 'clear' })
    const moved = await value(syncWallet({ chain: h.chain, scriptsAt, state: late.state }))
    expect(moved).toMatchObject({ place: 'extended', state: { tip: { height: (first.state.tip?.height ?? 0) + 2 } } })
    expect(moved.state.txs.get(txid)?.confirmed).toBeDefined()
  })
})
