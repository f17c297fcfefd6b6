import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { chromium, expect, test } from '@playwright/test'
import { findChromium, launchOptions } from '../support/chromium'
import { listenFrom, serveStatic } from '../../scripts/serve'
import { report, summarize } from './result'

const SITE = process.env.TANDEM_SITE ?? '.output/public'
const RUNS = Math.min(3, Number(process.env.TANDEM_BENCH_RUNS ?? '20'))

/** Servers that are not asked before a profile is open: nothing of them is in these figures. */
const CONFIG = {
  version: 1,
  relays: [],
  stun: [],
  networks: {
    regtest: {
      esplora: 'http://127.0.0.1:9',
      genesis: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    },
  },
}

/** In kB of 1000 bytes, as a host sends it with gzip's usual level. */
const gzKb = (files: Iterable<string>): number =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(SITE, file))).length, 0) / 1_000

/** Hands on to the real server and writes down every path, so that what a worker fetches is seen as well. */
async function counting(target: string, asked: Set<string>): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    asked.add(path.split('?')[0] ?? '')
    void fetch(`${target}${path}`).then(
      async got => {
        response.writeHead(got.status, {
          'content-type': got.headers.get('content-type') ?? 'text/plain',
          'cache-control': 'no-store',
        })
        response.end(Buffer.from(await got.arrayBuffer()))
      },
      () => response.destroy(),
    )
  })
  return { url: `http://127.0.0.1:${await listenFrom(server, 4560, '127.0.0.1')}`, server }
}

test('JavaScript of the first screen', async () => {
  test.setTimeout(60_000 * RUNS)
  const everything = readdirSync(join(SITE, '_nuxt'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js'))
    .map(file => `/_nuxt/${file}`)
  const app = await serveStatic({ root: SITE, port: 4580, config: () => CONFIG })
  const asked = new Set<string>()
  const { url, server } = await counting(app.url, asked)
  const first: number[] = []
  const lazy: number[] = []
  try {
    for (let i = 0; i < RUNS; i++) {
      asked.clear()
      const browser = await chromium.launch(launchOptions(findChromium() ?? ''))
      try {
        const page = await browser.newPage()
        page.setDefaultTimeout(30_000)
        await page.goto(url)
        await page.getByRole('button', { name: 'New profile', exact: true }).click()
        await expect(page.getByLabel('Your name', { exact: true })).toBeVisible()
        const fetched = everything.filter(file => asked.has(file))
        expect(fetched.length, 'some JavaScript came').toBeGreaterThan(0)
        first.push(gzKb(fetched))
        lazy.push(gzKb(everything.filter(file => !fetched.includes(file))))
      } finally {
        await browser.close()
      }
    }
  } finally {
    server.close()
    server.closeAllConnections()
    await app.close()
    const pad = (list: number[]) => Array.from({ length: RUNS }, (_, i): number | undefined => list[i])
    report([summarize('first_load_js_gz', {}, 'kB', pad(first)), summarize('lazy_js_gz', {}, 'kB', pad(lazy))])
  }
})
