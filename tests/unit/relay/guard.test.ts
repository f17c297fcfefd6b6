import { BlockList } from 'node:net'
import { describe, expect, it } from 'vitest'
import { clientIp, limitKey, parseTrusted } from '../../../relay/addresses'
import { Guard } from '../../../relay/guard'
import { DEFAULT_LIMITS, type RelayLimits } from '../../../relay/limits'
import { RelayLog } from '../../../relay/log'
import { Counters, renderMetrics } from '../../../relay/metrics'

describe('whose address counts', () => {
  const proxies = parseTrusted(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32']) ?? new BlockList()

  it.each([
    ['203.0.113.7', '198.51.100.1', '203.0.113.7', 'a stranger says nothing about himself'],
    ['127.0.0.1', '198.51.100.1', '198.51.100.1', 'a proxy names its client'],
    ['::ffff:127.0.0.1', '198.51.100.1:4711', '198.51.100.1', 'in the clothes of IPv6, and with a port'],
    [
      '127.0.0.1',
      '1.2.3.4, 198.51.100.1, 10.1.1.1',
      '198.51.100.1',
      'the last that is no proxy: what the client wrote before is ignored',
    ],
    ['127.0.0.1', '198.51.100.1, junk', '127.0.0.1', 'what is no address ends the reading'],
    ['127.0.0.1', undefined, '127.0.0.1', 'a proxy that says nothing'],
    ['2001:db8::1', '[2001:470::5]:80', '2001:470::5', 'IPv6 in brackets'],
  ])('%s, forwarded %s: %s (%s)', (socket, forwarded, ip, _why) => {
    expect(clientIp(socket, forwarded, proxies)).toBe(ip)
  })

  it('counts an IPv6 customer by the /64, however it is written', () => {
    expect(limitKey('203.0.113.7')).toBe('203.0.113.7')
    const same = ['2001:db8:0:1::1', '2001:db8:0:1:ffff:1:2:3', '2001:0db8:0000:0001::abcd']
    expect(new Set(same.map(limitKey))).toEqual(new Set(['2001:db8:0:1::/64']))
    expect(limitKey('2001:db8:0:2::1')).not.toBe(limitKey('2001:db8:0:1::1'))
    expect(limitKey('::1')).toBe('0:0:0:0::/64')
  })

  it.each(['10.0.0.0/33', '10.0.0', 'x', '10.0.0.0/8/8', '::/129', '10.0.0.0/'])(
    '%s is no address of a proxy',
    text => {
      expect(parseTrusted([text])).toBeUndefined()
    },
  )
})

describe('Guard', () => {
  function make(limits: Partial<RelayLimits> = {}) {
    let now = 1_000_000
    const circuits = new Map<string, number>()
    const counters = new Counters()
    const guard = new Guard(
      { ...DEFAULT_LIMITS, ...limits },
      counters,
      {
        circuits: peer =>
          peer === undefined ? [...circuits.values()].reduce((a, b) => a + b, 0) : (circuits.get(peer) ?? 0),
        refused: () => undefined,
      },
      () => now,
    )
    return {
      guard,
      counters,
      circuits,
      gater: guard.gater(),
      pass: (ms: number) => {
        now += ms
      },
    }
  }
  const peer = (name: string): never => ({ toString: () => name }) as never

  it('bounds sockets of one IP, and gives the room back', () => {
    const { guard, counters } = make({ connectionsPerIp: 2 })
    expect(['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2'].map(ip => guard.admit(ip))).toEqual([
      undefined,
      undefined,
      'connections-per-ip',
      undefined,
    ])
    guard.left('203.0.113.1')
    expect(guard.admit('203.0.113.1')).toBeUndefined()
    expect(guard.connections).toBe(3)
    expect(counters.refusals['connections-per-ip']).toBe(1)
  })

  it('bounds new sockets per second, with twice as many at once, and lets them in again later', () => {
    const { guard, pass } = make({ connectionsPerIpSecond: 5 })
    const burst = Array.from({ length: 12 }, () => guard.admit('203.0.113.1'))
    expect(burst.filter(r => r === undefined)).toHaveLength(10)
    expect(burst.at(-1)).toBe('connections-per-ip-second')
    pass(1000)
    expect(Array.from({ length: 6 }, () => guard.admit('203.0.113.1')).filter(r => r === undefined)).toHaveLength(5)
  })

  it('bounds all sockets, and takes nobody while it drains', () => {
    const { guard } = make({ connections: 1 })
    expect(guard.admit('203.0.113.1')).toBeUndefined()
    expect(guard.admit('203.0.113.2')).toBe('connections')
    guard.left('203.0.113.1')
    guard.draining = true
    expect(guard.admit('203.0.113.2')).toBe('draining')
  })

  it('forgets quiet IPs, so that strangers with ever new ones do not fill its memory', () => {
    const { guard, pass } = make()
    const kept = (): number => (guard as unknown as { sources: Map<string, unknown> }).sources.size
    for (let i = 0; i < 20_000; i++) {
      const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
      guard.admit(ip)
      guard.left(ip)
      pass(100)
    }
    expect(kept()).toBeLessThanOrEqual(4096)
  })

  it('bounds connections of one peer id', async () => {
    const { guard, gater } = make({ connectionsPerPeer: 2 })
    guard.arrived('a', '203.0.113.1')
    expect(await gater.denyInboundEncryptedConnection?.(peer('a'), undefined as never)).toBe(false)
    guard.arrived('a', '203.0.113.1')
    expect(await gater.denyInboundEncryptedConnection?.(peer('a'), undefined as never)).toBe(true)
    guard.departed('a')
    expect(await gater.denyInboundEncryptedConnection?.(peer('a'), undefined as never)).toBe(false)
  })

  it('bounds places of one IP, lets a holder renew, and counts an expired place no more', async () => {
    const { guard, gater, counters } = make({ reservationsPerIp: 1 })
    for (const name of ['a', 'b']) guard.arrived(name, '203.0.113.1')
    guard.arrived('c', '203.0.113.2')
    const denies = (name: string) => gater.denyInboundRelayReservation?.(peer(name))
    expect(await Promise.all([denies('a'), denies('b')])).toEqual([false, true])
    expect(await denies('a')).toBe(false)
    expect(await denies('c')).toBe(false)
    expect(counters.refusals['reservations-per-ip']).toBe(1)
    guard.vacated('a')
    expect(await denies('b')).toBe(false)
    expect(await denies('a')).toBe(true)
    guard.departed('b')
    expect(await denies('a')).toBe(false)
  })

  it('bounds circuits, of one peer and in all', async () => {
    const { gater, circuits } = make({ circuitsPerPeer: 2, circuits: 3 })
    const denies = (name: string) => gater.denyOutboundRelayedConnection?.(peer(name), peer('z'))
    circuits.set('a', 2)
    expect([await denies('a'), await denies('b')]).toEqual([true, false])
    circuits.set('b', 1)
    expect(await denies('b')).toBe(true)
  })

  it('bounds gossip by messages and by bytes, and keeps no entry of who is gone', () => {
    const { guard, counters, pass } = make({ gossipPerSecond: 2, gossipBytesPerSecond: 10_000 })
    guard.arrived('a', '203.0.113.1')
    expect(Array.from({ length: 21 }, () => guard.gossip('a', 1)).filter(Boolean)).toHaveLength(20)
    pass(1000)
    expect(Array.from({ length: 3 }, () => guard.gossip('a', 1)).filter(Boolean)).toHaveLength(2)
    guard.arrived('b', '203.0.113.1')
    expect([guard.gossip('b', 90_000), guard.gossip('b', 20_000)]).toEqual([true, false])
    expect(counters.refusals['gossip-rate']).toBe(3)
    for (const name of ['a', 'b']) guard.departed(name)
    guard.gossip('gone', 1)
    expect((guard as unknown as { talkers: Map<string, unknown> }).talkers.size).toBe(0)
  })

  it('bounds messages of gossipsub, of all streams of a peer together', () => {
    const { guard, pass } = make({ gossipPerSecond: 2 })
    for (const name of ['a', 'b']) guard.arrived(name, '203.0.113.1')
    expect(guard.rpcs('a', 400)).toBe(0)
    expect([guard.rpcs('a', 1), guard.rpcs('b', 1)]).toEqual([50, 0])
    pass(550)
    expect([guard.rpcs('a', 10), guard.rpcs('a', 1)]).toEqual([0, 50])
  })

  it('bounds how often a peer changes what it follows', () => {
    const { guard, counters, pass } = make({ topicsPerPeer: 2 })
    guard.arrived('a', '203.0.113.1')
    expect(Array.from({ length: 5 }, () => guard.change('a'))).toEqual([true, true, true, true, false])
    pass(100)
    expect([guard.change('a'), guard.change('a')]).toEqual([true, false])
    expect(counters.refusals['gossip-rate']).toBe(2)
  })

  it('lets nobody make it dial', async () => {
    const { gater } = make()
    expect([await gater.denyDialPeer?.(peer('a')), await gater.denyDialMultiaddr?.(undefined as never)]).toEqual([
      true,
      true,
    ])
  })
})

describe('what the operator sees', () => {
  const now = { connections: 3, reservations: 2, circuits: 1, topics: 4, draining: false }

  it('is the text format of Prometheus: each metric with help and type, each sample a number', () => {
    const counters = new Counters()
    counters.refuse('gossip-rate')
    const text = renderMetrics(counters, now, 5_000)
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (counter|gauge)|[a-z_]+(\{[a-z]+="[a-z-]+"\})? \d+(\.\d+)?(e[+-]?\d+)?)$/,
      )
    }
    expect(text).toContain('tandem_relay_refusals_total{reason="gossip-rate"} 1\n')
    expect(text).toContain('tandem_relay_refusals_total{reason="connections"} 0\n')
    expect(text).toContain('tandem_relay_reservations 2\n')
    expect(text).toContain('process_start_time_seconds 5\n')
  })

  it('is a log without addresses, in which refusals are summed up', () => {
    const lines: string[] = []
    const log = new RelayLog({ format: 'json', addresses: false }, line => lines.push(line))
    log.event('started', { port: 1, ip: '203.0.113.1', peer: 'a' })
    for (let i = 0; i < 3; i++) log.refused('connections', { ip: '203.0.113.1' })
    expect(lines).toHaveLength(1)
    log.flush()
    log.flush()
    expect(lines.map(line => JSON.parse(line) as unknown)).toEqual([
      { at: expect.any(String) as string, event: 'started', port: 1 },
      { at: expect.any(String) as string, event: 'refused', reason: 'connections', count: 3 },
    ])
  })

  it('names addresses when told to, and says nothing when told so', () => {
    const lines: string[] = []
    new RelayLog({ format: 'text', addresses: true }, line => lines.push(line)).refused('connections', {
      ip: '203.0.113.1',
    })
    new RelayLog({ format: 'none', addresses: true }, line => lines.push(line)).event('started')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\S+ refused reason=connections ip=203\.0\.113\.1\n$/)
  })
})
