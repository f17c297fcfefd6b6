import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../services/core/domain/token-bucket'
import { CLOCK_OFFSET_MS } from '../../../services/core/net/hello'
import type { MessageOf } from '../../../services/core/net/inbound-streams'
import { Links, type LinkEvent } from '../../../services/core/net/links'
import { backoffMs } from '../../../services/core/net/backoff'
import { encodeFrame } from '../../../services/core/wire/codec'
import { LIMITS } from '../../../services/core/wire/limits'
import { PROTOCOLS, type Hello, type ProtocolName } from '../../../services/core/wire/messages'
import type { Clock } from '../../../services/ports/clock'
import type { Channel } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'
import { createFakeLog } from '../../fakes/log'
import { fakePeer } from '../../fakes/peers'
import { createMemoryNetwork, type MemoryNetwork, type MemoryTransport } from '../../fakes/transport'

const [alice, bob] = [fakePeer('alice').peerId, fakePeer('bob').peerId]
const leave = (i: number): MessageOf['join'] => ({ type: 'leave', draftId: i.toString(16).padStart(64, '0') })

interface Node {
  transport: MemoryTransport
  links: Links
  events: LinkEvent[]
  got: string[]
  ups: string[]
  allow: { value: boolean }
}
interface World {
  clock: FakeClock
  network: MemoryNetwork
  relay: string
  node(peerId: string, options?: { startedAt?: number; instance?: string; skewMs?: number }): Promise<Node>
  join(from: Node, to: string, kind?: 'webrtc' | 'relay'): Promise<void>
}

function world(): World {
  const clock = new FakeClock()
  const network = createMemoryNetwork({ clock })
  const relay = network.relay()
  return {
    clock,
    network,
    relay,
    async node(peerId, options = {}) {
      const transport = network.transport(peerId, { relays: [relay] })
      await transport.start()
      const events: LinkEvent[] = []
      const got: string[] = []
      const ups: string[] = []
      const allow = { value: true }
      const skewed: Clock = { now: () => clock.now() + (options.skewMs ?? 0), after: (ms, fn) => clock.after(ms, fn) }
      const links = new Links({
        transport,
        clock: skewed,
        entropy: createFakeEntropy(peerId),
        log: createFakeLog(),
        allowed: () => allow.value,
        onEvent: e => events.push(e),
        self: {
          instance: options.instance ?? 'aa'.repeat(16),
          startedAt: options.startedAt ?? clock.now(),
          build: 'test',
        },
      })
      links.onMessage('join', (from, m) => {
        got.push('draftId' in m ? `${from === alice ? 'alice' : 'bob'} ${parseInt(m.draftId, 16)}` : '')
      })
      links.onLink((_, protocol, up) => ups.push(`${protocol} ${up ? 'up' : 'down'}`))
      return { transport, links, events, got, ups, allow }
    },
    async join(from, to, kind = 'webrtc') {
      const address = `${relay}/p2p-circuit/${kind === 'webrtc' ? 'webrtc/' : ''}p2p/${to}`
      await from.transport.dial(to, address, { signal: new AbortController().signal })
      await clock.settle()
    },
  }
}

const hello = (change: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  versions: [1],
  instance: 'cc'.repeat(16),
  startedAt: 1_800_000_000_000,
  clock: 1_800_000_000_000,
  build: 'raw',
  ...change,
})

/** A client that is not ours: a bare stream to `to`. */
async function raw(
  from: MemoryTransport,
  to: string,
  protocol: ProtocolName = 'join',
): Promise<{ channel: Channel; frames: AsyncIterator<Uint8Array> }> {
  const connection = from.connections(to)[0]
  if (!connection) throw new Error('not connected')
  const channel = await from.open(connection.id, PROTOCOLS[protocol], { signal: new AbortController().signal })
  return { channel, frames: channel.frames()[Symbol.asyncIterator]() }
}

describe('links', () => {
  it('carries messages in order in both directions, hello first, over one stream each', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    await w.join(a, bob)
    const sent = await Promise.all([
      a.links.send(bob, 'join', leave(1)),
      a.links.send(bob, 'join', leave(2)),
      b.links.send(alice, 'join', leave(3)),
    ])
    expect(sent).toEqual([true, true, true])
    await w.clock.settle()
    expect(b.got).toEqual(['alice 1', 'alice 2'])
    expect(a.got).toEqual(['bob 3'])
    expect(a.links.counters()).toEqual({ outgoing: 1, inbound: 1 })
    expect(a.links.isUp(bob, 'join')).toBe(true)
  })

  it('says false at once without a connection, and to who may not be spoken to', async () => {
    const w = world()
    const a = await w.node(alice)
    await w.node(bob)
    expect(await a.links.send(bob, 'join', leave(1))).toBe(false)
    await w.join(a, bob)
    a.allow.value = false
    expect(await a.links.send(bob, 'join', leave(1))).toBe(false)
  })

  it('a kept link opens with the connection and again after it was lost', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    a.links.keep(bob, 'join', true)
    await w.join(a, bob)
    expect(a.ups).toEqual(['join up'])
    w.network.drop(alice, bob)
    await w.clock.settle()
    expect(a.ups).toEqual(['join up', 'join down'])
    expect(await a.links.send(bob, 'join', leave(1))).toBe(false)
    await w.join(a, bob)
    expect(a.ups.at(-1)).toBe('join up')
    expect(await a.links.send(bob, 'join', leave(2))).toBe(true)
    await w.clock.settle()
    expect(b.got).toEqual(['alice 2'])
  })

  it('moves from a relayed to a WebRTC connection without losing a message', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    a.links.keep(bob, 'join', true)
    await w.join(a, bob, 'relay')
    await w.clock.advance(250)
    expect(a.ups).toEqual(['join up'])
    const before = Array.from({ length: 10 }, (_, i) => a.links.send(bob, 'join', leave(i)))
    await w.join(a, bob)
    const after = Array.from({ length: 10 }, (_, i) => a.links.send(bob, 'join', leave(10 + i)))
    await w.clock.settle()
    expect((await Promise.all([...before, ...after])).every(Boolean)).toBe(true)
    expect(b.got).toEqual(Array.from({ length: 20 }, (_, i) => `alice ${i}`))
    expect(a.ups).toEqual(['join up', 'join down', 'join up'])
    w.network.drop(alice, bob, ['relay'])
    await w.clock.settle()
    expect(a.ups).toEqual(['join up', 'join down', 'join up'])
    expect(a.links.isUp(bob, 'join')).toBe(true)
  })

  it('waits a moment on a relayed connection that may only carry the offer', async () => {
    const w = world()
    const a = await w.node(alice)
    await w.node(bob)
    a.links.keep(bob, 'join', true)
    await w.join(a, bob, 'relay')
    expect(a.ups).toEqual([])
    await w.join(a, bob)
    expect(a.ups).toEqual(['join up'])
    w.network.drop(alice, bob, ['relay'])
    await w.clock.settle()
    expect(a.ups).toEqual(['join up'])
  })

  it('paces itself below the limit of the other side: 200 messages arrive and nothing is reset', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    await w.join(a, bob)
    const sent = Array.from({ length: 200 }, (_, i) => a.links.send(bob, 'join', leave(i)))
    await w.clock.advance(10_000)
    expect((await Promise.all(sent)).filter(Boolean)).toHaveLength(200)
    expect(b.got).toEqual(Array.from({ length: 200 }, (_, i) => `alice ${i}`))
    expect(a.ups).toEqual(['join up'])
  })

  it('bounds what waits for a slow peer', async () => {
    const w = world()
    const a = await w.node(alice)
    await w.node(bob)
    await w.join(a, bob)
    w.network.goStale(alice, bob)
    const sent = Array.from({ length: 1_000 }, (_, i) => a.links.send(bob, 'join', leave(i)))
    await w.clock.settle()
    const refused = await Promise.race([Promise.all(sent.slice(256)), w.clock.settle().then(() => 'pending')])
    expect(refused).toEqual(Array<boolean>(744).fill(false))
    a.links.stop()
    expect(await Promise.all(sent)).toEqual(Array<boolean>(1_000).fill(false))
  })

  it('a slow handler slows its peer down; a throwing one harms nobody', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    await w.join(a, bob)
    let release: (() => void) | undefined
    let inside = 0
    let most = 0
    b.links.onMessage('join', async () => {
      most = Math.max(most, ++inside)
      await new Promise<void>(resolve => {
        release = resolve
      })
      inside--
      throw new Error('handler trouble')
    })
    void a.links.send(bob, 'join', leave(1))
    void a.links.send(bob, 'join', leave(2))
    await w.clock.settle()
    expect(b.got).toEqual(['alice 1'])
    release?.()
    await w.clock.settle()
    expect(b.got).toEqual(['alice 1', 'alice 2'])
    expect(most).toBe(1)
  })
})

describe('who is served', () => {
  it('serves nobody who is not allowed: no message, no answer', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    b.allow.value = false
    await w.join(a, bob)
    expect(await a.links.send(bob, 'join', leave(1))).toBe(false)
    expect(b.got).toEqual([])
    expect(b.links.counters()).toEqual({ outgoing: 0, inbound: 0 })
  })

  it.each([
    ['garbage after the hello', [encodeFrame('join', hello()), new Uint8Array([1, 2, 3])]],
    ['no hello', [encodeFrame('join', leave(1))]],
    ['a second hello', [encodeFrame('join', hello()), encodeFrame('join', hello())]],
  ])('%s ends the connection for 60 s, then serves again', async (_, frames) => {
    const w = world()
    const a = w.network.transport(alice, { relays: [w.relay] })
    await a.start()
    const b = await w.node(bob)
    const dial = async (): Promise<void> => {
      await a.dial(bob, `${w.relay}/p2p-circuit/webrtc/p2p/${bob}`, { signal: new AbortController().signal })
      await w.clock.settle()
    }
    await dial()
    const { channel } = await raw(a, bob)
    for (const frame of frames) await channel.send(frame).catch(() => undefined)
    await w.clock.settle()
    expect(b.events).toMatchObject([{ type: 'offence', peerId: alice, until: w.clock.now() + 60_000 }])
    expect(b.got).toEqual([])
    expect(a.connections(bob)).toEqual([])
    await expect(dial()).rejects.toThrow('CONNECTION_FAILED')
    await w.clock.advance(60_000)
    await dial()
    const again = await raw(a, bob)
    await again.channel.send(encodeFrame('join', hello()))
    await again.channel.send(encodeFrame('join', leave(7)))
    await w.clock.settle()
    expect(b.got).toEqual(['alice 7'])
    await again.channel.send(new Uint8Array([9]))
    await w.clock.settle()
    expect(b.events.at(-1)).toMatchObject({ type: 'offence', until: w.clock.now() + 120_000 })
  })

  it('drops a stream that says no hello within 10 s, without blame', async () => {
    const w = world()
    const a = w.network.transport(alice, { relays: [w.relay] })
    await a.start()
    const b = await w.node(bob)
    await a.dial(bob, `${w.relay}/p2p-circuit/webrtc/p2p/${bob}`, { signal: new AbortController().signal })
    await raw(a, bob)
    await w.clock.settle()
    expect(b.links.counters().inbound).toBe(1)
    await w.clock.advance(10_000)
    expect(b.links.counters().inbound).toBe(0)
    expect(b.events).toEqual([])
    expect(w.clock.pending).toBe(0)
  })

  it('resets a stream above the message rate and opens at most 8 of one peer', async () => {
    const w = world()
    const a = w.network.transport(alice, { relays: [w.relay] })
    await a.start()
    const b = await w.node(bob)
    await a.dial(bob, `${w.relay}/p2p-circuit/webrtc/p2p/${bob}`, { signal: new AbortController().signal })
    const { channel } = await raw(a, bob)
    await channel.send(encodeFrame('join', hello()))
    for (let i = 0; i < 200; i++) await channel.send(encodeFrame('join', leave(i))).catch(() => undefined)
    await w.clock.settle()
    expect(b.got.length).toBeLessThanOrEqual(LIMITS.messagesPerSecond)
    expect(b.links.counters().inbound).toBe(0)
    for (const protocol of ['join', 'wallet', 'sign'] as const)
      for (let i = 0; i < 6; i++) await raw(a, bob, protocol).catch(() => undefined)
    await w.clock.settle()
    expect(b.links.counters().inbound).toBe(LIMITS.streamsPerPeer)
  })
})

describe('hello', () => {
  /** Streams as a transport hands them up, and what became of each. */
  async function served(w: World, count: number, frames: () => AsyncIterable<Uint8Array>, everyMs = 0) {
    const b = await w.node(bob)
    let serve: (channel: Channel) => void = () => undefined
    const closed: string[] = []
    const links = new Links({
      clock: w.clock,
      entropy: createFakeEntropy('b'),
      log: createFakeLog(),
      allowed: () => true,
      onEvent: e => b.events.push(e),
      self: { instance: 'aa'.repeat(16), startedAt: w.clock.now(), build: 'test' },
      transport: {
        open: () => Promise.reject(new Error('not asked for')),
        handle: (protocol, handler) => {
          if (protocol === PROTOCOLS.join) serve = handler
        },
        connections: () => [{ id: 'c', peerId: alice, kind: 'webrtc', direction: 'inbound', openedAt: 0 }],
        closeConnection: async id => {
          closed.push(id)
        },
        refuse: () => undefined,
        onEvent: () => () => undefined,
      },
    })
    for (let i = 0; i < count; i++) {
      serve({
        peerId: alice,
        connection: { id: 'c', peerId: alice, kind: 'webrtc', direction: 'inbound', openedAt: 0 },
        send: async () => undefined,
        close: async () => undefined,
        abort: () => undefined,
        frames,
      })
      await w.clock.advance(everyMs)
    }
    await w.clock.settle()
    links.stop()
    return { closed, offences: b.events.flatMap(e => (e.type === 'offence' ? [e.reason] : [])) }
  }
  const failing = (name: string) =>
    async function* (): AsyncIterable<Uint8Array> {
      yield encodeFrame<'join'>('join', hello())
      throw Object.assign(new Error(name), { name })
    }

  it('a length that no frame has is an offence', async () => {
    expect(await served(world(), 1, failing('InvalidDataLengthError'))).toEqual({
      closed: ['c'],
      offences: ['frame length'],
    })
  })

  it('a stream that is reset, or too fast, is lost alone; of many in a short time the peer is let go', async () => {
    const fast = failing('RateLimitError')
    expect(await served(world(), 32, fast)).toEqual({ closed: [], offences: [] })
    expect((await served(world(), 40, fast)).offences).toEqual(['failed streams'])
    // as one that reconnects again and again
    expect((await served(world(), 100, fast, 2_500)).offences).toEqual([])
    expect((await served(world(), 100, failing('StreamResetError'))).offences).toEqual([])
  })

  it('streams beyond the eight count too', async () => {
    const open = async function* (): AsyncIterable<Uint8Array> {
      yield encodeFrame<'join'>('join', hello())
      await new Promise(() => undefined)
    }
    expect((await served(world(), 8 + 32, open)).offences).toEqual([])
    expect((await served(world(), 8 + 33, open)).offences).toEqual(['failed streams'])
  })

  it('a flood below the streams is an offence', async () => {
    const w = world()
    const [a, b] = [await w.node(alice), await w.node(bob)]
    await w.join(a, bob)
    b.transport.flooded(alice)
    await w.clock.settle()
    expect(b.events).toContainEqual({ type: 'offence', peerId: alice, reason: 'flood', until: w.clock.now() + 60_000 })
    await expect(w.join(a, bob)).rejects.toThrow('CONNECTION_FAILED')
  })

  it('no common version is an event on both sides, not an offence', async () => {
    const w = world()
    const a = w.network.transport(alice, { relays: [w.relay] })
    await a.start()
    const b = await w.node(bob)
    await a.dial(bob, `${w.relay}/p2p-circuit/webrtc/p2p/${bob}`, { signal: new AbortController().signal })
    const { channel, frames } = await raw(a, bob)
    await channel.send(encodeFrame('join', hello({ versions: [2, 3] })))
    const answer = await frames.next()
    expect(answer.done).toBe(false)
    await w.clock.settle()
    expect(b.events).toEqual([{ type: 'version', peerId: alice, protocol: 'join', versions: [2, 3] }])
    expect((await frames.next()).done).toBe(true)
  })

  it('tells a clock that is more than 2 min off, once, and when it is right again', async () => {
    const w = world()
    const a = await w.node(alice, { skewMs: CLOCK_OFFSET_MS + 1 })
    const b = await w.node(bob)
    await w.join(a, bob)
    await Promise.all([a.links.send(bob, 'join', leave(1)), b.links.send(alice, 'join', leave(1))])
    await w.clock.settle()
    expect(b.events).toEqual([{ type: 'clock-offset', peerId: alice, offsetMs: CLOCK_OFFSET_MS + 1, ok: false }])
    expect(a.events).toEqual([{ type: 'clock-offset', peerId: bob, offsetMs: -CLOCK_OFFSET_MS - 1, ok: false }])
    const c = await w.node(alice, { startedAt: w.clock.now() + 1, instance: 'bb'.repeat(16) })
    await w.join(c, bob)
    await c.links.send(bob, 'join', leave(2))
    expect(b.events.at(-1)).toMatchObject({ type: 'clock-offset', peerId: alice, ok: true })
  })

  it('talks to the newest run of a peer and tells the older, which leaves that peer alone', async () => {
    const w = world()
    const b = await w.node(bob)
    const older = await w.node(alice, { startedAt: 1_000, instance: 'aa'.repeat(16) })
    await w.join(older, bob)
    expect(await older.links.send(bob, 'join', leave(1))).toBe(true)
    const newer = await w.node(alice, { startedAt: 2_000, instance: '00'.repeat(16) })
    await w.join(newer, bob)
    expect(await newer.links.send(bob, 'join', leave(2))).toBe(true)
    await w.clock.settle()
    expect(older.events).toEqual([{ type: 'superseded', by: bob }])
    expect(older.transport.connections(bob)).toEqual([])
    expect(newer.events).toEqual([])
    // and again when it comes back
    await w.join(older, bob)
    expect(await older.links.send(bob, 'join', leave(3))).toBe(false)
    expect(await newer.links.send(bob, 'join', leave(4))).toBe(true)
    await w.clock.settle()
    expect(b.got).toEqual(['alice 1', 'alice 2', 'alice 4'])
  })

  it('refuses an older run while the newer is there, and takes it when that is gone', async () => {
    const w = world()
    const b = await w.node(bob)
    const newer = await w.node(alice, { startedAt: 2_000, instance: 'bb'.repeat(16) })
    await w.join(newer, bob)
    await newer.links.send(bob, 'join', leave(1))
    const older = await w.node(alice, { startedAt: 1_000, instance: 'aa'.repeat(16) })
    await w.join(older, bob)
    expect(await older.links.send(bob, 'join', leave(2))).toBe(false)
    await w.clock.settle()
    expect(older.events).toEqual([{ type: 'superseded', by: bob }])
    await newer.transport.stop()
    newer.links.stop()
    await w.clock.settle()
    const third = await w.node(alice, { startedAt: 1_500, instance: 'cc'.repeat(16) })
    await w.join(third, bob)
    expect(await third.links.send(bob, 'join', leave(3))).toBe(true)
    await w.clock.settle()
    expect(b.got).toEqual(['alice 1', 'alice 3'])
  })
})

describe('stop', () => {
  it('leaves no stream and no timer', async () => {
    const w = world()
    const a = await w.node(alice)
    const b = await w.node(bob)
    a.links.keep(bob, 'join', true)
    b.links.keep(alice, 'wallet', true)
    await w.join(a, bob, 'relay')
    await w.clock.advance(300)
    expect(a.links.counters()).toEqual({ outgoing: 1, inbound: 1 })
    a.links.stop()
    b.links.stop()
    await w.clock.settle()
    expect([a.links.counters(), b.links.counters()]).toEqual([
      { outgoing: 0, inbound: 0 },
      { outgoing: 0, inbound: 0 },
    ])
    expect(w.clock.pending).toBe(0)
  })
})

describe('rate', () => {
  it('gives a burst and then the rate', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, () => clock.now())
    expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false])
    expect(bucket.waitMs()).toBe(100)
    await clock.advance(100)
    expect([bucket.take(), bucket.take()]).toEqual([true, false])
  })

  it('backs off exponentially within its bounds', () => {
    expect([0, 1, 2, 10, 1000].map(n => backoffMs(n, 1_000, 60_000, 255))).toEqual([
      1_000, 2_000, 4_000, 60_000, 60_000,
    ])
    expect(backoffMs(1, 1_000, 60_000, 0)).toBe(1_000)
  })
})
