import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocket, type ClientOptions } from 'ws'
import { afterEach, describe, expect, it } from 'vitest'
import { startRelay, type RunningRelay } from '../../relay/server'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import { requireOrSkip } from '../support/require'
import { until } from '../support/until'

/**
 * The examples of docs/relay.md, as they stand there, before a relay: ports and file names are replaced, and the
 * certificate is one that the test made for relay.example.
 */
const page = readFileSync(fileURLToPath(new URL('../../docs/relay.md', import.meta.url)), 'utf8')
const example = (language: string): string => new RegExp('```' + language + '\\n([^]*?)```').exec(page)?.[1] ?? ''
const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0

interface Place {
  readonly folder: string
  readonly port: number
  readonly relay: number
  readonly cert: string
  readonly key: string
}
interface Proxy {
  readonly name: 'nginx' | 'caddy'
  readonly there: boolean
  start(place: Place): ChildProcess
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx',
    there: runs('nginx', '-v'),
    start({ folder, port, relay, cert, key }) {
      const site = example('nginx')
        .replace('listen 443 ', `listen 127.0.0.1:${port} `)
        .replace('/etc/ssl/relay.pem', cert)
        .replace('/etc/ssl/relay.key', key)
        .replaceAll(':9401', `:${relay}`)
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map(name => `${name}_temp_path ${folder}/${name};`)
        .join(' ')
      writeFileSync(
        join(folder, 'nginx.conf'),
        `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {} http { access_log off; ${temporary}\n${site}\n}`,
      )
      return spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
    },
  },
  {
    name: 'caddy',
    there: runs('caddy', 'version'),
    start({ folder, port, relay, cert, key }) {
      // a certificate of its own would be asked for on the Internet
      const site = example('Caddyfile')
        .replace('relay.example {', `relay.example:${port} {\n  bind 127.0.0.1\n  tls ${cert} ${key}`)
        .replace(':9401', `:${relay}`)
      writeFileSync(join(folder, 'Caddyfile'), `{\n  admin off\n  auto_https disable_redirects\n}\n${site}`)
      return spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      })
    },
  },
]

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const noOpenssl = requireOrSkip('openssl', runs('openssl', 'version'), 'openssl makes the certificate of this test')

describe.each(PROXIES)('the relay behind $name, as docs/relay.md has it', ({ name, there, start }) => {
  const skip = requireOrSkip(name, there, `no ${name} is installed`) || noOpenssl
  const closers: Array<() => unknown> = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function behind(limits: { readonly connectionsPerIp?: number } = {}): Promise<{
    relay: RunningRelay
    open: (from: string, headers?: Record<string, string>) => Promise<number>
    address: string
    options: ClientOptions & { lookup: LookupFunction }
  }> {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-proxy-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    expect(
      runs(
        'openssl',
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=relay.example',
        '-addext',
        'subjectAltName=DNS:relay.example',
        '-keyout',
        key,
        '-out',
        cert,
      ),
    ).toBe(true)
    const port = await freePort()
    const relay = await startRelay({
      host: '127.0.0.1',
      port: 0,
      announce: [`/dns4/relay.example/tcp/${port}/wss`],
      trustProxy: ['127.0.0.1'],
      limits,
    })
    closers.push(() => relay.close())
    const proxy = start({ folder, port, relay: relay.port, cert, key })
    const ended = once(proxy, 'exit')
    let said = ''
    proxy.stderr?.on('data', (text: Buffer) => {
      said += text.toString()
    })
    closers.push(async () => {
      proxy.kill('SIGTERM')
      await ended
    })
    // relay.example is this machine, and the certificate is checked
    const options: ClientOptions & { lookup: LookupFunction } = {
      ca: readFileSync(cert),
      lookup: (_host, { all }, found) => {
        if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }])
        else found(null, '127.0.0.1', 4)
      },
    }
    const open = (from: string, headers: Record<string, string> = {}): Promise<number> =>
      new Promise(resolve => {
        const socket = new WebSocket(`wss://relay.example:${port}/`, { ...options, localAddress: from, headers })
        closers.push(() => {
          socket.terminate()
        })
        socket.on('open', () => resolve(101))
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.on('error', () => resolve(0))
      })
    for (let tries = 0; (await open('127.0.0.9')) === 0; tries++) {
      if (tries > 50 || proxy.exitCode !== null) throw new Error(`${name} does not answer: ${said}`)
      await until(() => false, 'a moment', 100).catch(() => undefined)
    }
    return { relay, open, address: relay.addrs[0] ?? '', options }
  }

  it.skipIf(skip)('gives two members places under the announced address, and a circuit', async () => {
    const { address, options } = await behind()
    expect(address).toContain('/dns4/relay.example/tcp/')
    const Plain = globalThis.WebSocket as unknown as typeof WebSocket
    globalThis.WebSocket = class extends Plain {
      constructor(to: string | URL) {
        super(to, options)
        this.on('error', () => undefined)
      }
    } as never
    closers.push(() => {
      globalThis.WebSocket = Plain as never
    })
    const members = [nodeTransport([address]), nodeTransport([address])] as const
    for (const member of members) {
      closers.push(() => member.stop())
      await member.start()
      await until(() => relayedAddress(member) !== '', 'a place through the proxy')
    }
    const [a, b] = members
    const link = await a.dial(b.peerId, relayedAddress(b), { signal: AbortSignal.timeout(15_000) })
    expect(link.kind).toBe('relay')
    expect(await a.ping(link.id, { signal: AbortSignal.timeout(5_000) })).toBeGreaterThan(0)
  })

  it.skipIf(skip)('tells the relay who comes, whatever he says about himself', async () => {
    const { open } = await behind({ connectionsPerIp: 1 })
    expect([
      await open('127.0.0.2'),
      await open('127.0.0.2'),
      await open('127.0.0.2', { 'x-forwarded-for': '198.51.100.7' }),
      await open('127.0.0.3'),
    ]).toEqual([101, 429, 429, 101])
  })
})
