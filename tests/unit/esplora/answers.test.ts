import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../services/core/domain/bytes'
import { rawTxid } from '../../../services/core/domain/txid'
import type { Result } from '../../../services/core/domain/result'
import type { ChainError } from '../../../services/ports/chain'
import { spend } from '../chain/helpers'
import { bare, BASE, hang, hash, json, rig, SCRIPT, status, text, TXS, txJson, type Rig, type Step } from './helpers'

const bad = { ok: false, error: { code: 'bad-answer' } }
const HTML = '<!doctype html><h1>One moment</h1>'

describe('answers are not believed', () => {
  const calls: Record<string, (r: Rig) => Promise<Result<unknown, ChainError>>> = {
    tip: r => r.chain.tip(),
    check: r => r.chain.check(hash(0)),
    blockHash: r => r.chain.blockHash(3),
    history: r => r.chain.history(SCRIPT),
    tx: r => r.chain.tx(hash(1)),
    rawTx: r => r.chain.rawTx(hash(1)),
    outspend: r => r.chain.outspend(hash(1), 0),
    feeEstimates: r => r.chain.feeEstimates(),
    broadcast: r => r.chain.broadcast(spend([{ txid: hash(3), vout: 0 }], [[SCRIPT, 1n]]).raw),
  }
  it.each(Object.entries(calls))('%s: a page of HTML is a bad answer', async (_name, call) => {
    const r = rig(text(HTML))
    expect(await r.run(call(r))).toMatchObject(bad)
  })

  it('no answer of any shape throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.json(), fc.string()),
        fc.constantFrom(...Object.values(calls)),
        async (body, call) => {
          const r = rig(text(body))
          const done = await r.run(call(r))
          expect(typeof done.ok).toBe('boolean')
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each<[string, Record<string, unknown>]>([
    ['other txid', { txid: hash(2) }],
    ['no hex', { txid: 'zz'.repeat(32) }],
    ['upper case', { txid: 'AB'.repeat(32) }],
    ['negative fee', { fee: -1 }],
    ['fractional fee', { fee: 0.5 }],
    ['fee above all coins', { fee: 3e15 }],
    ['text for a number', { weight: '500' }],
    ['no inputs', { vin: [] }],
    ['no outputs', { vout: [] }],
    ['status missing', { status: undefined }],
    ['confirmed without block', { status: { confirmed: true } }],
    ['height of text', { status: { ...(status(5) as object), block_height: '5' } }],
    ['amount above all coins', { vout: [{ scriptpubkey: SCRIPT, value: 21e14 + 1 }] }],
    ['amount beyond safe integers', { vout: [{ scriptpubkey: SCRIPT, value: 2 ** 60 }] }],
    ['script of half a byte', { vout: [{ scriptpubkey: '512', value: 1 }] }],
    ['output null', { vout: [null] }],
    ['sequence too large', { vin: [{ txid: hash(1), vout: 0, is_coinbase: false, sequence: 2 ** 32 }] }],
    ['prevout broken', { vin: [{ txid: hash(1), vout: 0, is_coinbase: false, sequence: 0, prevout: { value: 1 } }] }],
  ])('transaction with %s is a bad answer', async (_name, more) => {
    const r = rig(json(txJson(1, 5, more)))
    expect(await r.run(r.chain.tx(hash(1)))).toMatchObject(bad)
  })

  it('a transaction is taken into our own types', async () => {
    const r = rig(json(txJson(1, 5)))
    expect(await r.chain.tx(hash(1))).toEqual({
      ok: true,
      value: {
        txid: hash(1),
        feeSats: 500n,
        weight: 500,
        vin: [
          {
            txid: hash(9_999),
            vout: 1,
            coinbase: false,
            sequence: 0xfffffffd,
            prevoutScript: '0014' + '22'.repeat(20),
            prevoutSats: 2_000n,
          },
        ],
        vout: [{ script: SCRIPT, sats: 1_500n }],
        confirmed: { height: 5, hash: hash(5), time: 1_700_000_005 },
      },
    })
    const coinbase = rig(
      json(
        txJson(1, 5, {
          vin: [{ txid: hash(0), vout: 0xffffffff, prevout: null, is_coinbase: true, sequence: 0xffffffff }],
        }),
      ),
    )
    expect(await coinbase.chain.tx(hash(1))).toMatchObject({ ok: true, value: { vin: [{ coinbase: true }] } })
  })
})

describe('tip and network', () => {
  it('reads the height first and asks again when that block has just gone', async () => {
    const r = rig([text('9'), text('Block not found', 404), text('8'), text(hash(8))])
    expect(await r.chain.tip()).toEqual({ ok: true, value: { height: 8, hash: hash(8) } })
    expect(r.asked).toEqual([
      'GET /blocks/tip/height',
      'GET /block-height/9',
      'GET /blocks/tip/height',
      'GET /block-height/8',
    ])
  })

  it('gives no hash above the tip', async () => {
    expect(await rig(text('Block not found', 404)).chain.blockHash(99)).toEqual({ ok: true, value: undefined })
  })

  it('tells another network by its genesis', async () => {
    const r = rig(path => new Response(path === '/blocks/tip/height' ? '4' : hash(path === '/block-height/0' ? 77 : 4)))
    expect(await r.chain.check(hash(77))).toEqual({ ok: true, value: { height: 4, hash: hash(4) } })
    expect(await r.chain.check(hash(78))).toMatchObject({
      ok: false,
      error: { code: 'wrong-network', retryable: false },
    })
  })
})

describe('history', () => {
  const range = (
    from: number,
    to: number,
    height = (n: number): number | undefined => 1_000 - n,
  ): Array<Record<string, unknown>> => Array.from({ length: to - from }, (_, i) => txJson(from + i, height(from + i)))
  const paged = (first: unknown[], rest: readonly unknown[][]): Step[] => [json(first), ...rest.map(p => json(p))]

  it('asks by the hash of the script, not by an address', async () => {
    const r = rig(json([]))
    expect(await r.chain.history(SCRIPT)).toEqual({ ok: true, value: [] })
    expect(r.asked).toEqual([`GET ${TXS}`])
  })

  it('50 unconfirmed and 25 confirmed, then pages of 25 until a short one', async () => {
    const r = rig(paged([...range(0, 50, () => undefined), ...range(50, 75)], [range(75, 100), range(100, 110)]))
    const done = await r.chain.history(SCRIPT)
    expect(done.ok && done.value.length).toBe(110)
    expect(r.asked).toEqual([`GET ${TXS}`, `GET ${TXS}/chain/${hash(74)}`, `GET ${TXS}/chain/${hash(99)}`])
  })

  it('50 in all: what is confirmed begins on the next page, and double entries count once', async () => {
    const full = rig(
      paged(
        range(0, 50, () => undefined),
        [range(50, 75), []],
      ),
    )
    expect(await full.chain.history(SCRIPT)).toMatchObject({ ok: true, value: { length: 75 } })
    expect(full.asked[1]).toBe(`GET ${TXS}/chain`)
    const doubled = rig(paged([...range(0, 20, () => undefined), ...range(20, 50)], [range(40, 65), range(65, 66)]))
    const done = await doubled.chain.history(SCRIPT)
    expect(done.ok && done.value.map(t => t.txid)).toEqual(range(0, 66).map(t => t.txid))
  })

  it('a transaction that is mined between two pages is confirmed', async () => {
    const r = rig(paged([...range(0, 1, () => undefined), ...range(1, 26)], [range(0, 1, () => 5_000)]))
    const done = await r.chain.history(SCRIPT)
    expect(done.ok && done.value.filter(t => t.txid === hash(0))).toMatchObject([{ confirmed: { height: 5_000 } }])
  })

  it('a server that repeats its pages for ever, or lists what is not ours, is not believed', async () => {
    const r = rig(json(range(0, 25)))
    expect(await r.chain.history(SCRIPT)).toMatchObject(bad)
    expect(r.asked.length).toBeLessThan(4)
    let n = 0
    const endless = rig(() => {
      n += 25
      return new Response(JSON.stringify(range(n, n + 25, () => 5)))
    })
    expect(await endless.chain.history(SCRIPT)).toMatchObject(bad)
    const foreign = rig(json([txJson(1, 5, { vout: [{ scriptpubkey: '6a', value: 0 }] })]))
    expect(await foreign.chain.history(SCRIPT)).toMatchObject(bad)
  })

  it('a failing page fails the whole', async () => {
    const r = rig([json(range(0, 25)), text('busy', 503)])
    expect(await r.run(r.chain.history(SCRIPT))).toMatchObject({ ok: false, error: { code: 'server-error' } })
  })
})

describe('transactions', () => {
  const { raw, txid } = spend([{ txid: hash(3), vout: 0 }], [[SCRIPT, 1_000n]])
  const bytes =
    (value: Uint8Array): Step =>
    () =>
      new Response(value.slice())

  it('is gone when it is unknown twice', async () => {
    const gone = rig(text('Transaction not found', 404))
    expect(await gone.chain.tx(txid)).toEqual({ ok: true, value: undefined })
    expect(gone.asked).toHaveLength(2)
    expect(await rig([text('', 404), json(txJson(1))]).chain.tx(hash(1))).toMatchObject({
      ok: true,
      value: { txid: hash(1) },
    })
  })

  it('raw bytes must hash to the txid, witness or not', async () => {
    expect(await rig(bytes(raw)).chain.rawTx(txid)).toEqual({ ok: true, value: raw })
    const changed = raw.slice()
    changed[45] = (changed[45] ?? 0) ^ 1
    expect(await rig(bytes(changed)).chain.rawTx(txid)).toMatchObject(bad)
    expect(await rig(bytes(raw.slice(0, -1))).chain.rawTx(txid)).toMatchObject(bad)
    expect(await rig(text('', 404)).chain.rawTx(txid)).toEqual({ ok: true, value: undefined })
  })

  it('outspend: unspent, spent, confirmed', async () => {
    expect(await rig(json({ spent: false })).chain.outspend(txid, 1)).toEqual({
      ok: true,
      value: { spent: false, confirmed: false },
    })
    expect(await rig(json({ spent: true, txid: hash(4), vin: 0, status: status(8) })).chain.outspend(txid, 1)).toEqual({
      ok: true,
      value: { spent: true, by: hash(4), confirmed: true },
    })
    expect(await rig(json({ spent: true })).chain.outspend(txid, 1)).toMatchObject(bad)
  })

  it('fees: at least 1 sat/vB, none is allowed, nonsense is not', async () => {
    expect(await rig(json({ 1: 12.5, 6: 0.4, 1008: 1 })).chain.feeEstimates()).toEqual({
      ok: true,
      value: new Map([
        [1, 12.5],
        [6, 1],
        [1008, 1],
      ]),
    })
    expect(await rig(json({})).chain.feeEstimates()).toEqual({ ok: true, value: new Map() })
    for (const value of [{ 1: '5' }, { 1: 1e9 }, { x: 1 }, { 1: -1 }, [5], null])
      expect(await rig(json(value)).chain.feeEstimates()).toMatchObject(bad)
  })
})

describe('broadcast', () => {
  const { raw, txid } = spend([{ txid: hash(3), vout: 0 }], [[SCRIPT, 1_000n]])
  const rpc = (code: number, message: string): Step =>
    text(`sendrawtransaction RPC error: {"code":${code},"message":"${message}"}`, 400)

  it('sends hex as text/plain', async () => {
    const r = rig(text(txid))
    expect(await r.chain.broadcast(raw)).toEqual({ ok: true, value: txid })
    expect(r.inits[0]).toMatchObject({ method: 'POST', body: toHex(raw), headers: { 'content-type': 'text/plain' } })
  })

  it.each([
    'txn-already-in-mempool',
    'txn-already-known',
    'Transaction already in block chain',
    'Transaction outputs already in utxo set',
  ])('%s is success', async message => {
    const r = rig(rpc(-27, message))
    expect(await r.chain.broadcast(raw)).toEqual({ ok: true, value: txid })
    expect(r.asked).toEqual(['POST /tx'])
  })

  it.each(['txn-mempool-conflict', 'min relay fee not met, 10 < 20', 'bad-txns-inputs-missingorspent'])(
    '%s is a refusal with its reason, after a look for the txid',
    async message => {
      const r = rig([rpc(-26, message), text('', 404)])
      expect(await r.chain.broadcast(raw)).toEqual({
        ok: false,
        error: { code: 'rejected', detail: message, retryable: false },
      })
      expect(r.asked).toEqual(['POST /tx', `GET /tx/${txid}`])
    },
  )

  it('inputs are missing because the payment itself has spent them: success', async () => {
    const r = rig([rpc(-25, 'bad-txns-inputs-missingorspent'), json(txJson(0, 5, { txid }))])
    expect(await r.chain.broadcast(raw)).toEqual({ ok: true, value: txid })
  })

  it.each([
    ['no answer', bare],
    ['busy', text('', 503)],
    ['too many', text('', 429)],
    ['a hang', hang],
    ['HTML', text(HTML)],
  ] as const)('%s: never sent twice; the txid decides', async (_name, step) => {
    const lost = rig([step, text('', 404)])
    expect(await lost.run(lost.chain.broadcast(raw))).toMatchObject({ ok: false })
    const arrived = rig([step, json(txJson(0, undefined, { txid }))])
    expect(await arrived.run(arrived.chain.broadcast(raw))).toEqual({ ok: true, value: txid })
    for (const r of [lost, arrived]) expect(r.asked).toEqual(['POST /tx', `GET /tx/${txid}`])
  })

  it('bytes that are no transaction are not sent, another txid is not believed', async () => {
    const r = rig(text(hash(5)))
    expect(await r.chain.broadcast(raw.slice(1))).toMatchObject({ ok: false, error: { code: 'rejected' } })
    expect(r.asked).toEqual([])
    const liar = rig([text(hash(5)), text('', 404)])
    expect(await liar.chain.broadcast(raw)).toMatchObject(bad)
  })
})

describe('faucet', () => {
  it('is there only when configured, is asked once, and its refusal is a sentence', async () => {
    expect(rig(text('')).chain.faucet).toBeUndefined()
    const paid = rig(json({ txid: hash(6), height: 3 }), { faucet: `${BASE}/dev/faucet` })
    expect(await paid.chain.faucet!('bcrt1qx', 5_000n)).toEqual({ ok: true, value: hash(6) })
    const denied = rig(text('{"error":"dry"}', 400), { faucet: `${BASE}/dev/faucet` })
    expect(await denied.chain.faucet!('bcrt1qx', 5_000n)).toMatchObject({ ok: false, error: { code: 'rejected' } })
    const busy = rig(text('', 503), { faucet: `${BASE}/dev/faucet` })
    expect(await busy.run(busy.chain.faucet!('bcrt1qx', 5_000n))).toMatchObject({
      ok: false,
      error: { code: 'server-error' },
    })
    expect(busy.asked).toHaveLength(1)
  })
})

describe('txid of raw bytes', () => {
  const { raw, txid } = spend(
    [
      { txid: hash(3), vout: 0 },
      { txid: hash(4), vout: 7 },
    ],
    [
      [SCRIPT, 1_000n],
      ['6a', 0n],
    ],
  )

  it('is that of the transaction without its witness', () => {
    expect(rawTxid(raw)).toBe(txid)
  })

  it('ends on any bytes, and any cut or addition is none', () => {
    for (let cut = 0; cut < raw.length; cut++) expect(rawTxid(raw.slice(0, cut))).toBeUndefined()
    expect(rawTxid(new Uint8Array([...raw, 0]))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), junk => {
        rawTxid(junk)
      }),
    )
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(255), (at, value) => {
        const changed = raw.slice()
        changed[at] = value
        rawTxid(changed)
      }),
    )
  })
})
