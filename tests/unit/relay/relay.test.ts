import { TopicValidatorResult, type GossipSub } from '@libp2p/gossipsub'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GossipForwarder } from '../../../relay/gossip'
import { Counters } from '../../../relay/metrics'
import { DEFAULT_LIMITS, parseRelayCommand, relayUsage } from '../../../relay/options'
import { SETTINGS } from '../../../relay/settings'
import { startRelay, type RunningRelay } from '../../../relay/server'

const peer = (name: string): Parameters<GossipForwarder['gone']>[0] => ({ toString: () => name }) as never

describe('relay command line', () => {
  const error = (...argv: string[]): string => {
    const parsed = parseRelayCommand(argv, {})
    return parsed.ok ? 'accepted' : parsed.error
  }

  it('has defaults, takes the environment, and flags before it', () => {
    expect(parseRelayCommand([], {})).toMatchObject({
      ok: true,
      value: {
        host: '127.0.0.1',
        port: 9401,
        dataDir: '.tandem/relay',
        fresh: false,
        json: false,
        limits: DEFAULT_LIMITS,
      },
    })
    expect(parseRelayCommand([], { TANDEM_RELAY_PORT: '7000', TANDEM_RELAY_HEALTH_PORT: '7100' })).toMatchObject({
      value: { port: 7000, healthPort: 7100 },
    })
    expect(parseRelayCommand(['--port', '8000', '--ttl', '1200'], { TANDEM_RELAY_PORT: '7000' })).toMatchObject({
      value: { port: 8000, limits: { reservationTtlMs: 1_200_000 } },
    })
  })

  it.each([
    [['--port', 'abc'], '--port must be a whole number from 0 to 65535, not "abc"'],
    [['--port', '65536'], '--port must be a whole number from 0 to 65535, not "65536"'],
    [['--reservations', '0'], '--reservations must be'],
    [['--host', 'localhost'], '--host must be an IP address, not "localhost"'],
    [['--announce', 'relay.example'], '--announce must be a multiaddr'],
    [['--tls-cert', 'a.pem'], '--tls-cert and --tls-key belong together'],
    [
      ['--trust-proxy', '10.0.0.0/33'],
      '--trust-proxy must be an IP address or a subnet like 10.0.0.0/8, not "10.0.0.0/33"',
    ],
    [['--log', 'loud'], '--log must be text, json or none, not "loud"'],
    [['--circuit-seconds', '59'], '--circuit-seconds must be a whole number from 60 to 604800, not "59"'],
    [['--bogus'], "Unknown option '--bogus'"],
    [['stray'], 'Unexpected argument'],
  ])('%j is named in one line', (argv, message) => {
    expect(error(...argv)).toContain(message)
    expect(error(...argv)).not.toContain('\n')
  })

  it('takes every option from the environment as well, switches by 1, lists by commas, and names a variable that is none', () => {
    const env = {
      TANDEM_RELAY_HOST: '0.0.0.0',
      TANDEM_RELAY_EXACT_PORT: '1',
      TANDEM_RELAY_LOG: 'json',
      TANDEM_RELAY_LOG_ADDRESSES: '0',
      TANDEM_RELAY_KEY: '/run/key',
      TANDEM_RELAY_DRAIN: '30',
      TANDEM_RELAY_ANNOUNCE: '/dns4/a.example/tcp/443/wss, /dns4/b.example/tcp/443/wss',
      TANDEM_RELAY_TRUST_PROXY: '127.0.0.1,10.0.0.0/8',
      TANDEM_RELAY_TLS_CERT: 'c.pem',
      TANDEM_RELAY_TLS_KEY: 'k.pem',
      TANDEM_RELAY_RESERVATIONS: '5000',
      TANDEM_RELAY_CIRCUITS_PER_PEER: '7',
      TANDEM_RELAY_CIRCUIT_SECONDS: '120',
    }
    expect(parseRelayCommand([], env)).toMatchObject({
      ok: true,
      value: {
        host: '0.0.0.0',
        exactPort: true,
        keyFile: '/run/key',
        drainMs: 30_000,
        log: { format: 'json', addresses: false },
        announce: ['/dns4/a.example/tcp/443/wss', '/dns4/b.example/tcp/443/wss'],
        trustProxy: ['127.0.0.1', '10.0.0.0/8'],
        tls: { certFile: 'c.pem', keyFile: 'k.pem' },
        // room for those who only dial through comes on top of the places
        limits: { reservations: 5000, connections: 5256, circuitsPerPeer: 7, circuitMs: 120_000 },
      },
    })
    expect(parseRelayCommand([], { TANDEM_RELAY_PROT: '1' })).toEqual({
      ok: false,
      error: 'TANDEM_RELAY_PROT is no setting of the relay',
    })
    expect(parseRelayCommand([], { TANDEM_RELAY_FRESH: 'yes' })).toEqual({
      ok: false,
      error: 'TANDEM_RELAY_FRESH must be 1 or 0, not "yes"',
    })
  })

  it('has a line in the help for each option, with its default', () => {
    expect(relayUsage()).toMatch(/--port N +WebSocket port.*default 9401\n/)
    for (const key of Object.keys(DEFAULT_LIMITS)) {
      const flag = key
        .replace('reservationTtlMs', 'ttl')
        .replace(/Ms$/, 'Seconds')
        .replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
      expect(relayUsage(), flag).toContain(`  --${flag} `)
    }
  })

  it("has each limit on the operator's page", () => {
    const page = readFileSync(fileURLToPath(new URL('../../../docs/relay.md', import.meta.url)), 'utf8')
    for (const { name, fallback } of SETTINGS)
      if (typeof fallback === 'number' && name !== 'port' && name !== 'ttl') expect(page, name).toContain(name)
  })

  it('ends with 1 and one line on a bad flag', () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'relay/main.ts', '--port', 'x'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(run.status).toBe(1)
    expect(run.stderr).toBe('relay: --port must be a whole number from 0 to 65535, not "x"\n')
  })
})

describe('GossipForwarder', () => {
  let topics: Set<string>
  const validators: GossipSub['topicValidators'] = new Map()
  let counters: Counters
  let told: string[]
  let heard: string[]
  interface Rpc {
    readonly subscriptions: unknown[]
    readonly messages: { readonly data: Uint8Array }[]
  }
  let fake: {
    sendSubscriptions(to: string, topics: string[], subscribe: boolean): void
    handleReceivedRpc(from: unknown, rpc: Rpc): Promise<void>
  }
  const make = (max = 10, each = 10, admit = (): boolean => true): GossipForwarder => {
    heard = []
    counters = new Counters()
    told = []
    const gossip = {
      topicValidators: validators,
      // as gossipsub does: whoever is here is told of everything
      subscribe: (t: string) => {
        topics.add(t)
        for (const name of ['a', 'b', 'c']) gossip.sendSubscriptions(name, [t], true)
      },
      unsubscribe: (t: string) => {
        topics.delete(t)
        for (const name of ['a', 'b', 'c']) gossip.sendSubscriptions(name, [t], false)
      },
      sendSubscriptions: (to: string, list: string[], subscribe: boolean) => {
        told.push(`${to} ${subscribe ? '+' : '-'} ${list.join()}`)
      },
      handleReceivedRpc: async (from: unknown, { subscriptions, messages }: Rpc) => {
        heard.push(`${String(from)} ${subscriptions.length} ${messages.length}`)
      },
    }
    fake = gossip
    return new GossipForwarder(gossip, { topics: max, topicsPerPeer: each }, counters, { gossip: admit, change: admit })
  }
  beforeEach(() => {
    topics = new Set()
    validators.clear()
  })

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

  it("tells a peer of the topics that it follows, and of nobody else's", () => {
    const forwarder = make()
    const follow = (name: string, ...list: string[]): void =>
      forwarder.changed(
        peer(name),
        list.map(topic => ({ topic, subscribe: true })),
      )
    follow('a', '/tandem/x', '/tandem/y')
    expect(told.splice(0)).toEqual(['a + /tandem/x', 'a + /tandem/y'])
    follow('b', '/tandem/x', '/tandem/y', '/tandem/z')
    expect(told.splice(0)).toEqual(['b + /tandem/z', 'b + /tandem/x,/tandem/y'])
    follow('b', '/tandem/x')
    // what gossipsub tells each newcomer, and b's stream when it is there at last
    for (const name of ['c', 'b']) fake.sendSubscriptions(name, [...topics], true)
    expect(told.splice(0)).toEqual(['b + /tandem/x,/tandem/y,/tandem/z'])
    forwarder.gone(peer('b'))
    expect(told).toEqual([])
  })

  it('takes only topics of this application, and only so many', () => {
    const forwarder = make(2)
    forwarder.changed(
      peer('a'),
      ['other/x', '/tandem/', `/tandem/${'x'.repeat(121)}`, '/tandem/1', '/tandem/2', '/tandem/3'].map(topic => ({
        topic,
        subscribe: true,
      })),
    )
    expect([...topics]).toEqual(['/tandem/1', '/tandem/2'])
    forwarder.gone(peer('a'))
    forwarder.changed(peer('a'), [{ topic: '/tandem/3', subscribe: true }])
    expect([...topics]).toEqual(['/tandem/3'])
    expect(counters.refusals.topics).toBe(1)
  })

  it('gives one peer only so many, and leaves room for others', () => {
    const forwarder = make(10, 2)
    forwarder.changed(
      peer('a'),
      ['/tandem/1', '/tandem/1', '/tandem/2', '/tandem/3'].map(topic => ({ topic, subscribe: true })),
    )
    forwarder.changed(peer('b'), [{ topic: '/tandem/3', subscribe: true }])
    expect([...topics]).toEqual(['/tandem/1', '/tandem/2', '/tandem/3'])
    expect(counters.refusals['topics-per-peer']).toBe(1)
  })

  it('counts what it forwards and to how many, and drops what is over the budget', async () => {
    let budget = 4
    const forwarder = make(10, 10, () => budget-- > 0)
    for (const name of ['a', 'b', 'c']) forwarder.changed(peer(name), [{ topic: '/tandem/x', subscribe: true }])
    const judge = (): unknown =>
      validators.get('/tandem/x')?.(peer('a'), { type: 'unsigned', topic: '/tandem/x', data: new Uint8Array(300) })
    expect(await judge()).toBe(TopicValidatorResult.Accept)
    expect(
      await validators.get('/tandem/x')?.(peer('a'), {
        type: 'unsigned',
        topic: '/tandem/x',
        data: new Uint8Array(8_193),
      }),
    ).toBe(TopicValidatorResult.Reject)
    expect(counters).toMatchObject({ gossipMessages: 1, gossipBytes: 300, gossipDeliveries: 2 })
    // before gossipsub has seen it, so that it need not remember it
    await fake.handleReceivedRpc(peer('a'), {
      subscriptions: [1, 2, 3],
      messages: Array.from({ length: 3 }, () => ({ data: new Uint8Array(1) })),
    })
    expect(heard).toEqual(['a 3 1'])
    for (const name of ['a', 'b', 'c']) forwarder.gone(peer(name))
    expect(validators.size).toBe(0)
  })
})

describe('relay', () => {
  let dataDir: string
  const running: RunningRelay[] = []
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tandem-relay-'))
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(relay => relay.close()))
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
    expect(await response.json()).toEqual({
      ok: true,
      peerId: relay.peerId,
      addrs: relay.addrs,
      reservations: 0,
      uptimeS: expect.any(Number) as number,
    })
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

  it('keeps it where it is told, and refuses one that others may read', async () => {
    const keyFile = join(dataDir, 'keys', 'relay')
    const first = await start({ keyFile })
    await running.pop()?.close()
    chmodSync(keyFile, 0o640)
    await expect(start({ keyFile })).rejects.toThrow(
      `the relay key ${keyFile} may be read by others (mode 640): run chmod 600 on it`,
    )
    chmodSync(keyFile, 0o600)
    expect((await start({ keyFile })).peerId).toBe(first.peerId)
  })

  it('does not overwrite a damaged key', async () => {
    writeFileSync(join(dataDir, 'peer.key'), 'garbage', { mode: 0o600 })
    await expect(start()).rejects.toThrow('is damaged')
    expect(readFileSync(join(dataDir, 'peer.key'), 'utf8')).toBe('garbage')
  })

  it('moves to the next port when its own is taken', async () => {
    const blocker = createServer()
    const port = await new Promise<number>(resolve => {
      blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port))
    })
    try {
      const relay = await start({ port })
      expect(relay.port).toBeGreaterThan(port)
      expect(relay.addrs[0]).toContain(`/tcp/${relay.port}/ws/p2p/${relay.peerId}`)
      await expect(start({ port, exactPort: true })).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`)
    } finally {
      blocker.close()
    }
  })

  it('tells the addresses that it was told to announce', async () => {
    const relay = await start({ announce: ['/dns4/relay.example/tcp/443/wss'] })
    expect(relay.addrs).toEqual([`/dns4/relay.example/tcp/443/wss/p2p/${relay.peerId}`])
  })
})
