import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

export interface Served {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Between the ports that are tried here, those that browsers refuse to open (Fetch standard, "bad ports"). */
const REFUSED: ReadonlySet<number> = new Set([4045, 4190, 5060, 5061])

/**
 * Listens on the first free port from `port` on; gives the port that it got. Another error than a taken port is thrown.
 */
export async function listenFrom(server: Server, port: number, host: string): Promise<number> {
  for (let candidate = port; candidate < port + 50; candidate++) {
    if (REFUSED.has(candidate)) continue
    const got = await new Promise<boolean>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(false)
        else reject(error)
      }
      server.once('error', onError)
      server.listen(candidate, host, () => {
        server.off('error', onError)
        resolve(true)
      })
    })
    if (got) {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : candidate
    }
  }
  throw new Error(`no free port from ${port} to ${port + 49}`)
}

/**
 * Serves a folder of static files, as any web host would, with `config.json` made on the fly. Paths never leave the
 * folder.
 */
export async function serveStatic(options: {
  root: string
  port: number
  host?: string
  config: () => unknown
}): Promise<Served> {
  const host = options.host ?? '127.0.0.1'
  const server = createServer((request, response) => {
    const send = (status: number, text: string) =>
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'method not allowed')
    let path: string
    try {
      path = decodeURIComponent(new URL(request.url ?? '/', 'http://local').pathname)
    } catch {
      return send(400, 'bad path')
    }
    if (path === '/config.json') {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      return response.end(JSON.stringify(options.config()))
    }
    if (path.endsWith('/')) path += 'index.html'
    const file = normalize(join(options.root, path))
    if (!file.startsWith(normalize(options.root) + sep)) return send(403, 'outside of the app')
    let size: number
    try {
      const stat = statSync(file)
      if (!stat.isFile()) return send(404, 'not found')
      size = stat.size
    } catch {
      return send(404, 'not found')
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': size,
      // build output under _nuxt/ is named by its content
      'cache-control': path.startsWith('/_nuxt/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    if (request.method === 'HEAD') return response.end()
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response)
  })
  const port = await listenFrom(server, options.port, host)
  return {
    url: `http://${host}:${port}`,
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
