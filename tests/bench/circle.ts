import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page as Tab } from '@playwright/test'
import { build } from 'vite'
import { findChromium, launchOptions } from '../support/chromium'
import type { ConnectPage, Gated } from './connect-page'

/** from here on one browser process has a profile for each member: more processes are more than two cores carry */
const ONE_BROWSER_FROM = 5
/** a page is loaded anew after so many runs: it makes up to 7 of its 500 RTCPeerConnections in each */
const RUNS_PER_PAGE = 25
/** milliseconds for members to start and hold their places */
const READY_MS = 60_000

/** what the members of a circle of n are */
export const members = (n: number): string => (n < ONE_BROWSER_FROM ? 'browsers' : 'profiles of one browser')

/** The page of a member, built and served. */
export async function servePage(): Promise<{ url: string; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-bench-page-'))
  await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('.', import.meta.url)),
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2023',
      rollupOptions: {
        input: fileURLToPath(new URL('connect-page.ts', import.meta.url)),
        output: { entryFileNames: 'page.js' },
      },
    },
  })
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/')
      return response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><script type="module" src="/page.js"></script>')
    // names of the build's own output: letters, digits, one folder
    if (!/^(\/assets)?\/[\w.-]+\.js$/.test(pathname)) return response.writeHead(404).end()
    response.setHeader('content-type', 'text/javascript').end(readFileSync(join(folder, pathname)))
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close()
      server.closeAllConnections()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Members in their browsers, at these relays, anew for each run. */
export class Circle {
  private readonly browsers: Browser[] = []
  private tabs: Tab[] = []

  private constructor(
    private readonly url: string,
    private readonly n: number,
    private readonly relays: readonly string[],
  ) {}

  static async open(url: string, n: number, relays: readonly string[]): Promise<Circle> {
    const circle = new Circle(url, n, relays)
    for (let i = 0; i < (n < ONE_BROWSER_FROM ? n : 1); i++)
      circle.browsers.push(await chromium.launch(launchOptions(findChromium() ?? '')))
    return circle
  }

  /** Fresh keys and empty caches; ends when everybody holds a place on each relay. The first is to call the others. */
  async start(run: number): Promise<{ first: Tab; others: string[] }> {
    if (run % RUNS_PER_PAGE === 0) {
      for (const tab of this.tabs) await tab.context().close()
      this.tabs = await Promise.all(
        Array.from({ length: this.n }, async (_, i) => {
          const tab = await (await (this.browsers[i] ?? this.browsers[0])!.newContext()).newPage()
          tab.setDefaultTimeout(READY_MS)
          await tab.goto(this.url)
          await tab.waitForFunction(() => 'bench' in globalThis)
          return tab
        }),
      )
    }
    const ids = await Promise.all(this.tabs.map(tab => tab.evaluate(relays => bench.start(relays), this.relays)))
    return { first: this.tabs[0]!, others: ids.slice(1) }
  }

  async stop(): Promise<void> {
    await Promise.all(this.tabs.map(tab => tab.evaluate(() => bench.stop())))
  }

  async close(): Promise<void> {
    for (const browser of this.browsers) await browser.close()
  }
}

/** The public gate in this page: once for all, or once for each in turn. */
export const gate = (tab: Tab, others: readonly string[], oneByOne = false): Promise<Gated> =>
  tab.evaluate(([ids, each]) => bench.gate(ids, each), [others, oneByOne] as const)

declare global {
  var bench: ConnectPage
}
