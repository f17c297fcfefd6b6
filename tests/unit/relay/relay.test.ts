import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GossipForwarder } from '../../../relay/gossip'
import { DEFAULT_LIMITS, parseRelayCommand } from '../../../relay/options'
import { startRelay, type RunningRelay } from '../../../relay/server'

const peer = (name: string): Parameters<GossipForwarder['gone']>[0] => ({ toString: () => name }) as never

describe('relay command line', () => {
  const error = (...argv: string[]): string => {
    const parsed = parseRelayCommand(argv, {})
    return parsed.ok ? 'accepted' : parsed.error
  }

  it('has defaults, takes the environment, and flags before it', () => {
    expect(parseRelayCommand([], {})).toMatchObject({ ok: true, value: { host: '127.0.0.1', port: 9401, dataDir: '.tandem/relay', fresh: false, json: false, limits: DEFAULT_LIMITS } })
    expect(parseRelayCommand([], { TANDEM_RELAY_PORT: '7000', TANDEM_RELAY_HEALTH_PORT: '7100' })).toMatchObject({ value: { port: 7000, healthPort: 7100 } })
    expect(parseRelayCommand(['--port', '8000', '--ttl', '1200'], { TANDEM_RELAY_PORT: '7000' })).toMatchObject({ value: { port: 8000, limits: { reservationTtlMs: 1_200_000 } } })
  })

  it.each([
    [['--port', 'abc'], '--port must be a whole number from 0 to 65535, not "abc"'],
    [['--port', '65536'], '--port must be a whole number from 0 to 65535, not "65536"'],
    [['--reservations', '0'], '--reservations must be'],
    [['--host', 'localhost'], '--host must be an IP address, not "localhost"'],
    [['--announce', 'relay.example'], '--announce must be a multiaddr'],
    [['--bogus'], "Unknown option '--bogus'"],
    [['stray'], 'Unexpected argument'],
  ])('%j is named in one line', (argv, message) => {
    expect(error(...argv)).toContain(message)
    expect(error(...argv)).not.toContain('\n')
  })

  it('ends with 1 and one line on a bad flag', () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'relay/main.ts', '--port', 'x'], { cwd: root, encoding: 'utf8' })
    expect(run.status).toBe(1)
    expect(run.stderr).toBe('relay: --port must be a whole number from 0 to 65535, not "x"\n')
  })
})

describe('GossipForwarder', () => {
  let topics: Set<string>
  const make = (max = 10): GossipForwarder => new GossipForwarder({ subscribe: (t) => topics.add(t), unsubscribe: (t) => topics.delete(t) }, max)
  beforeEach(() => { topics = new Set() })

  it('follows a topic while somebody does', () => {
    const forwarder = make()
    forwarder.changed(peer('a'), [{ topic: '/tandem/x', subscribe: true }])
    forwarder.changed(peer('b'), [{ topic: '/tandem/x', subscribe: true }])
    forwarder.changed(peer('a'), [{ topic: '/tandem/x', subscribe: false }])
    expect([...topics]).toEqual(['/tandem/x'])
    forwarder.gone(peer('b'))
    expect([...topics]).toEqual([])
    expect(forwarder.topics).toBe(0)
  })

  it('takes only topics of this application, and only so many', () => {
    const forwarder = make(2)
    forwarder.changed(peer('a'), ['other/x', '/tandem/', `/tandem/${'x'.repeat(121)}`, '/tandem/1', '/tandem/2', '/tandem/3'].map((topic) => ({ topic, subscribe: true })))
    expect([...topics]).toEqual(['/tandem/1', '/tandem/2'])
    forwarder.gone(peer('a'))
    forwarder.changed(peer('a'), [{ topic: '/tandem/3', subscribe: true }])
    expect([...topics]).toEqual(['/tandem/3'])
  })
})

describe('relay', () => {
  let dataDir: string
  const running: RunningRelay[] = []
  beforeEach(() => { dataDir = mkdtempSync(join(tmpdir(), 'tandem-relay-')) })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((relay) => relay.close()))
    rmSync(dataDir, { recursive: true, force: true })
  })
  const start = async (options: Partial<Parameters<typeof startRelay>[0]> = {}): Promise<RunningRelay> => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, dataDir, ...options })
    running.push(relay)
    return relay
  }

  it('tells its health to any origin', async () => {
    const relay = await start()
    const response = await fetch(relay.healthUrl)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toEqual({ ok: true, peerId: relay.peerId, addrs: relay.addrs, reservations: 0, uptimeS: expect.any(Number) as number })
    expect((await fetch(new URL('/other', relay.healthUrl))).status).toBe(404)
    expect((await fetch(relay.healthUrl, { method: 'POST' })).status).toBe(405)
  })

  it('keeps its identity in a file of its own, and makes a new one when asked', async () => {
    const first = await start()
    expect(statSync(join(dataDir, 'peer.key')).mode & 0o777).toBe(0o600)
    await running.pop()?.close()
    const second = await start()
    expect(second.peerId).toBe(first.peerId)
    await running.pop()?.close()
    expect((await start({ fresh: true })).peerId).not.toBe(first.peerId)
    expect(readFileSync(join(dataDir, 'peer.key'), 'utf8')).toMatch(/^[0-9a-f]{128}\n$/)
  })

  it('does not overwrite a damaged key', async () => {
    writeFileSync(join(dataDir, 'peer.key'), 'garbage')
    await expect(start()).rejects.toThrow('is damaged')
    expect(readFileSync(join(dataDir, 'peer.key'), 'utf8')).toBe('garbage')
  })

  it('moves to the next port when its own is taken', async () => {
    const blocker = createServer()
    const port = await new Promise<number>((resolve) => { blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port)) })
    try {
      const relay = await start({ port })
      expect(relay.port).toBeGreaterThan(port)
      expect(relay.addrs[0]).toContain(`/tcp/${relay.port}/ws/p2p/${relay.peerId}`)
    } finally {
      blocker.close()
    }
  })

  it('tells the addresses that it was told to announce', async () => {
    const relay = await start({ announce: ['/dns4/relay.example/tcp/443/wss'] })
    expect(relay.addrs).toEqual([`/dns4/relay.example/tcp/443/wss/p2p/${relay.peerId}`])
  })
})
