import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname } from 'node:path'
import sirv from 'sirv'

/** Of these the type alone does not say how the text is written, and sirv adds it to HTML only. */
const TEXTS: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
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

/** Whether the browser takes this encoding: it is named, and not with a weight of nothing (RFC 9110, 12.5.3). */
function accepts(request: IncomingMessage, encoding: string): boolean {
  const [weight] = (request.headers['accept-encoding'] ?? '')
    .toString()
    .toLowerCase()
    .split(',')
    .map(entry => entry.split(';').map(part => part.trim()))
    .filter(([name]) => name === encoding)
    .map(([, q]) => q ?? 'q=1')
  return weight !== undefined && !/^q=0(\.0*)?$/.test(weight)
}

/**
 * Serves a folder of static files, as any web host would, with `config.json` made on the fly. Paths never leave the
 * folder. A file that scripts/precompress.ts has compressed is sent so to who takes it; `config.json` never is, because
 * a web host may have another one than was built.
 */
export async function serveStatic(options: {
  root: string
  port: number
  host?: string
  config: () => unknown
}): Promise<Served> {
  const host = options.host ?? '127.0.0.1'
  // `dev` looks at the disk for each request, so that a build that is made meanwhile is served as it is
  const files = sirv(options.root, {
    dev: true,
    etag: true,
    brotli: true,
    gzip: true,
    // a path is the name of a file, and nothing else is tried
    extensions: [],
    setHeaders(response, path) {
      const text = TEXTS[extname(path)]
      if (text !== undefined) response.setHeader('content-type', text)
      // build output under _nuxt/ is named by its content
      if (path.startsWith('/_nuxt/')) response.setHeader('cache-control', 'public, max-age=31536000, immutable')
    },
  })
  const server = createServer((request, response) => {
    answer(request, response, files, options.config)
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

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReturnType<typeof sirv>,
  config: () => unknown,
): void {
  const send = (status: number, text: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
  }
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'method not allowed')
  let path: string
  try {
    // a path may begin with two slashes, which would be a host in a relative URL
    path = new URL(`http://local${request.url ?? '/'}`).pathname
    decodeURIComponent(path)
  } catch {
    return send(400, 'bad path')
  }
  if (path === '/config.json') {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    response.end(JSON.stringify(config()))
    return
  }
  request.url = path.endsWith('/') ? `${path}index.html` : path
  // whole files only: they are small, and sirv reads this header with less care than it needs
  delete request.headers.range
  request.headers['accept-encoding'] = ['br', 'gzip'].filter(encoding => accepts(request, encoding)).join(', ')
  // a file that goes away, or that may not be read, ends its own answer and nothing else
  response.once('pipe', source => {
    source.once('error', () => response.destroy())
  })
  try {
    files(request, response, () => send(404, 'not found'))
  } catch {
    response.destroy()
  }
}
