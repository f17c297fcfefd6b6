import { describe, expect, it } from 'vitest'
import { connectPeer } from '../../../services/core/net/connect'
import { PeerConnectionBudget } from '../../../services/core/net/peer-connection-budget'
import { candidates } from '../../../services/core/net/rendezvous'
import { ATTEMPTS_KEPT, Timeline } from '../../../services/core/net/timeline'
import type { ConnectionInfo, DialOptions } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'

const RELAY = '/dns4/r1.test/tcp/443/wss/p2p/12D3KooWRelay1'
type Dial = (options: DialOptions, address: string) => Promise<void>

/** Dials that take the time and the course that the test says. */
function world(dial: Dial, pingMs = 10) {
  const clock = new FakeClock()
  const wait = (ms: number): Promise<void> =>
    new Promise(resolve => {
      clock.after(ms, resolve)
    })
  let n = 0
  const transport = {
    peerId: 'me',
    connections: (): ConnectionInfo[] => [],
    async dial(peerId: string, address: string, options: DialOptions): Promise<ConnectionInfo> {
      await dial(options, address)
      return {
        id: `c${n++}`,
        peerId,
        kind: address.includes('/webrtc') ? 'webrtc' : 'relay',
        direction: 'outbound',
        openedAt: clock.now(),
      }
    },
    async ping(): Promise<number> {
      await wait(pingMs)
      return pingMs
    },
    async closeConnection(): Promise<void> {
      /* nothing to close */
    },
  }
  const timeline = new Timeline(clock)
  const watched = timeline.watch(transport)
  const connect = async (peerId = 'bob') => {
    const done = connectPeer({
      transport: watched,
      clock,
      peerId,
      candidates: candidates(peerId, [RELAY], []),
      budget: new PeerConnectionBudget(() => 0),
      deadlineMs: 30_000,
    })
    await clock.advance(30_000)
    return done
  }
  return { clock, wait, timeline, watched, connect }
}

const fact = (kind: 'host' | 'srflx' | 'mdns', side: 'local' | 'remote', port = 1) =>
  ({ type: 'candidate', side, candidate: { kind, protocol: 'udp', port } }) as const

describe('the timeline of a member', () => {
  it('has every step of a WebRTC dial with its duration, the candidates, and the ping that proved it', async () => {
    const w = world(async ({ onStep, onFact }) => {
      await w.wait(5)
      onStep?.('relay')
      await w.wait(20)
      onStep?.('sdp')
      onFact?.({ type: 'step', step: 'sdp' })
      onFact?.(fact('mdns', 'local'))
      await w.wait(30)
      onStep?.('ice')
      onFact?.(fact('srflx', 'local', 7))
      onFact?.(fact('host', 'remote'))
      await w.wait(40)
      onFact?.({ type: 'step', step: 'dtls' })
      await w.wait(8)
      onFact?.({ type: 'open' })
    })
    expect((await w.connect()).ok).toBe(true)
    const [attempt, ...none] = w.timeline.attempts('bob')
    expect(none).toEqual([])
    expect(attempt).toMatchObject({
      direction: 'outbound',
      via: 'webrtc',
      relay: '12D3KooWRelay1',
      state: 'connected',
      ms: 113,
      local: { mdns: 1, srflx: 1 },
      remote: { host: 1 },
      nat: 'reflexive',
    })
    expect(attempt?.steps.map(s => [s.step, s.ms])).toEqual([
      ['resolve', 5],
      ['relay', 20],
      ['sdp', 30],
      ['ice', 40],
      ['dtls', 8],
      ['ping', 10],
    ])
  })

  it('keeps the raw error of each try, the newest first', async () => {
    const w = world(async ({ onStep }, address) => {
      onStep?.('relay')
      await w.wait(15)
      throw Object.assign(
        new Error(
          address.includes('/webrtc') ? 'failed to connect via relay with status CONNECTION_FAILED' : 'NO_RESERVATION',
        ),
        { name: 'InvalidMessageError' },
      )
    })
    expect((await w.connect()).ok).toBe(false)
    expect(w.timeline.attempts('bob').map(a => [a.via, a.state, a.ms, a.error])).toEqual([
      ['relay', 'failed', 15, 'InvalidMessageError: NO_RESERVATION'],
      ['webrtc', 'failed', 15, 'InvalidMessageError: failed to connect via relay with status CONNECTION_FAILED'],
    ])
  })

  it('tells the answer to an offer as well', () => {
    const clock = new FakeClock()
    const timeline = new Timeline(clock)
    timeline.onAnswer(1, 'bob', { type: 'step', step: 'sdp' })
    timeline.onAnswer(2, 'bob', { type: 'step', step: 'sdp' })
    timeline.onAnswer(1, 'bob', fact('host', 'local'))
    timeline.onAnswer(1, 'bob', { type: 'step', step: 'ice' })
    timeline.onAnswer(1, 'bob', { type: 'open' })
    timeline.onAnswer(2, 'bob', { type: 'failed', error: 'ICE or DTLS failed' })
    expect(timeline.attempts('bob')).toMatchObject([
      { direction: 'inbound', state: 'failed', error: 'ICE or DTLS failed', local: {} },
      { direction: 'inbound', state: 'connected', local: { host: 1 }, nat: 'host-only' },
    ])
  })

  it('stays bounded whatever peers send', async () => {
    const w = world(async ({ onFact }) => {
      for (let i = 0; i < 5_000; i++) onFact?.(fact('srflx', 'remote', i))
    })
    for (let i = 0; i < ATTEMPTS_KEPT + 5; i++)
      await w.watched.dial('bob', `${RELAY}/p2p-circuit/p2p/bob`, { signal: new AbortController().signal })
    const kept = w.timeline.attempts('bob')
    expect(kept).toHaveLength(ATTEMPTS_KEPT)
    expect(kept[0]?.id).toBe(ATTEMPTS_KEPT + 5)
    expect(kept[0]?.remote.srflx).toBe(32)
    for (let i = 0; i < 1_000; i++) w.timeline.onAnswer(i, `stranger ${i}`, { type: 'step', step: 'sdp' })
    expect(
      Array.from({ length: 1_000 }, (_, i) => w.timeline.attempts(`stranger ${i}`).length).filter(Boolean),
    ).toHaveLength(128)
    expect(w.timeline.attempts('bob')).toEqual([])
  })
})
