import { describe, expect, it } from 'vitest'
import { redactAddresses } from '../../../services/core/domain/redact'
import { healthReport, type HealthReportInput } from '../../../services/core/net/health-report'

const PEER = '12D3KooWMCutFtoEhGKPyYn2fMtXqCcLLbc8VTrz2y6m4jGaREGx'
const RELAY = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const input: HealthReportInput = {
  build: '0.1.0 abc1234',
  browser: 'Chrome/140.0.0.0',
  online: true,
  at: '2026-01-01T00:00:00.000Z',
  now: 100_000,
  clockOffsetMs: null,
  relayOnly: false,
  relays: [
    { address: `/ip4/203.0.113.9/tcp/443/wss/p2p/${RELAY}`, state: 'reserved', origin: 'app', latencyMs: 12.4 },
    { address: `/dns4/relay.example/tcp/443/wss/p2p/${RELAY}`, state: 'idle', origin: 'wallet' },
  ],
  ice: [{ turn: true }, { turn: false }],
  chains: [{ network: 'signet', state: 'synced', height: 5 }],
  links: [
    {
      peerId: PEER,
      kind: 'webrtc',
      rttMs: 3.2,
      openedAt: 40_000,
      localCandidate: 'host',
      remoteCandidate: 'srflx',
      nat: 'host-only',
      attempts: [
        {
          id: 1,
          direction: 'outbound',
          via: 'webrtc',
          relay: RELAY,
          at: 30_000,
          ms: 812,
          state: 'failed',
          steps: [{ step: 'relay', at: 30_000, ms: 12.2 }],
          local: { mdns: 1 },
          remote: { srflx: 2 },
          nat: 'host-only',
          error: `Error: dial ${PEER} at 192.168.1.7:5000 and 2001:db8::7 failed`,
        },
      ],
    },
  ],
  log: [],
}

const entry = (number: number, fields: Record<string, string | number> = {}) => ({
  number,
  at: 88_000,
  level: 'warn' as const,
  event: `event-${number}`,
  fields,
})

describe('the report', () => {
  it('tells states, steps and times, and neither addresses nor peer ids', () => {
    const text = healthReport(input, false)
    for (const part of [
      '0.1.0 abc1234',
      'Chrome/140.0.0.0',
      '"latencyMs": 12',
      '70 s ago outbound webrtc failed 812 ms: relay 12',
      'own candidates mdns 1; theirs srflx 2',
      '[private IPv4]:5000',
      '[public IPv6]',
      '[public IPv4]/tcp/443',
      '/dns4/relay.example/',
      '"openForS": 60',
      '"stun": 1',
      '"turn": 1',
    ])
      expect(text).toContain(part)
    for (const part of [PEER, RELAY, '192.168', '203.0.113', '2001:db8']) expect(text).not.toContain(part)
  })

  it('has them when asked for', () => {
    const text = healthReport(input, true)
    for (const part of [PEER, '192.168.1.7', '2001:db8::7']) expect(text).toContain(part)
  })
})

describe('the log in the report', () => {
  const logged = (log: HealthReportInput['log'], withAddresses = false): string[] =>
    (JSON.parse(healthReport({ ...input, log }, withAddresses)) as { log: string[] }).log

  it('tells when, how grave, what and with which values', () => {
    expect(logged([entry(1), entry(2, { reason: 'rate', count: 3 })])).toEqual([
      '12 s ago warn event-1',
      '12 s ago warn event-2: reason=rate, count=3',
    ])
  })

  it('tells the last hundred', () => {
    const lines = logged(Array.from({ length: 250 }, (_, i) => entry(i + 1)))
    expect(lines).toHaveLength(100)
    expect([lines[0], lines.at(-1)]).toEqual(['12 s ago warn event-151', '12 s ago warn event-250'])
  })

  it('has no address and no peer id unless asked for', () => {
    const log = [entry(1, { peer: PEER, error: 'dial 192.168.1.7 failed' })]
    expect(logged(log)[0]).toBe(
      `12 s ago warn event-1: peer=[peer …${PEER.slice(-4)}], error=dial [private IPv4] failed`,
    )
    expect(logged(log, true)[0]).toBe(`12 s ago warn event-1: peer=${PEER}, error=dial 192.168.1.7 failed`)
  })
})

describe('taking addresses out', () => {
  it.each([
    ['127.0.0.1', '[loopback]'],
    ['10.1.2.3', '[private IPv4]'],
    ['172.16.0.1', '[private IPv4]'],
    ['172.40.0.1', '[public IPv4]'],
    ['100.64.1.1', '[private IPv4]'],
    ['169.254.1.1', '[private IPv4]'],
    ['8.8.8.8', '[public IPv4]'],
    ['::1', '[loopback]'],
    ['fe80::1', '[private IPv6]'],
    ['fd00::1', '[private IPv6]'],
    ['[2001:db8::1]:443', '[[public IPv6]]:443'],
    ['0b6a1b0e-8d1c-4c5f-9d3b-6a6c0e1f2a3b.local', '[mDNS name]'],
    ['ab'.repeat(32), '[long text]'],
    ['"at": 12:30', '"at": 12:30'],
    ['2026-01-01T10:20:30.000Z', '2026-01-01T10:20:30.000Z'],
  ])('%s becomes %s', (from, to) => {
    expect(redactAddresses(from)).toBe(to)
  })
})
