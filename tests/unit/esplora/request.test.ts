import { describe, expect, it } from 'vitest'
import { bare, BASE, hang, hash, json, rig, text, txJson, type Step } from './helpers'

const height: Step = text('7')
const ready =
  (step: Step): Step =>
  (path, init) =>
    path.startsWith('/block-height') ? text(hash(7))(path, init) : step(path, init)

describe('patience', () => {
  it.each([429, 500, 502, 503, 504])(
    'HTTP %i is asked again with growing waits of 0.25 to 8 s, then given up',
    async code => {
      const r = rig(text('busy', code))
      const done = await r.run(r.chain.tip())
      expect(done).toMatchObject({
        ok: false,
        error: { code: code === 429 ? 'rate-limited' : 'server-error', retryable: true },
      })
      expect(r.asked).toHaveLength(5)
      const waits = r.times.slice(1).map((time, i) => time - (r.times[i] ?? 0))
      expect(waits.every(wait => wait >= 250 && wait <= 8_000)).toBe(true)
      expect(new Set(waits).size).toBeGreaterThan(1)
      expect(r.clock.pending).toBe(0)
    },
  )

  it('a bare TypeError (429 without CORS headers) backs off the same way and recovers', async () => {
    const r = rig([bare, bare, height, text(hash(7))])
    expect(await r.run(r.chain.tip())).toEqual({ ok: true, value: { height: 7, hash: hash(7) } })
    expect(r.asked).toHaveLength(4)
    const gone = rig(bare)
    expect(await gone.run(gone.chain.tip())).toMatchObject({
      ok: false,
      error: { code: 'unreachable', retryable: true },
    })
    expect(gone.asked).toHaveLength(5)
  })

  it.each([301, 401, 403, 418])('HTTP %i is final', async code => {
    const r = rig(text('no', code))
    expect(await r.run(r.chain.tip())).toMatchObject({ ok: false, error: { code: 'server-error', retryable: false } })
    expect(r.asked).toHaveLength(1)
  })

  it('different clients wait differently', async () => {
    const a = rig(text('busy', 503))
    const b = rig(text('busy', 503), { entropy: { bytes: n => new Uint8Array(n).fill(255) } })
    await Promise.all([a.run(a.chain.tip()), b.run(b.chain.tip())])
    expect(a.times).not.toEqual(b.times)
    expect(Math.max(...b.times.slice(1).map((t, i) => t - (b.times[i] ?? 0)))).toBeLessThanOrEqual(8_000)
  })
})

describe('deadline', () => {
  it('cuts a server that hangs after 10 s, asks once more, and frees the connection', async () => {
    const r = rig(hang)
    const pending = r.chain.tip()
    await r.clock.advance(9_999)
    expect(r.asked).toHaveLength(1)
    expect(await r.run(pending)).toMatchObject({ ok: false, error: { code: 'unreachable' } })
    expect(r.asked).toHaveLength(2)
    expect(r.inits.every(init => init.signal?.aborted)).toBe(true)
    expect(r.clock.pending).toBe(0)
  })

  it('holds for the body too, and for a fetch that does not heed its signal', async () => {
    const endless: Step = () =>
      new Response(
        new ReadableStream({
          start(c) {
            c.enqueue(new Uint8Array([49]))
          },
        }),
      )
    for (const step of [endless, () => new Promise<Response>(() => undefined)]) {
      const r = rig(step)
      expect(await r.run(r.chain.tip())).toMatchObject({ ok: false, error: { code: 'unreachable' } })
    }
  })
})

describe('bounds', () => {
  it('has at most 4 requests out at once and serves all', async () => {
    let out = 0
    let most = 0
    const r = rig(
      ready(async () => {
        most = Math.max(most, ++out)
        await new Promise(resolve => setImmediate(resolve))
        out--
        return new Response('7')
      }),
    )
    const all = await r.run(Promise.all(Array.from({ length: 20 }, () => r.chain.tip())))
    expect(all.every(done => done.ok)).toBe(true)
    expect(most).toBe(4)
    const polite = rig(hang, { maxConcurrent: 2 })
    const waiting = Array.from({ length: 5 }, () => polite.chain.tip())
    await polite.clock.settle()
    expect(polite.asked).toHaveLength(2)
    await polite.run(Promise.all(waiting))
  })

  it('waiting for a retry does not keep others from being served', async () => {
    const r = rig(
      path =>
        new Response(path === '/fee-estimates' ? '{}' : 'busy', { status: path === '/fee-estimates' ? 200 : 503 }),
      { maxConcurrent: 1 },
    )
    const tip = r.chain.tip()
    await r.clock.settle()
    expect(await r.chain.feeEstimates()).toEqual({ ok: true, value: new Map() })
    await r.run(tip)
  })

  it('reads no more than it needs of an answer without end', async () => {
    let sent = 0
    let cancelled = false
    const r = rig(
      () =>
        new Response(
          new ReadableStream({
            pull(c) {
              sent += 1_000
              c.enqueue(new Uint8Array(1_000))
            },
            cancel() {
              cancelled = true
            },
          }),
        ),
    )
    expect(await r.run(r.chain.tip())).toMatchObject({ ok: false, error: { code: 'bad-answer' } })
    expect(r.asked).toHaveLength(1)
    expect(sent).toBeLessThan(10_000)
    expect(cancelled).toBe(true)
  })
})

describe('abort', () => {
  it.each(['before', 'in flight', 'in the queue', 'between tries'])(
    '%s gives aborted and leaves nothing behind',
    async when => {
      const r = rig(when === 'between tries' ? text('busy', 503) : hang, { maxConcurrent: 1 })
      const controller = new AbortController()
      const first = when === 'in the queue' ? r.chain.feeEstimates() : undefined
      if (when === 'before') controller.abort()
      const pending = r.chain.tip(controller.signal)
      await r.clock.settle()
      controller.abort()
      expect(await pending).toEqual({ ok: false, error: { code: 'aborted', detail: 'aborted', retryable: false } })
      expect(r.asked).toHaveLength(when === 'before' ? 0 : 1)
      if (first) expect(r.asked).toEqual(['GET /fee-estimates'])
      else expect(r.clock.pending).toBe(0)
      // the place is free again
      if (first) await r.run(first)
      void r.chain.tip()
      await r.clock.settle()
      expect(r.asked.at(-1)).toBe('GET /blocks/tip/height')
    },
  )
})

describe('simple requests', () => {
  it('GET has no headers, nothing is cached, no cookies go along; POST is text/plain', async () => {
    const r = rig(ready(height))
    await r.chain.tip()
    for (const init of r.inits) {
      expect(init.headers).toBeUndefined()
      expect(init).toMatchObject({ cache: 'no-store', credentials: 'omit' })
    }
    const posting = rig(text('no', 400), { faucet: `${BASE}/faucet` })
    await posting.run(posting.chain.faucet!('bcrt1q', 5n))
    expect(posting.inits[0]).toMatchObject({
      method: 'POST',
      body: '{"address":"bcrt1q","sats":5}',
      headers: { 'content-type': 'text/plain' },
    })
  })

  it('a slash at the end of the base does not matter', async () => {
    const r = rig(json(txJson(1)), { base: `${BASE}//` })
    await r.chain.tx(hash(1))
    expect(r.asked).toEqual([`GET /tx/${hash(1)}`])
  })
})
