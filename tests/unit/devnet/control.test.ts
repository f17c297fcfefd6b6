import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyOf, spend, testNet, type TestNet } from './support'

const alice = keyOf(71)
const bob = keyOf(72)
let net: TestNet
beforeEach(async () => {
  net = await testNet()
})
afterEach(() => net.close())

describe('control calls', () => {
  it('mines to an address or to the faucet', async () => {
    const mined = JSON.parse((await net.dev('mine', { blocks: 3, address: alice.address })).text) as {
      height: number
      tip: string
      blocks: string[]
    }
    expect(mined.height).toBe(113)
    expect(mined.blocks.at(-1)).toBe((await net.get('/blocks/tip/hash')).text)
    expect(await net.json<unknown[]>(`/address/${alice.address}/utxo`)).toHaveLength(3)
    expect(JSON.parse((await net.dev('mine')).text)).toMatchObject({ height: 114 })
    expect(await net.json('/dev/info')).toMatchObject({
      network: 'regtest',
      height: 114,
      mempool: 0,
      autoMineMs: null,
      faults: [],
    })
  })

  it('pays from the faucet: mined at once, or left waiting', async () => {
    const first = await net.dev('faucet', { address: alice.address, sats: 100_000 })
    expect(first.status).toBe(200)
    const { txid } = JSON.parse(first.text) as { txid: string }
    expect(await net.json(`/tx/${txid}/status`)).toMatchObject({ confirmed: true, block_height: 111 })
    const second = JSON.parse(
      (await net.dev('faucet', { address: alice.address, sats: 100_000, mine: false })).text,
    ) as { txid: string }
    expect(await net.json(`/tx/${second.txid}/status`)).toEqual({ confirmed: false })
  })

  it('reads JSON whatever the content type', async () => {
    for (const type of ['text/plain', 'application/json', 'application/octet-stream']) {
      const body = JSON.stringify({ address: alice.address, sats: 1_000, mine: false })
      const response = await fetch(`${net.url}/dev/faucet`, { method: 'POST', headers: { 'content-type': type }, body })
      expect(response.status, type).toBe(200)
    }
  })

  it('says in a sentence what is wrong, and does nothing', async () => {
    const cases: readonly [string, unknown, RegExp][] = [
      ['mine', '{', /must be JSON/],
      ['mine', '[]', /must be a JSON object/],
      ['mine', { blocks: 0 }, /"blocks" must be a whole number from 1 to 1000/],
      ['mine', { blocks: 1.5 }, /"blocks"/],
      ['mine', { blocks: '1' }, /"blocks"/],
      ['mine', { block: 1 }, /Unknown field "block"/],
      [
        'mine',
        { address: 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq' },
        /"address" must be an address of the local chain/,
      ],
      ['faucet', { sats: 1_000 }, /"address"/],
      ['faucet', { address: alice.address }, /"sats"/],
      ['faucet', { address: alice.address, sats: 329 }, /"sats" must be a whole number from 330/],
      ['faucet', { address: alice.address, sats: 1_000, mine: 'no' }, /"mine" must be true or false/],
      ['faucet', { address: alice.address, sats: 2_000_000_000_000 }, /too few coins/],
      ['fault', { kind: 'flood' }, /"kind" must be one of/],
      ['fault', { kind: '500', path: 'tx' }, /"path" must begin with a slash/],
      ['fault', { kind: '500', count: 0 }, /"count"/],
      ['reorg', {}, /"depth"/],
      ['reorg', { depth: 1, keepTxs: 1 }, /"keepTxs"/],
    ]
    for (const [call, body, sentence] of cases) {
      const got = await net.dev(call, body)
      expect(got.status, `${call} ${JSON.stringify(body)}`).toBe(400)
      expect((JSON.parse(got.text) as { error: string }).error).toMatch(sentence)
    }
    expect(await net.json('/dev/info')).toMatchObject({ height: 110, mempool: 0, faults: [] })
    expect((await net.dev('nothing')).status).toBe(404)
  })

  it('mines by itself after a broadcast, when told to', async () => {
    const quick = await testNet({ autoMineMs: 1 })
    const coin = await quick.fund(alice, 100_000)
    const { text } = await quick.send(
      spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats: 99_000 }] }),
    )
    await expect
      .poll(async () => quick.json(`/tx/${text}/status`), { timeout: 60_000, interval: 5 })
      .toMatchObject({ confirmed: true })
    await quick.close()
  })

  it('takes the next port when one is taken', async () => {
    const other = await testNet({ port: net.port })
    expect(other.port).toBeGreaterThan(net.port)
    await other.close()
    await other.close()
  })
})

describe('faults', () => {
  const HEIGHT = '/blocks/tip/height'
  const fault = async (body: unknown): Promise<void> => {
    expect((await net.dev('fault', body)).status).toBe(200)
  }

  it.each([
    ['429', 429],
    ['500', 500],
    ['503', 503],
  ])('%s strikes as often as told', async (kind, status) => {
    await fault({ kind, count: 2 })
    for (let i = 0; i < 2; i += 1) {
      const got = await net.get(HEIGHT)
      expect(got.status).toBe(status)
      expect(got.headers.get('access-control-allow-origin')).toBe('*')
    }
    expect((await net.get(HEIGHT)).status).toBe(200)
  })

  it('429-nocors has no CORS header, and kinds may be numbers', async () => {
    await fault({ kind: '429-nocors', count: 1 })
    const got = await net.get(HEIGHT)
    expect(got.status).toBe(429)
    expect(got.headers.get('access-control-allow-origin')).toBeNull()
    await fault({ kind: 429, count: 1 })
    expect((await net.get(HEIGHT)).headers.get('access-control-allow-origin')).toBe('*')
  })

  it('html answers 200 with a page', async () => {
    await fault({ kind: 'html', path: '/tx', count: 1 })
    expect((await net.get(HEIGHT)).status).toBe(200)
    const got = await net.get(`/tx/${'00'.repeat(32)}`)
    expect([got.status, got.headers.get('content-type'), got.text.startsWith('<!doctype html>')]).toEqual([
      200,
      'text/html',
      true,
    ])
  })

  it('hang answers nothing, and does nothing, until the caller goes', async () => {
    const coin = await net.fund(alice, 10_000)
    await fault({ kind: 'hang', path: '/tx', count: 1 })
    const caller = new AbortController()
    const raw = Buffer.from(
      spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats: 9_000 }] }),
    ).toString('hex')
    const outcome = fetch(`${net.url}/tx`, { method: 'POST', body: raw, signal: caller.signal }).then(
      () => 'answered',
      () => 'aborted',
    )
    await expect
      .poll(async () => (await net.json<{ faults: unknown[] }>('/dev/info')).faults, { timeout: 60_000, interval: 5 })
      .toEqual([])
    expect(await net.json('/mempool/txids')).toEqual([])
    caller.abort()
    expect(await outcome).toBe('aborted')
  })

  it('drop-reply does the work and loses the answer', async () => {
    const coin = await net.fund(alice, 10_000)
    await fault({ kind: 'drop-reply', path: '/tx', count: 1 })
    const raw = spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats: 9_000 }] })
    await expect(net.send(raw)).rejects.toThrow()
    const [txid] = await net.json<string[]>('/mempool/txids')
    expect(await net.send(raw)).toMatchObject({ status: 200, text: txid })
  })

  it('stale-tip shows the tip of the moment it was set, and clear ends it', async () => {
    const before = [(await net.get(HEIGHT)).text, (await net.get('/blocks/tip/hash')).text]
    await fault({ kind: 'stale-tip' })
    await net.dev('mine', { blocks: 2 })
    expect([(await net.get(HEIGHT)).text, (await net.get('/blocks/tip/hash')).text]).toEqual(before)
    expect((await net.get('/block-height/112')).status).toBe(200)
    await fault({ kind: 'clear' })
    expect((await net.get(HEIGHT)).text).toBe('112')
  })

  it('strikes by path, with * for one part, and never the control calls', async () => {
    await fault({ kind: '500', path: '/address/*/txs' })
    await fault({ kind: '503', path: '/fee-estimates' })
    expect((await net.get(`/address/${alice.address}/txs`)).status).toBe(500)
    expect((await net.get(`/address/${alice.address}/txs/chain`)).status).toBe(500)
    expect((await net.get(`/address/${alice.address}/utxo`)).status).toBe(200)
    expect((await net.get('/fee-estimates')).status).toBe(503)
    await fault({ kind: '500' })
    expect(await net.json('/dev/info')).toMatchObject({
      faults: [{ kind: '500', path: '/address/*/txs' }, { kind: '503', path: '/fee-estimates' }, { kind: '500' }],
    })
  })
})
