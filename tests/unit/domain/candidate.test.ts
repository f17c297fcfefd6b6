import { describe, expect, it } from 'vitest'
import { natHint, parseCandidate, type CandidateFact } from '../../../services/core/domain/candidate'

const lines = {
  host: 'candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 ufrag abcd network-cost 999',
  mdns: 'candidate:2 1 udp 2113937151 0b6a1b0e-8d1c-4c5f-9d3b-6a6c0e1f2a3b.local 50001 typ host',
  tcp: 'candidate:3 1 tcp 1518214911 192.0.2.7 9 typ host tcptype active',
  srflx: 'candidate:4 1 udp 1677729535 198.51.100.4 61000 typ srflx raddr 0.0.0.0 rport 0',
  relay: 'a=candidate:5 1 UDP 41885439 203.0.113.9 49152 typ relay raddr 198.51.100.4 rport 61000',
  v6: 'candidate:6 1 udp 2113937151 2001:db8::7 50002 typ host',
}

describe('a candidate line', () => {
  it('gives kind, protocol, IP version and port, and no address', () => {
    expect(Object.values(lines).map(parseCandidate)).toEqual([
      { kind: 'host', protocol: 'udp', family: 4, port: 50_000 },
      { kind: 'mdns', protocol: 'udp', port: 50_001 },
      { kind: 'host', protocol: 'tcp', family: 4, port: 9 },
      { kind: 'srflx', protocol: 'udp', family: 4, port: 61_000 },
      { kind: 'relay', protocol: 'udp', family: 4, port: 49_152 },
      { kind: 'host', protocol: 'udp', family: 6, port: 50_002 },
    ])
  })

  it.each([
    '',
    'candidate:',
    'candidate:1 1 udp 1 192.0.2.7 50000',
    'x 1 udp 1 192.0.2.7 50000 typ host',
    'candidate:1 1 sctp 1 192.0.2.7 50000 typ host',
    'candidate:1 1 udp 1 192.0.2.7 99999 typ host',
    'candidate:1 1 udp 1 192.0.2.7 1e3x typ host',
    'candidate:1 1 udp 1 192.0.2.7 5 typ __proto__',
    'a '.repeat(100_000),
  ])('%# that is none is none', line => {
    expect(parseCandidate(line)).toBeUndefined()
  })
})

describe('what candidates tell of the network', () => {
  const of = (...facts: Array<Partial<CandidateFact>>): CandidateFact[] =>
    facts.map(f => ({ kind: 'host', protocol: 'udp', family: 4, port: 1, ...f }))
  it.each([
    ['nothing', of(), 'none'],
    ['only the own network', of({ kind: 'mdns' }, { protocol: 'tcp' }), 'host-only'],
    ['one outside port for one socket', of({}, { kind: 'srflx', port: 9 }), 'reflexive'],
    ['the same port told by two servers', of({}, { kind: 'srflx', port: 9 }, { kind: 'srflx', port: 9 }), 'reflexive'],
    [
      'two sockets, one outside port each',
      of({ port: 1 }, { port: 2 }, { kind: 'srflx', port: 8 }, { kind: 'srflx', port: 9 }),
      'reflexive',
    ],
    [
      'one socket, another port for each server',
      of({ kind: 'mdns' }, { kind: 'srflx', port: 8 }, { kind: 'srflx', port: 9 }),
      'symmetric-likely',
    ],
    ['a TURN server alone', of({ kind: 'relay' }), 'relay-only'],
  ] as const)('%s', (_, facts, hint) => {
    expect(natHint(facts)).toBe(hint)
  })
})
