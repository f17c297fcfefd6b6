import { createServer, type RequestListener } from 'node:http'
import { isIPv6, type AddressInfo } from 'node:net'

export interface Health {
  readonly ok: boolean
  readonly peerId: string
  readonly addrs: readonly string[]
  readonly reservations: number
  readonly uptimeS: number
}

export interface HealthServer {
  readonly url: string
  close(): Promise<void>
}

/** The pages of a relay. `metrics` is for the operator: it is not served where the public comes in. */
export interface Pages {
  readonly health: () => Health
  readonly metrics?: () => string
}

/**
 * Answers GET and HEAD of /health for any origin (a simple request, so that a page may ask) and of /metrics for none;
 * everything else is 404 or 405. A relay that is shutting down answers 503, so that nobody new is sent to it.
 */
export function answer(pages: Pages): RequestListener {
  return (request, response) => {
    response.setHeader('cache-control', 'no-store')
    const path = (request.url ?? '/').split('?')[0]
    const page = path === '/health' || (path === '/metrics' && pages.metrics !== undefined)
    if (path === '/health') response.setHeader('access-control-allow-origin', '*')
    if (!page) return void response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    const health = pages.health()
    if (path === '/health') response.writeHead(health.ok ? 200 : 503, { 'content-type': 'application/json' })
    else response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    response.end(
      request.method === 'HEAD' ? undefined : path === '/health' ? JSON.stringify(health) : pages.metrics?.(),
    )
  }
}

/** Serves these pages on a port of their own. */
export async function serveHealth(host: string, port: number, pages: Pages): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    answer(pages),
  )
  server.maxConnections = 256
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : isIPv6(host) ? `[${host}]` : host
  return {
    url: `http://${shown}:${(server.address() as AddressInfo).port}/health`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
