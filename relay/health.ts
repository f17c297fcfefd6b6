import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

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

/** Answers GET and HEAD /health for any origin (a simple request, so that a page may ask); everything else is 404 or 405. */
export async function serveHealth(host: string, port: number, read: () => Health): Promise<HealthServer> {
  const server: Server = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('cache-control', 'no-store')
    if (new URL(request.url ?? '/', 'http://relay').pathname !== '/health') {
      response.writeHead(404).end()
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
    } else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(read()))
    }
  })
  server.requestTimeout = 5_000
  server.headersTimeout = 5_000
  server.maxConnections = 256
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${(server.address() as AddressInfo).port}/health`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
