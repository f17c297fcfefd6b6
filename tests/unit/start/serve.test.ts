import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { precompress } from '../../../scripts/precompress'
import { serveStatic, type Served } from '../../../scripts/serve'

const SCRIPT = 'export const text = "the same again and again";\n'.repeat(100)
const PAGE = `<!doctype html><title>Tandem</title>${'<p>page</p>'.repeat(200)}`

let folder: string
let root: string
let served: Served
let config: unknown = { version: 1 }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-serve-'))
  root = join(folder, 'site')
  mkdirSync(join(root, '_nuxt'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  writeFileSync(join(folder, 'secret.txt'), 'outside')
  writeFileSync(join(root, 'index.html'), PAGE)
  writeFileSync(join(root, 'config.json'), JSON.stringify({ built: 'x'.repeat(5_000) }))
  writeFileSync(join(root, 'favicon.svg'), '<svg/>')
  writeFileSync(join(root, '_nuxt/a.js'), SCRIPT)
  writeFileSync(join(root, '_nuxt/a.css'), 'p { color: red }\n'.repeat(100))
  writeFileSync(join(root, '_nuxt/font.woff2'), new Uint8Array(4_000))
  writeFileSync(join(root, '_nuxt/old.js.gz'), 'of an older build')
  precompress(root)
  served = await serveStatic({ root, port: 47_310, config: () => config })
})
afterAll(async () => {
  await served?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}
/** As a browser asks, and without undoing the encoding. */
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: served.port, path, headers, method }, response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      )
    })
    asked.on('error', reject)
    asked.end()
  })

describe('the static server', () => {
  it('sends what is compressed to who takes it, the shortest first, and the file itself to others', async () => {
    const plain = await get('/_nuxt/a.js')
    expect(plain.body.toString()).toBe(SCRIPT)
    expect(plain.headers['content-encoding']).toBeUndefined()
    const brotli = await get('/_nuxt/a.js', { 'accept-encoding': 'gzip, deflate, br, zstd' })
    expect(brotli.headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'Accept-Encoding',
    })
    expect(brotliDecompressSync(brotli.body).toString()).toBe(SCRIPT)
    const gzip = await get('/_nuxt/a.js', { 'accept-encoding': 'gzip;q=1.0, br;q=0, identity;q=0.5' })
    expect(gzip.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT)
    for (const none of ['identity', 'gzip;q=0', 'zebra', '']) {
      const got = await get('/_nuxt/a.js', { 'accept-encoding': none })
      expect([got.headers['content-encoding'], got.body.length]).toEqual([undefined, SCRIPT.length])
    }
    const page = await get('/', { 'accept-encoding': 'br' })
    expect(page.headers).toMatchObject({ 'content-encoding': 'br', 'content-type': 'text/html;charset=utf-8' })
    expect(brotliDecompressSync(page.body).toString()).toBe(PAGE)
  })

  it('says of each file what it is, how long it may be kept, and that nobody is told who asked', async () => {
    const expected: Record<string, readonly [string, string]> = {
      '/_nuxt/a.js': ['text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
      '/_nuxt/a.css': ['text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
      '/_nuxt/font.woff2': ['font/woff2', 'public, max-age=31536000, immutable'],
      '/favicon.svg': ['image/svg+xml', 'no-cache'],
      '/': ['text/html;charset=utf-8', 'no-cache'],
      '/index.html': ['text/html;charset=utf-8', 'no-cache'],
    }
    for (const [path, [type, cache]] of Object.entries(expected)) {
      const { headers, status } = await get(path)
      expect([path, status, headers['content-type'], headers['cache-control']]).toEqual([path, 200, type, cache])
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    }
  })

  it('makes config.json anew each time: never kept, never compressed, never the built one', async () => {
    for (const version of [1, 2]) {
      config = { version, filler: 'x'.repeat(5_000) }
      const { headers, body } = await get('/config.json?x=1', { 'accept-encoding': 'gzip, br' })
      expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      expect(headers['content-encoding']).toBeUndefined()
      expect(JSON.parse(body.toString())).toEqual(config)
    }
    for (const ending of ['.gz', '.br']) expect((await get(`/config.json${ending}`)).status).toBe(404)
  })

  it('answers HEAD without a body, and nothing but GET and HEAD', async () => {
    const head = await get('/_nuxt/a.js', {}, 'HEAD')
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(SCRIPT.length), 0])
    expect((await get('/config.json', {}, 'HEAD')).body.length).toBe(0)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/', {}, method)).status).toBe(405)
  })

  it('spares who has it already the body', async () => {
    const { headers } = await get('/', { 'accept-encoding': 'br' })
    const again = await get('/', { 'accept-encoding': 'br', 'if-none-match': String(headers.etag) })
    expect([again.status, again.body.length]).toEqual([304, 0])
    writeFileSync(join(root, 'changed.html'), PAGE)
    const before = String((await get('/changed.html')).headers.etag)
    writeFileSync(join(root, 'changed.html'), `${PAGE} changed`)
    const after = await get('/changed.html', { 'if-none-match': before })
    expect([after.status, after.body.toString().endsWith('changed')]).toEqual([200, true])
  })

  it('sends whole files, whatever part is asked for', async () => {
    for (const range of ['bytes=0-1', 'bytes=5-2', 'bytes=-1', 'bytes=99999-', 'nonsense'])
      expect((await get('/', { range })).status).toBe(200)
  })

  it('has nothing at other paths: no folder, no page in the place of another', async () => {
    for (const path of [
      '/nothing',
      '/_nuxt',
      '/_nuxt/',
      '/empty/',
      '/index',
      '/_nuxt/a',
      '/_nuxt/old.js',
      '/_nuxt/old.js.gz',
    ])
      expect([path, (await get(path)).status]).toEqual([path, 404])
    expect((await get('/%')).status).toBe(400)
    expect((await get('/%00')).status).toBe(404)
  })

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/_nuxt/../../secret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/../site-other/secret.txt',
    '/%252e%252e/secret.txt',
  ])('never leaves its folder by %s', async path => {
    // by hand: a client would tidy the path up
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(served.port, '127.0.0.1')
      let said = ''
      socket.on('data', part => {
        said += String(part)
      })
      socket.on('error', reject)
      socket.on('end', () => resolve(said))
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 (404|400)/)
    expect(answer).not.toContain('outside')
  })

  it('goes on when a file cannot be read', async () => {
    symlinkSync(join(root, '_nuxt'), join(root, 'loop'))
    symlinkSync(join(root, 'gone'), join(root, 'dangling.html'))
    for (const path of ['/loop', '/dangling.html']) expect((await get(path)).status).toBe(404)
    expect((await get('/')).status).toBe(200)
  })

  it('is reached at its own address, and moves off a taken port', async () => {
    expect(served.url).toBe(`http://127.0.0.1:${served.port}`)
    const second = await serveStatic({ root, port: served.port, config: () => ({}) })
    expect(second.port).toBeGreaterThan(served.port)
    await second.close()
    await expect(fetch(second.url)).rejects.toThrow()
  })
})

describe('a compressed copy', () => {
  it('is made of texts that get shorter, never of config.json, and older ones go', () => {
    const there = (name: string): boolean => {
      try {
        return readFileSync(join(root, name)).length > 0
      } catch {
        return false
      }
    }
    const names = [
      'index.html',
      '_nuxt/a.js',
      '_nuxt/a.css',
      'config.json',
      'favicon.svg',
      '_nuxt/font.woff2',
      '_nuxt/old.js',
    ]
    expect(names.filter(name => there(`${name}.br`))).toEqual(['index.html', '_nuxt/a.js', '_nuxt/a.css'])
    expect(names.filter(name => there(`${name}.gz`))).toEqual(['index.html', '_nuxt/a.js', '_nuxt/a.css'])
  })
})
