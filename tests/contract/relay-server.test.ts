import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { afterEach, describe, expect, it } from 'vitest'
import { startRelay, type RunningRelay } from '../../relay/server'
import type { Channel, Transport } from '../../services/ports/transport'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import { requireOrSkip } from '../support/require'
import { until } from '../support/until'

const PROTOCOL = '/tandem/sign/1'
const root = fileURLToPath(new URL('../..', import.meta.url))
const soon = (): AbortSignal => AbortSignal.timeout(15_000)
const noOpenssl = requireOrSkip(
  'openssl',
  spawnSync('openssl', ['version']).status === 0,
  'openssl makes the certificates of this test',
)

/** What a fresh WebSocket to this port gets: 101, or the status it was refused with. */
function knock(port: number, headers: Record<string, string> = {}): Promise<{ status: number; socket?: WebSocket }> {
  return new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
    socket.on('open', () => resolve({ status: 101, socket }))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0 })
    })
    socket.on('error', () => resolve({ status: 0 }))
  })
}

describe('the relay as its operator sees it', () => {
  const closers: Array<() => unknown> = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function relayWith(options: Partial<Parameters<typeof startRelay>[0]> = {}): Promise<RunningRelay> {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, ...options })
    closers.push(() => relay.close())
    return relay
  }
  async function member(relays: readonly string[]): Promise<Transport> {
    const node = nodeTransport(relays)
    closers.push(() => node.stop())
    await node.start()
    await until(() => relayedAddress(node) !== '', 'a place on the relay')
    return node
  }
  const metricsOf = async (healthUrl: string): Promise<(name: string) => number> => {
    const text = await (await fetch(new URL('/metrics', healthUrl))).text()
    return name =>
      Number(
        text
          .split('\n')
          .find(line => line.startsWith(`${name} `))
          ?.split(' ')
          .at(-1) ?? NaN,
      )
  }
  /** A circuit with something said over it. */
  async function talk(from: Transport, to: Transport, bytes: number): Promise<Channel> {
    to.handle(PROTOCOL, channel => {
      void (async () => {
        for await (const frame of channel.frames()) await channel.send(frame)
      })().catch(() => undefined)
    })
    const link = await from.dial(to.peerId, relayedAddress(to), { signal: soon() })
    const channel = await from.open(link.id, PROTOCOL, { signal: soon() })
    await channel.send(new Uint8Array(bytes))
    expect((await channel.frames()[Symbol.asyncIterator]().next()).value).toHaveLength(bytes)
    return channel
  }

  it('counts places, circuits, bytes and refusals, and shows them to a scraper but not at the public port', async () => {
    const relay = await relayWith()
    const [a, b] = [await member(relay.addrs), await member(relay.addrs)]
    await talk(a, b, 50_000)
    const stranger = nodeTransport([])
    await expect(
      a.dial(stranger.peerId, `${relay.addrs[0]}/p2p-circuit/p2p/${stranger.peerId}`, { signal: soon() }),
    ).rejects.toThrow('NO_RESERVATION')
    const metric = await metricsOf(relay.healthUrl)
    expect(metric('tandem_relay_connections')).toBe(2)
    expect(metric('tandem_relay_reservations')).toBe(2)
    expect(metric('tandem_relay_reservations_total{result="granted"}')).toBe(2)
    expect(metric('tandem_relay_circuits')).toBe(1)
    expect(metric('tandem_relay_circuits_total')).toBe(1)
    expect(metric('tandem_relay_circuit_bytes_total')).toBeGreaterThan(100_000)
    expect(metric('tandem_relay_bytes_total{direction="in"}')).toBeGreaterThan(
      metric('tandem_relay_circuit_bytes_total'),
    )
    expect(metric('tandem_relay_refusals_total{reason="no-reservation"}')).toBe(1)
    await Promise.all([a.stop(), b.stop()])
    await until(() => relay.circuits() === 0 && relay.reservations() === 0, 'everything being given back')
    // the public port tells its health, to a page as well, and no more
    const health = await fetch(`http://127.0.0.1:${relay.port}/health`)
    expect([health.status, health.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    expect((await fetch(`http://127.0.0.1:${relay.port}/metrics`)).status).toBe(404)
  })

  it('counts gossip and hands it on', async () => {
    const relay = await relayWith()
    const [a, b] = [await member(relay.addrs), await member(relay.addrs)]
    const topic = '/tandem/presence/1/test'
    let got = 0
    a.subscribe(topic, () => undefined)
    b.subscribe(topic, () => {
      got++
    })
    for (let n = 0; got === 0; n++) {
      // the relay follows a topic when it has heard of the followers: until then an announcement goes nowhere, as at
      // any start
      await a.publish(topic, new TextEncoder().encode(`hello ${n}`))
      await until(() => got > 0, 'the announcement', 1_000).catch(() => undefined)
      if (n > 20) throw new Error('gossip did not get through')
    }
    const metric = await metricsOf(relay.healthUrl)
    expect(metric('tandem_relay_gossip_topics')).toBe(1)
    expect(metric('tandem_relay_gossip_messages_total')).toBeGreaterThanOrEqual(1)
    expect(metric('tandem_relay_gossip_deliveries_total')).toBeGreaterThanOrEqual(1)
  })

  it('lets two newcomers hear each other however many wallets others have here', async () => {
    const relay = await relayWith()
    const wallet = (n: number): string => `/tandem/presence/1/${n.toString(16).padStart(64, '0')}`
    // together more than a browser takes in one message, and none of a newcomer's business
    for (let n = 0; n < 240; n += 60) {
      const other = await member(relay.addrs)
      for (let i = 0; i < 60; i++) other.subscribe(wallet(n + i), () => undefined)
    }
    await expect
      .poll(async () => (await metricsOf(relay.healthUrl))('tandem_relay_gossip_topics'), { timeout: 10_000 })
      .toBe(240)
    const [a, b] = [await member(relay.addrs), await member(relay.addrs)]
    let got = 0
    a.subscribe(wallet(1000), () => undefined)
    b.subscribe(wallet(1000), () => {
      got++
    })
    for (let n = 0; got === 0 && n < 10; n++) {
      await a.publish(wallet(1000), new TextEncoder().encode(`hello ${n}`))
      await until(() => got > 0, 'the announcement', 1_000).catch(() => undefined)
    }
    expect(got).toBeGreaterThan(0)
  })

  it('takes the whole list of one who comes back with as many wallets as are allowed', async () => {
    const relay = await relayWith()
    const back = nodeTransport(relay.addrs)
    closers.push(() => back.stop())
    const wallet = (n: number): string => `/tandem/presence/1/${n.toString(16).padStart(64, '0')}`
    const heard = new Set<number>()
    for (let n = 0; n < 256; n++)
      back.subscribe(wallet(n), () => {
        heard.add(n)
      })
    const other = await member(relay.addrs)
    other.subscribe(wallet(255), () => undefined)
    await back.start()
    await expect
      .poll(async () => (await metricsOf(relay.healthUrl))('tandem_relay_gossip_topics'), { timeout: 10_000 })
      .toBe(256)
    for (let n = 0; !heard.has(255) && n < 10; n++) {
      await other.publish(wallet(255), new TextEncoder().encode(`hello ${n}`))
      await until(() => heard.has(255), 'the announcement', 1_000).catch(() => undefined)
    }
    expect([...heard]).toEqual([255])
  })

  it('turns away the sockets of one IP beyond its share, and behind a trusted proxy goes by who is named', async () => {
    const relay = await relayWith({ limits: { connectionsPerIp: 2 }, trustProxy: ['127.0.0.1'] })
    const as = (ip: string) => knock(relay.port, { 'x-forwarded-for': ip })
    const came = [
      await as('198.51.100.1'),
      await as('198.51.100.1'),
      await as('198.51.100.1'),
      await as('198.51.100.2'),
    ]
    expect(came.map(({ status }) => status)).toEqual([101, 101, 429, 101])
    expect((await metricsOf(relay.healthUrl))('tandem_relay_refusals_total{reason="connections-per-ip"}')).toBe(1)
    came[0]?.socket?.terminate()
    await expect.poll(async () => (await as('198.51.100.1')).status, { timeout: 10_000 }).toBe(101)
    // without trust the header proves nothing
    const plain = await relayWith({ limits: { connectionsPerIp: 1 } })
    expect([
      (await knock(plain.port, { 'x-forwarded-for': '198.51.100.1' })).status,
      (await knock(plain.port, { 'x-forwarded-for': '198.51.100.2' })).status,
    ]).toEqual([101, 429])
  })

  it('refuses a place beyond those of one IP, and a circuit beyond those of one peer', async () => {
    const relay = await relayWith({ limits: { reservationsPerIp: 2, circuitsPerPeer: 1 } })
    const [a, b] = [await member(relay.addrs), await member(relay.addrs)]
    const late = nodeTransport(relay.addrs)
    closers.push(() => late.stop())
    await late.start()
    await until(() => late.relays()[0]?.state === 'refused', 'the refusal')
    await talk(a, b, 10)
    await expect(a.dial(b.peerId, relayedAddress(b), { signal: soon() })).rejects.toThrow('PERMISSION_DENIED')
    const metric = await metricsOf(relay.healthUrl)
    expect(metric('tandem_relay_refusals_total{reason="reservations-per-ip"}')).toBeGreaterThanOrEqual(1)
    expect(metric('tandem_relay_refusals_total{reason="circuits-per-peer"}')).toBe(1)
    expect(metric('tandem_relay_refusals_total{reason="no-reservation"}')).toBe(0)
  })

  it('carries many circuits to one member without a warning of a leak', async () => {
    const warnings: string[] = []
    const hear = (warning: Error): void => {
      warnings.push(`${warning.name}: ${warning.message}`)
    }
    process.on('warning', hear)
    closers.push(() => process.off('warning', hear))
    const relay = await relayWith()
    const [called, ...callers] = await Promise.all(Array.from({ length: 13 }, () => member(relay.addrs)))
    await Promise.all(
      callers.map(caller =>
        caller.dial(called?.peerId ?? '', called === undefined ? '' : relayedAddress(called), { signal: soon() }),
      ),
    )
    expect(relay.circuits()).toBe(12)
    expect(warnings).toEqual([])
  })

  it('bounds sockets that say nothing as well, and ends the one that it refuses', async () => {
    const relay = await relayWith({ limits: { connectionsPerIp: 1 } })
    const open: Socket[] = []
    closers.push(() => {
      for (const socket of open) socket.destroy()
    })
    const silent = (): Promise<void> =>
      new Promise(resolve => {
        const socket = connect({ host: '127.0.0.1', port: relay.port, allowHalfOpen: true }, resolve)
        socket.on('error', () => undefined).resume()
        open.push(socket)
      })
    expect((await knock(relay.port)).status).toBe(101)
    await Promise.all(Array.from({ length: 200 }, silent))
    const held = (): number => open.filter(socket => !socket.destroyed && !socket.readableEnded).length
    await expect.poll(held, { timeout: 2_000 }).toBeLessThan(50)
    // said its piece, was refused, and goes on talking
    for (const socket of open.splice(0)) socket.destroy()
    await expect.poll(async () => (await knock(relay.port)).status, { timeout: 2_000 }).toBe(429)
    await silent()
    const [stubborn] = open
    let gone = false
    stubborn?.on('close', () => {
      gone = true
    })
    stubborn?.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await expect
      .poll(
        () => {
          stubborn?.write('x')
          return gone
        },
        { timeout: 5_000 },
      )
      .toBe(true)
  })

  it('keeps little for one who reads nothing', async () => {
    const relay = await relayWith({ limits: { gossipPerSecond: 1e6, gossipBytesPerSecond: 1e9 } })
    const sockets: WebSocket[] = []
    const Real = globalThis.WebSocket as unknown as typeof WebSocket
    globalThis.WebSocket = class extends Real {
      constructor(address: string | URL) {
        super(address)
        sockets.push(this)
      }
    } as never
    const stuck = await member(relay.addrs)
    globalThis.WebSocket = Real as never
    const talker = await member(relay.addrs)
    const topic = '/tandem/presence/1/test'
    let got = 0
    stuck.subscribe(topic, () => {
      got++
    })
    talker.subscribe(topic, () => undefined)
    await expect
      .poll(
        async () => {
          await talker.publish(topic, randomBytes(20))
          return got
        },
        { timeout: 5_000 },
      )
      .toBeGreaterThan(0)
    const read = (sockets[0] as unknown as { _socket: Socket })._socket.pause()
    closers.push(() => read.destroy())
    const taken = async (): Promise<number> => (await metricsOf(relay.healthUrl))('tandem_relay_gossip_messages_total')
    for (let n = 0; n < 50; n++) for (let i = 0; i < 40; i++) await talker.publish(topic, randomBytes(4_000))
    await expect.poll(taken, { timeout: 10_000 }).toBeGreaterThan(2_000)
    const before = got
    read.resume()
    await until(() => false, 'what was kept', 2_000).catch(() => undefined)
    // of 2 000 messages those in the window of the stream, and as much again
    expect(got - before).toBeLessThan(300)
  })

  it('survives what is no WebSocket, no libp2p, or too large', async () => {
    const relay = await relayWith()
    expect((await fetch(`http://127.0.0.1:${relay.port}/`, { method: 'POST', body: 'x' })).status).toBe(404)
    for (const junk of [new Uint8Array(4 * 1024 * 1024), new Uint8Array(100).fill(255)]) {
      const { socket } = await knock(relay.port)
      const closed = once(socket as WebSocket, 'close')
      socket?.on('error', () => undefined)
      socket?.send(junk)
      await closed
    }
    await member(relay.addrs)
    await expect
      .poll(async () => (await metricsOf(relay.healthUrl))('tandem_relay_connections'), { timeout: 10_000 })
      .toBe(1)
  })

  it.skipIf(noOpenssl)('speaks WSS with its own certificate, and takes a renewed one without a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-tls-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
    const make = (name: string, files = tls): void => {
      const made = spawnSync('openssl', [
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
        `/CN=${name}`,
        '-keyout',
        files.keyFile,
        '-out',
        files.certFile,
      ])
      expect(made.status).toBe(0)
    }
    make('first.example')
    const relay = await relayWith({ tls })
    expect(relay.addrs[0]).toContain(`/tcp/${relay.port}/tls/ws/p2p/`)
    const shown = (): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        request(
          { host: '127.0.0.1', port: relay.port, path: '/health', rejectUnauthorized: false, agent: false },
          response => {
            const { subject } = (response.socket as TLSSocket).getPeerCertificate()
            response.resume()
            resolve(String(subject.CN))
          },
        )
          .on('error', reject)
          .end()
      })
    expect(await shown()).toBe('first.example')
    make('second.example')
    await relay.renewCertificate()
    expect(await shown()).toBe('second.example')
    const socket = new WebSocket(`wss://127.0.0.1:${relay.port}/`, { rejectUnauthorized: false })
    await once(socket, 'open')
    socket.terminate()
    // a key that is not that of the certificate is told at the start, and the relay does not take it at a renewal
    const other = { certFile: join(folder, 'other.pem'), keyFile: join(folder, 'other.key') }
    make('other.example', other)
    const mixed = { certFile: tls.certFile, keyFile: other.keyFile }
    await expect(relayWith({ tls: mixed })).rejects.toThrow(
      `the private key ${other.keyFile} does not belong to the certificate ${tls.certFile}`,
    )
    await expect(relayWith({ tls: { ...tls, certFile: join(folder, 'none.pem') } })).rejects.toThrow(
      `cannot read the certificate ${join(folder, 'none.pem')}: ENOENT`,
    )
  })
})

describe('the relay as a process', () => {
  interface Running {
    readonly child: ChildProcess
    readonly addrs: string[]
    readonly health: string
    readonly stderr: () => string
    readonly ended: Promise<number | null>
  }
  const running: ChildProcess[] = []
  const nodes: Transport[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.stop()))
    for (const child of running.splice(0)) child.kill('SIGKILL')
  })

  const launch = (...args: string[]): Promise<Running> => launchFrom(['--import', 'tsx', 'relay/main.ts'], args)
  async function launchFrom(program: readonly string[], args: readonly string[]): Promise<Running> {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-relay-'))
    const child = spawn(process.execPath, [...program, '--port', '0', '--data', folder, '--json', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(child)
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const ended = once(child, 'exit').then(([code]) => {
      rmSync(folder, { recursive: true, force: true })
      return code as number | null
    })
    const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
    const ready = JSON.parse(line) as { addrs: string[]; health: string }
    expect(readFileSync(join(folder, 'peer.key'), 'utf8')).toMatch(/^[0-9a-f]{128}\n$/)
    return { child, ...ready, stderr: () => stderr, ended }
  }
  async function circuit(addrs: readonly string[]): Promise<Transport> {
    const [a, b] = [nodeTransport(addrs), nodeTransport(addrs)]
    nodes.push(a, b)
    await Promise.all([a.start(), b.start()])
    await until(() => [a, b].every(node => relayedAddress(node) !== ''), 'two places')
    await a.dial(b.peerId, relayedAddress(b), { signal: soon() })
    return a
  }

  it('on SIGTERM takes nobody new, lets open circuits end, and is gone with 0', async () => {
    const relay = await launch('--drain', '3600', '--log', 'json')
    const a = await circuit(relay.addrs)
    relay.child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(relay.health)).status, { timeout: 10_000 }).toBe(503)
    const port = Number(/tcp\/(\d+)/.exec(relay.addrs[0] ?? '')?.[1])
    expect((await knock(port)).status).toBe(503)
    // the circuit still stands, and its end is what the relay waits for
    expect(a.connections().filter(link => link.kind === 'relay')).toHaveLength(1)
    expect(relay.child.exitCode).toBeNull()
    await a.stop()
    expect(await relay.ended).toBe(0)
    const events = relay
      .stderr()
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { event: string }).event)
    expect(events).toEqual(['started', 'draining', 'refused', 'stopped'])
    expect(relay.stderr()).not.toMatch(/127\.0\.0\.1|12D3Koo/)
  })

  it('works as the one file that is installed', async () => {
    const built = spawnSync('npm', ['run', '-s', 'build:relay'], { cwd: root, encoding: 'utf8' })
    expect(built.status, built.stderr).toBe(0)
    expect(readFileSync(join(root, 'dist/relay.mjs'), 'utf8'), 'with the patch of what it negotiates by').toContain(
      'too many protocols were proposed',
    )
    const relay = await launchFrom(['dist/relay.mjs'], [])
    await circuit(relay.addrs)
    relay.child.kill('SIGINT')
    expect(await relay.ended).toBe(0)
  })

  it('does not wait for them longer than it may', async () => {
    const relay = await launch('--drain', '1')
    await circuit(relay.addrs)
    relay.child.kill('SIGTERM')
    expect(await relay.ended).toBe(0)
  })

  it('ends at once on Ctrl-C', async () => {
    const relay = await launch('--drain', '3600')
    await circuit(relay.addrs)
    relay.child.kill('SIGINT')
    expect(await relay.ended).toBe(0)
  })
})
