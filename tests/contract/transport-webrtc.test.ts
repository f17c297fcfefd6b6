import { chromium, type Browser, type Page as Tab } from '@playwright/test'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startRelay, type RunningRelay } from '../../relay/server'
import type { AttemptFact } from '../../services/core/domain/diagnostics'
import { LIMITS } from '../../services/core/wire/limits'
import { fakePeer } from '../fakes/peers'
import { findChromium, launchOptions } from '../support/chromium'
import { requireOrSkip } from '../support/require'
import type { Page } from './webrtc-page'

/** WebRTC dials in a row, none of which may fail; the long test sets 60. */
const DIALS = Number(process.env.TANDEM_DIALS ?? '6')
/**
 * milliseconds between two of more than may come at once: one peer's calls are taken five times a second,
 * docs/protocol.md section 12
 */
const PACE_MS = DIALS > 20 ? 220 : 0

const browserPath = findChromium()
const skip =
  requireOrSkip(
    'chromium',
    browserPath !== undefined,
    'no Chromium found: set CHROMIUM_PATH or run npx playwright install chromium',
  ) ||
  requireOrSkip(
    'webrtc',
    Object.values(networkInterfaces())
      .flat()
      .some(i => i?.internal === false),
    'two browsers need a network interface besides lo for ICE',
  )

/**
 * The adapter in two Chromium processes with a relay here: a real ICE, real data channels, real closed and killed
 * browsers.
 */
describe.skipIf(skip)('Transport: libp2p over WebRTC between two browsers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-page-'))
  let relay: RunningRelay
  let server: Server
  let a: Side
  let b: Side

  interface Side {
    readonly browser: Browser
    readonly tab: Tab
    readonly peerId: string
  }

  beforeAll(async () => {
    await build({
      configFile: false,
      logLevel: 'error',
      root: fileURLToPath(new URL('.', import.meta.url)),
      build: {
        outDir: folder,
        emptyOutDir: true,
        minify: false,
        target: 'es2023',
        rollupOptions: {
          input: fileURLToPath(new URL('webrtc-page.ts', import.meta.url)),
          output: { entryFileNames: 'page.js' },
        },
      },
    })
    server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? '/', 'http://x').pathname)
      if (path === '/')
        return response
          .setHeader('content-type', 'text/html')
          .end('<!doctype html><script type="module" src="/page.js"></script>')
      try {
        const body = readFileSync(join(folder, path))
        response.setHeader('content-type', 'text/javascript').end(body)
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve)
    })
    relay = await startRelay({ host: '127.0.0.1', port: 0 })
    ;[a, b] = await Promise.all([open(), open()])
  }, 120_000)

  afterAll(async () => {
    await Promise.all([a, b].map(side => side?.browser.close()))
    await relay?.close()
    server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(flags: readonly string[] = []): Promise<Side> {
    const options = launchOptions(browserPath ?? '')
    const browser = await chromium.launch({ ...options, args: [...(options.args ?? []), ...flags] })
    const tab = await browser.newPage()
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await tab.waitForFunction(() => 'page' in globalThis)
    const peerId = await tab.evaluate(([seed, relays]) => page.start(seed, relays), [
      [...randomBytes(32)],
      relay.addrs,
    ] as const)
    await tab.waitForFunction(() => page.addresses().some(address => address.includes('/webrtc')))
    return { browser, tab, peerId }
  }

  const addressOf = (side: Side, webrtc: boolean): Promise<string> =>
    side.tab.evaluate(wanted => page.addresses().find(address => address.includes('/webrtc') === wanted) ?? '', webrtc)
  const dial = async (webrtc = true): ReturnType<Page['dial']> =>
    a.tab.evaluate(([id, address]) => page.dial(id, address, 30_000), [b.peerId, await addressOf(b, webrtc)] as const)

  async function apart(): Promise<void> {
    await a.tab.evaluate(id => page.closeAll(id), b.peerId)
    await b.tab.waitForFunction(id => page.connections(id).length === 0, a.peerId)
  }

  it('dials through relay, SDP and ICE, and both sides call it webrtc', async () => {
    const { link, steps, error } = await dial()
    expect(error).toBeUndefined()
    expect(steps).toEqual(['relay', 'sdp', 'ice'])
    expect(link).toMatchObject({ peerId: b.peerId, kind: 'webrtc', direction: 'outbound' })
    const kinds = (side: Side, other: Side): Promise<string[]> =>
      side.tab.evaluate(id => page.connections(id).map(c => c.kind), other.peerId)
    expect((await kinds(a, b))[0]).toBe('webrtc')
    await b.tab.waitForFunction(id => page.connections(id)[0]?.kind === 'webrtc', a.peerId)
    const id = link?.id ?? ''
    const sizes = [0, 1, 16_384, LIMITS.frameBytes]
    expect(await a.tab.evaluate(([i, s]) => page.echo(i, s), [id, sizes] as const)).toEqual(sizes)
    expect(await a.tab.evaluate(i => page.ping(i, 2_000), id)).toBeLessThan(2_000)
    expect(await a.tab.evaluate(i => page.stats(i), id)).toMatchObject({ kind: 'webrtc', localProtocol: 'udp' })
    // the browser refreshes its own counters now and then, not at each byte
    await vi.waitFor(
      async () => expect((await a.tab.evaluate(i => page.stats(i), id)).bytesSent).toBeGreaterThan(LIMITS.frameBytes),
      { timeout: 10_000 },
    )
  }, 60_000)

  // one test's connections are not the next one's, whatever became of it
  afterEach(apart, 30_000)

  it('tells candidates, ICE and DTLS of a dial on both sides, in their order, and no address', async () => {
    const before = await b.tab.evaluate(() => page.events().length)
    const { facts } = await dial()
    const steps = (of: readonly AttemptFact[]): string[] =>
      of
        .flatMap(f => (f.type === 'step' ? [f.step] : f.type === 'open' ? ['open'] : []))
        .filter((s, i, all) => all.indexOf(s) === i)
    expect(steps(facts)).toEqual(['sdp', 'ice', 'dtls', 'open'])
    const udp = (of: readonly AttemptFact[], side: string): boolean =>
      of.some(f => f.type === 'candidate' && f.side === side && f.candidate.protocol === 'udp')
    expect(udp(facts, 'local')).toBe(true)
    await b.tab.waitForFunction(
      from =>
        page
          .events()
          .slice(from)
          .some(e => e.type === 'answering' && e.fact.type === 'open'),
      before,
    )
    const answered = (await b.tab.evaluate(from => page.events().slice(from), before)).flatMap(e =>
      e.type === 'answering' ? [e] : [],
    )
    expect(steps(answered.map(e => e.fact))).toEqual(['sdp', 'ice', 'dtls', 'open'])
    // one side's candidate is enough for both to meet, and the other's may then come too late
    expect([
      udp(facts, 'remote'),
      udp(
        answered.map(e => e.fact),
        'remote',
      ),
    ]).toContain(true)
    expect(new Set(answered.map(e => e.peerId))).toEqual(new Set([a.peerId]))
    expect(JSON.stringify([facts, answered])).not.toMatch(/\d+\.\d+\.\d+\.\d+|\.local/)
  }, 60_000)

  it('with relay only makes no offer and gives no answer, and goes on over the relay', async () => {
    const direct = await dial()
    expect(direct.link?.kind).toBe('webrtc')
    const address = await addressOf(b, true)
    const before = await b.tab.evaluate(() => page.events().length)
    await b.tab.evaluate(() => page.setIce({ servers: [], relayOnly: true }))
    // the circuit that carried the offer shows no address and stays
    expect(await b.tab.evaluate(id => page.connections(id).filter(c => c.kind !== 'relay'), a.peerId)).toEqual([])
    expect(await b.tab.evaluate(() => page.addresses().filter(x => x.includes('/webrtc')))).toEqual([])
    await a.tab.waitForFunction(id => page.connections(id).every(c => c.kind === 'relay'), b.peerId)
    const refused = await a.tab.evaluate(([id, where]) => page.dial(id, where, 30_000), [b.peerId, address] as const)
    expect(refused.error).toBeDefined()
    const own = await b.tab.evaluate(([id, where]) => page.dial(id, where, 30_000), [
      a.peerId,
      await addressOf(a, true),
    ] as const)
    expect(own).toMatchObject({ steps: [], facts: [], error: expect.stringContaining('DialDenied') as string })
    expect(
      (await b.tab.evaluate(from => page.events().slice(from), before)).filter(e => e.type === 'answering'),
    ).toEqual([])
    expect((await dial(false)).link?.kind).toBe('relay')
    await b.tab.evaluate(() => page.setIce({ servers: [], relayOnly: false }))
    expect((await dial()).link?.kind).toBe('webrtc')
  }, 60_000)

  it('tries WebRTC within one browser, and through a TURN server that is not there in vain', async () => {
    const alone = await a.tab.evaluate(() => page.probeRtc({ servers: [], relayOnly: false }, 20_000))
    expect(alone).toMatchObject({ connected: true })
    expect(alone?.candidates.map(c => c.kind)).toContain(alone?.candidates[0]?.kind === 'mdns' ? 'mdns' : 'host')
    const turn = { url: 'turn:127.0.0.1:9?transport=udp', username: 'ann', credential: 'secret' }
    expect(await a.tab.evaluate(given => page.probeRtc({ servers: [given], relayOnly: true }, 20_000), turn)).toEqual({
      candidates: [],
      connected: false,
    })
  }, 60_000)

  it('keeps a relayed connection apart from a WebRTC one, the better first', async () => {
    const relayed = await dial(false)
    expect(relayed.link?.kind).toBe('relay')
    const direct = await dial()
    expect(direct.link?.kind).toBe('webrtc')
    expect(await a.tab.evaluate(id => page.connections(id).map(c => c.kind), b.peerId)).toEqual(['webrtc', 'relay'])
    expect(await a.tab.evaluate(([i, s]) => page.echo(i, s), [relayed.link?.id ?? '', [5]] as const)).toEqual([5])
  }, 60_000)

  it(
    `makes ${DIALS} WebRTC dials in a row without a failure`,
    async () => {
      const took: number[] = []
      for (let i = 0; i < DIALS; i++) {
        const { link, error, ms } = await dial()
        expect(error, `dial ${i + 1}`).toBeUndefined()
        expect(link?.kind).toBe('webrtc')
        expect(await a.tab.evaluate(id => page.ping(id, 2_000), link?.id ?? '')).toBeTypeOf('number')
        took.push(ms)
        await apart()
        await new Promise(resolve => {
          setTimeout(resolve, PACE_MS)
        })
      }
      took.sort((x, y) => x - y)
      process.stderr.write(
        `WebRTC dials: ${DIALS}, failures 0, median ${Math.round(took[DIALS >> 1] ?? 0)} ms, slowest ${Math.round(took.at(-1) ?? 0)} ms\n`,
      )
    },
    60_000 + DIALS * 10_000,
  )

  it('counts the lines that were made, at both ends, and none for a dial that dies at the relay', async () => {
    const lines = (): Promise<number[]> =>
      Promise.all([a, b].map(side => side.tab.evaluate(() => page.peerConnectionsMade())))
    const [mine = 0, theirs = 0] = await lines()
    expect((await dial()).link?.kind).toBe('webrtc')
    expect(await lines()).toEqual([mine + 1, theirs + 1])
    const nobody = fakePeer('nobody').peerId
    const address = (await addressOf(b, true)).replace(b.peerId, nobody)
    expect(
      (await a.tab.evaluate(([id, where]) => page.dial(id, where, 10_000), [nobody, address] as const)).error,
    ).toContain('NO_RESERVATION')
    expect(await lines()).toEqual([mine + 1, theirs + 1])
  }, 60_000)

  it('a browser that may not use UDP opens no direct line, says so, and is reached through the relay', async () => {
    // the policy by which administrators forbid WebRTC to go round a proxy: no candidate is left
    const c = await open(['--webrtc-ip-handling-policy=disable_non_proxied_udp'])
    try {
      const [direct, relayed] = await Promise.all([addressOf(c, true), addressOf(c, false)])
      expect(
        await a.tab.evaluate(([id, where]) => page.verdict(id, where, 8_000), [c.peerId, direct] as const),
      ).toMatchObject({ type: 'webrtc_failed', retryable: true, step: 'ice' })
      expect(
        (await a.tab.evaluate(([id, where]) => page.dial(id, where, 30_000), [c.peerId, relayed] as const)).link?.kind,
      ).toBe('relay')
    } finally {
      await c.browser.close()
    }
  }, 60_000)

  it('a killed browser stops answering pings and is NO_RESERVATION when dialled', async () => {
    const { link } = await dial()
    const address = await addressOf(b, true)
    await b.browser.close()
    expect(await a.tab.evaluate(id => page.ping(id, 2_000), link?.id ?? '')).toBeTypeOf('string')
    await a.tab.evaluate(id => page.closeAll(id), b.peerId)
    expect(await a.tab.evaluate(id => page.connections(id), b.peerId)).toEqual([])
    expect(
      (await a.tab.evaluate(([id, where]) => page.dial(id, where, 30_000), [b.peerId, address] as const)).error,
    ).toContain('NO_RESERVATION')
    b = await open()
    expect((await dial()).link?.kind).toBe('webrtc')
  }, 60_000)
})

declare global {
  var page: Page
}
