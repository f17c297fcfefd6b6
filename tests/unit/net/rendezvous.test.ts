import { describe, expect, it } from 'vitest'
import { RelaySelection } from '../../../services/core/net/relay-selection'
import {
  candidates,
  ownRelays,
  rankRelays,
  relayOfAddress,
  relayPeerId,
  type RelayLife,
} from '../../../services/core/net/rendezvous'
import type { RelayStatus } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'

const relay = (i: number): string => `/dns4/r${i}.test/tcp/443/wss/p2p/12D3KooWRelay${i}`
const relays = Array.from({ length: 8 }, (_, i) => relay(i))

describe('rendezvous', () => {
  it('gives everybody the same order, whatever the order of the list, and spreads peers', () => {
    const a = rankRelays('peerA', relays)
    expect(rankRelays('peerA', [...relays].reverse())).toEqual(a)
    expect([...a].sort()).toEqual([...relays].sort())
    const firsts = new Set(Array.from({ length: 64 }, (_, i) => rankRelays(`peer${i}`, relays)[0]))
    expect(firsts.size).toBeGreaterThan(4)
  })

  it('keeps the rank of a relay that moves to another host, and ignores entries that are no relay', () => {
    const before = rankRelays('p', relays)
    const moved = before.map(r => (r === before[2] ? r.replace('.test', '.example') : r))
    expect(rankRelays('p', moved).map(relayPeerId)).toEqual(before.map(relayPeerId))
    expect(rankRelays('p', ['/dns4/x/tcp/1/ws', `${relay(1)}/p2p-circuit/p2p/abc`, relay(1), relay(1)])).toEqual([
      relay(1),
    ])
  })

  it('reserves on the first two live ones; a dead one is tried again beside them', () => {
    const ranked = rankRelays('p', relays)
    const life =
      (states: Record<number, RelayLife>) =>
      (r: string): RelayLife =>
        states[ranked.indexOf(r)] ?? 'pending'
    expect(ownRelays('p', relays, life({}))).toEqual([ranked[0], ranked[1]])
    expect(ownRelays('p', relays, life({ 0: 'dead' }))).toEqual([ranked[1], ranked[2]])
    expect(ownRelays('p', relays, life({ 0: 'probe', 1: 'live', 2: 'live' }))).toEqual([
      ranked[0],
      ranked[1],
      ranked[2],
    ])
    expect(ownRelays('p', [relay(0)], () => 'dead')).toEqual([relay(0)])
  })

  it('orders candidates: WebRTC through each relay, known ones first, then plain circuits; only listed relays', () => {
    const ranked = rankRelays('p', relays)
    const known = ranked[6] ?? ''
    const list = candidates('p', relays, [known, '/dns4/evil.test/tcp/1/ws/p2p/12D3KooWEvil'])
    const order = [known, ...ranked.slice(0, 4)]
    expect(list.map(c => [c.kind, c.relay])).toEqual([
      ...order.map(r => ['webrtc', r]),
      ...order.map(r => ['relay', r]),
    ])
    expect(list[0]?.address).toBe(`${known}/p2p-circuit/webrtc/p2p/p`)
    expect(list[5]?.address).toBe(`${known}/p2p-circuit/p2p/p`)
    expect(relayOfAddress(list[0]?.address ?? '')).toBe(relayPeerId(known))
  })
})

describe('RelaySelection', () => {
  it('moves on from a dead relay, asks it again after its cool-down, and returns to it', async () => {
    const clock = new FakeClock()
    const asked: string[][] = []
    const transport = {
      peerId: 'p',
      relays: (): RelayStatus[] => [],
      setRelays: async (list: readonly string[]): Promise<void> => {
        asked.push([...list])
      },
    }
    const selection = new RelaySelection({
      transport,
      clock,
      onError: e => {
        throw e
      },
    })
    const [r1, r2, r3] = rankRelays('p', relays) as [string, string, string]
    selection.setList('app', relays)
    expect(asked).toEqual([])
    selection.start()
    expect(asked.pop()).toEqual([r1, r2])
    selection.onRelay({ address: r2, state: 'reserved' })
    selection.onRelay({ address: r1, state: 'unreachable' })
    expect(asked.pop()).toEqual([r2, r3])
    selection.onRelay({ address: r3, state: 'reserved' })
    await clock.advance(59_999)
    expect(asked).toEqual([])
    await clock.advance(1)
    expect(asked.pop()).toEqual([r1, r2, r3])
    selection.onRelay({ address: r1, state: 'reserved' })
    expect(asked.pop()).toEqual([r1, r2])
    selection.stop()
    expect(clock.pending).toBe(0)
  })

  it('on wake asks all that were dead, beside those that live, which it keeps', async () => {
    const clock = new FakeClock()
    const asked: string[][] = []
    const transport = {
      peerId: 'p',
      relays: (): RelayStatus[] => [],
      setRelays: async (list: readonly string[]): Promise<void> => {
        asked.push([...list])
      },
    }
    const selection = new RelaySelection({
      transport,
      clock,
      onError: e => {
        throw e
      },
    })
    const ranked = rankRelays('p', relays)
    const [r1, r2, r3] = ranked as [string, string, string]
    selection.setList('app', relays)
    selection.start()
    selection.onRelay({ address: r1, state: 'unreachable' })
    selection.onRelay({ address: r2, state: 'reserved' })
    selection.onRelay({ address: r3, state: 'reserved' })
    expect(asked.pop()).toEqual([r2, r3])
    selection.wake()
    expect(asked.pop()).toEqual([r1, r2, r3])
    // no network at all: everything is dead, and wake asks everything
    for (const address of ranked) selection.onRelay({ address, state: 'unreachable' })
    selection.wake()
    expect(asked.pop()).toEqual(ranked)
    selection.stop()
    expect(clock.pending).toBe(0)
  })
})
