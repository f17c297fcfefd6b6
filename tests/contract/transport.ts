import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectStep } from '../../services/core/domain/connectivity'
import { LIMITS } from '../../services/core/wire/limits'
import type { Channel, ConnectionInfo, Transport, TransportEvent } from '../../services/ports/transport'
import { until } from '../support/until'

/** One network of relays and browsers, made anew for each test. */
export interface TransportWorld {
  /** an address of the running relay */
  readonly relay: string
  /** an address of a relay that nobody runs */
  readonly deadRelay: string
  /** a started node that wants the given relays (default: the running one) */
  peer(relays?: readonly string[]): Promise<Transport>
  /** a peer id that nobody uses */
  strangerId(): string
  stopRelay(): Promise<void>
  startRelay(): Promise<void>
  close(): Promise<void>
}

const PROTOCOL = '/tandem/test/1'
const soon = (): AbortSignal => AbortSignal.timeout(15_000)
const text = (s: string): Uint8Array => new TextEncoder().encode(s)
const read = (b: Uint8Array): string => new TextDecoder().decode(b)

const relayedAddress = (t: Transport): string =>
  t.addresses().find(a => a.includes('/p2p-circuit') && !a.includes('/webrtc')) ?? ''

async function collect(channel: Channel): Promise<string[]> {
  const got: string[] = []
  for await (const frame of channel.frames()) got.push(read(frame))
  return got
}

async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  return 'done'
}

/** What every Transport does, told by its port alone. */
export function transportContract(name: string, makeWorld: () => Promise<TransportWorld>): void {
  describe(`Transport: ${name}`, () => {
    let world: TransportWorld
    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(async () => {
      await world.close()
    })

    const reserved = (t: Transport): Promise<void> => until(() => relayedAddress(t) !== '', 'a reservation')

    async function pair(): Promise<{ a: Transport; b: Transport; link: ConnectionInfo; accept: Promise<Channel> }> {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const accept = new Promise<Channel>(resolve => {
        b.handle(PROTOCOL, resolve)
      })
      // A second handler for the same protocol replaces the first: tests that want all channels set their own.
      const link = await a.dial(b.peerId, relayedAddress(b), { signal: soon() })
      return { a, b, link, accept }
    }

    it('wins a reservation and tells its addresses, with its own peer id at the end', async () => {
      const a = await world.peer()
      await reserved(a)
      expect(a.relays()).toMatchObject([{ address: world.relay, state: 'reserved' }])
      for (const address of a.addresses()) expect(address.endsWith(`/p2p/${a.peerId}`)).toBe(true)
      expect(relayedAddress(a).startsWith(`${world.relay}/p2p-circuit`)).toBe(true)
    })

    it('starts in spite of a dead relay, says so, and uses the one that lives', async () => {
      const a = await world.peer([world.deadRelay, world.relay])
      await reserved(a)
      await until(() => a.relays().some(r => r.state === 'unreachable'), 'the dead relay being named')
      expect(a.relays().find(r => r.address === world.deadRelay)).toMatchObject({ state: 'unreachable' })
      expect(a.relays().find(r => r.address === world.deadRelay)?.error).toBeDefined()
    })

    it('starts without relays and takes them later, and lets go of those no longer wanted', async () => {
      const a = await world.peer([])
      expect(a.addresses()).toEqual([])
      await a.setRelays([world.relay])
      await reserved(a)
      await a.setRelays([])
      await until(() => a.addresses().length === 0 && a.connections().length === 0, 'the relay being let go')
      expect(a.relays()).toEqual([])
    })

    it('comes back by itself after the relay was restarted', async () => {
      const a = await world.peer()
      await reserved(a)
      await world.stopRelay()
      await until(() => a.addresses().length === 0 && a.relays()[0]?.state !== 'reserved', 'the loss being noticed')
      await world.startRelay()
      await until(() => relayedAddress(a) !== '', 'a new reservation', 30_000)
      expect(a.relays()).toMatchObject([{ state: 'reserved' }])
    })

    it('keeps a place that answers when it wakes, with the connection and what runs over it', async () => {
      const { a, b, link } = await pair()
      const places = [a.relays(), a.addresses()]
      const seen: string[] = []
      a.onEvent(event => {
        seen.push(event.type)
      })
      a.wake()
      await a.ping(a.connections().find(c => c.kind === 'direct')?.id ?? '', { signal: soon() })
      await a.ping(link.id, { signal: soon() })
      expect([a.relays(), a.addresses()]).toEqual(places)
      expect(seen).not.toContain('disconnected')
      expect(b.connections(a.peerId)).toHaveLength(1)
    })

    it('with relay only tells no WebRTC address, dials none, and is called through the relay as before', async () => {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const seen: TransportEvent[] = []
      a.onEvent(event => seen.push(event))
      await a.setIce({ servers: [{ url: 'stun:127.0.0.1:9' }], relayOnly: true })
      expect(a.direct()).toBe(false)
      expect(a.addresses()).toEqual([relayedAddress(a)])
      const refused = await outcome(() =>
        a.dial(b.peerId, `${world.relay}/p2p-circuit/webrtc/p2p/${b.peerId}`, { signal: soon() }),
      )
      expect(refused).toBeInstanceOf(Error)
      expect(a.connections(b.peerId)).toEqual([])
      expect((await b.dial(a.peerId, relayedAddress(a), { signal: soon() })).kind).toBe('relay')
      expect(seen.filter(event => event.type === 'answering')).toEqual([])
    })

    it('dials over the relay, telling the step, and both sides see the same kind', async () => {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const seen: TransportEvent[] = []
      b.onEvent(event => seen.push(event))
      const steps: ConnectStep[] = []
      const link = await a.dial(b.peerId, relayedAddress(b), { signal: soon(), onStep: step => steps.push(step) })
      expect(link).toMatchObject({ peerId: b.peerId, kind: 'relay', direction: 'outbound' })
      expect(steps).toEqual(['relay'])
      expect(a.connections(b.peerId)).toEqual([link])
      await until(() => b.connections(a.peerId).length === 1, 'the other side')
      expect(b.connections(a.peerId)[0]).toMatchObject({ peerId: a.peerId, kind: 'relay', direction: 'inbound' })
      expect(seen).toContainEqual({ type: 'connected', connection: b.connections(a.peerId)[0] })
    })

    it('makes a new connection at each dial, even to a peer that it is connected to', async () => {
      const { a, b, link } = await pair()
      const second = await a.dial(b.peerId, relayedAddress(b), { signal: soon() })
      expect(second.id).not.toBe(link.id)
      expect(a.connections(b.peerId)).toHaveLength(2)
    })

    it('names an absent peer by NO_RESERVATION', async () => {
      const a = await world.peer()
      await reserved(a)
      const error = await outcome(() =>
        a.dial(world.strangerId(), `${world.relay}/p2p-circuit/p2p/${world.strangerId()}`, { signal: soon() }),
      )
      expect(error).toMatchObject({
        name: 'InvalidMessageError',
        message: expect.stringContaining('NO_RESERVATION') as string,
      })
    })

    it('finds nobody at a peer that has gone', async () => {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const address = relayedAddress(b)
      await b.stop()
      // For a moment the relay still holds its side of the connection and finds it broken; then it says what is.
      const said = async (): Promise<string> =>
        String(await outcome(() => a.dial(b.peerId, address, { signal: soon() })))
      for (let i = 0; i < 20 && !(await said()).includes('NO_RESERVATION'); i++)
        await new Promise(resolve => {
          setTimeout(resolve, 50)
        })
      expect(await said()).toContain('NO_RESERVATION')
    })

    it('fails for a dead relay, with an Event or an Error', async () => {
      const a = await world.peer([])
      const error = await outcome(() =>
        a.dial(world.strangerId(), `${world.deadRelay}/p2p-circuit/p2p/${world.strangerId()}`, { signal: soon() }),
      )
      // browsers reject with the Event of the WebSocket, Node's WebSocket with an event class of its own
      expect(error instanceof Error || (error as Event).type === 'error').toBe(true)
    })

    it('stops a dial at once when the signal aborts, with the reason of the signal', async () => {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const reason = new Error('changed my mind')
      const controller = new AbortController()
      const dial = outcome(() => a.dial(b.peerId, relayedAddress(b), { signal: controller.signal }))
      controller.abort(reason)
      expect(await dial).toBe(reason)
      expect(await outcome(() => a.dial(b.peerId, relayedAddress(b), { signal: controller.signal }))).toBe(reason)
    })

    it('carries whole frames both ways in order, the empty and the largest one too', async () => {
      const { a, b, link, accept } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      const far = await accept
      expect(near).toMatchObject({ peerId: b.peerId, connection: link })
      expect(far.peerId).toBe(a.peerId)
      const big = new Uint8Array(LIMITS.frameBytes).map((_, i) => i % 251)
      const sent = [text('one'), new Uint8Array(0), big, text('last')]
      for (const frame of sent) await near.send(frame)
      await far.send(text('answer'))
      const reader = far.frames()[Symbol.asyncIterator]()
      for (const frame of sent) expect((await reader.next()).value).toEqual(frame)
      expect(read((await near.frames()[Symbol.asyncIterator]().next()).value as Uint8Array)).toBe('answer')
    })

    it('refuses to send a frame over the limit', async () => {
      const { a, link } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      expect(await outcome(() => near.send(new Uint8Array(LIMITS.frameBytes + 1)))).toMatchObject({
        name: 'InvalidDataLengthError',
      })
    })

    it('close ends the other side after all that was sent, and both directions', async () => {
      const { a, link, accept } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      for (const word of ['x', 'y', 'z']) await near.send(text(word))
      const far = await accept
      await near.close()
      expect(await collect(far)).toEqual(['x', 'y', 'z'])
      expect(await collect(near)).toEqual([])
      expect(await outcome(() => near.send(text('late')))).toBeInstanceOf(Error)
      expect(await outcome(() => far.send(text('late')))).toBeInstanceOf(Error)
      await near.close()
    })

    it('abort throws at both readers: the reason here, an error there', async () => {
      const { a, link, accept } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      await near.send(text('x'))
      const far = await accept
      const reader = far.frames()[Symbol.asyncIterator]()
      await reader.next()
      const reason = new Error('bad message')
      near.abort(reason)
      expect(await outcome(() => collect(near))).toBe(reason)
      expect(await outcome(() => reader.next())).toBeInstanceOf(Error)
    })

    it('is an UnsupportedProtocolError where nobody handles the protocol', async () => {
      const { a, link } = await pair()
      expect(await outcome(() => a.open(link.id, '/tandem/nobody/1', { signal: soon() }))).toMatchObject({
        name: 'UnsupportedProtocolError',
      })
    })

    it('holds at most LIMITS.streamsPerPeer streams of one peer and protocol', async () => {
      const { a, b, link } = await pair()
      const held: Channel[] = []
      b.handle(PROTOCOL, channel => held.push(channel))
      const mine: Channel[] = []
      for (let i = 0; i < LIMITS.streamsPerPeer; i++) mine.push(await a.open(link.id, PROTOCOL, { signal: soon() }))
      for (const channel of mine) await channel.send(text('hello'))
      await until(() => held.length === LIMITS.streamsPerPeer, 'the allowed streams')
      // The ninth is refused at once or reset as soon as it is used: either way it carries nothing.
      const error = await outcome(async () => {
        const ninth = await a.open(link.id, PROTOCOL, { signal: soon() })
        await ninth.send(text('hello'))
        await collect(ninth)
        throw new Error('the ninth stream ended without an error')
      })
      expect(error).toBeInstanceOf(Error)
      expect((error as Error).message).not.toContain('ended without')
      expect(held).toHaveLength(LIMITS.streamsPerPeer)
      // Room is made by closing one.
      await mine[0]?.close()
      await collect(held[0] as Channel)
      const again = await a.open(link.id, PROTOCOL, { signal: soon() })
      await again.send(text('hello'))
      await until(() => held.length === LIMITS.streamsPerPeer + 1, 'the stream in the free place')
    })

    it('resets a stream that carries more than LIMITS.messagesPerSecond', async () => {
      const { a, link, accept } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      const flood = outcome(async () => {
        for (let i = 0; i < LIMITS.messagesPerSecond * 4; i++) await near.send(text(`${i}`))
        await collect(near)
      })
      const far = await accept
      expect(await outcome(() => collect(far))).toMatchObject({ name: 'RateLimitError' })
      expect(await flood).toBeInstanceOf(Error)
    })

    it('pings over one connection and fails on a closed one', async () => {
      const { a, b, link } = await pair()
      const ms = await a.ping(link.id, { signal: soon() })
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms).toBeLessThan(5_000)
      const gone: TransportEvent[] = []
      b.onEvent(event => gone.push(event))
      const far = b.connections(a.peerId)[0]
      await a.closeConnection(link.id)
      expect(a.connections(b.peerId)).toEqual([])
      await until(() => b.connections(a.peerId).length === 0, 'the other side closing')
      await until(() => gone.some(e => e.type === 'disconnected' && e.connection.id === far?.id), 'the event')
      expect(await outcome(() => a.ping(link.id, { signal: soon() }))).toBeInstanceOf(Error)
      expect(await outcome(() => a.open(link.id, PROTOCOL, { signal: soon() }))).toBeInstanceOf(Error)
      await a.closeConnection(link.id)
    })

    it('breaks the channels of a closed connection', async () => {
      const { a, link, accept } = await pair()
      const near = await a.open(link.id, PROTOCOL, { signal: soon() })
      await near.send(text('x'))
      const far = await accept
      const reading = outcome(() => collect(far))
      await a.closeConnection(link.id)
      await reading
      expect(await outcome(() => near.send(text('late')))).toBeInstanceOf(Error)
    })

    it('gossips over the relay to the other subscribers, not to itself, and not after leaving', async () => {
      const [a, b] = await Promise.all([world.peer(), world.peer()])
      await Promise.all([reserved(a), reserved(b)])
      const got: string[] = []
      const own: string[] = []
      const topic = '/tandem/presence/1/0011223344556677'
      const leave = b.subscribe(topic, bytes => got.push(read(bytes)))
      a.subscribe(topic, bytes => own.push(read(bytes)))
      let n = 0
      await untilGossip(
        async () => {
          await a.publish(topic, text(`hint ${n++}`))
        },
        () => got.length > 0,
      )
      expect(got[0]).toMatch(/^hint \d+$/)
      expect(own).toEqual([])
      leave()
      const back: string[] = []
      b.subscribe('/tandem/presence/1/8899aabbccddeeff', bytes => back.push(read(bytes)))
      a.subscribe('/tandem/presence/1/8899aabbccddeeff', () => undefined)
      const before = got.length
      await a.publish(topic, text('after leaving'))
      await untilGossip(
        async () => {
          await a.publish('/tandem/presence/1/8899aabbccddeeff', text(`other ${n++}`))
        },
        () => back.length > 0,
      )
      expect(got.slice(before)).not.toContain('after leaving')
    })

    it('tells what went over a connection, and through which relay, on both sides', async () => {
      const { a, b, link } = await pair()
      await a.ping(link.id, { signal: soon() })
      const relay = a.connections().find(c => c.kind === 'direct')
      expect(await a.stats(link.id)).toMatchObject({ kind: 'relay', relay: relay?.peerId })
      expect(await b.stats(b.connections(a.peerId)[0]?.id ?? '')).toMatchObject({ kind: 'relay', relay: relay?.peerId })
      expect(await a.stats(relay?.id ?? '')).not.toHaveProperty('relay')
    })

    it('takes no calls of a peer that it refuses until a time; what is open stays', async () => {
      const { a, b } = await pair()
      const c = await world.peer()
      const call = (from: Transport): Promise<unknown> =>
        outcome(() => from.dial(b.peerId, relayedAddress(b), { signal: soon() }))
      await until(() => b.connections(a.peerId).length === 1, 'the call')
      b.refuse(a.peerId, Date.now() + 3_600_000)
      // a relay may not say why
      expect(await call(a)).toBeInstanceOf(Error)
      expect(await call(c)).toBe('done')
      expect(b.connections(a.peerId)).toHaveLength(1)
      b.refuse(a.peerId, Date.now())
      expect(await call(a)).toBe('done')
    })

    it('stop closes everything, and the others see it', async () => {
      const { a, b, link } = await pair()
      await a.stop()
      await until(() => b.connections(a.peerId).length === 0, 'the other side')
      expect(a.connections()).toEqual([])
      expect(await outcome(() => a.dial(b.peerId, relayedAddress(b), { signal: soon() }))).toBeInstanceOf(Error)
      expect(await outcome(() => a.ping(link.id, { signal: soon() }))).toBeInstanceOf(Error)
      await a.stop()
    })
  })
}

/** Gossip is a hint and its mesh takes a heartbeat to form: said again until heard. */
async function untilGossip(say: () => Promise<void>, heard: () => boolean): Promise<void> {
  const end = Date.now() + 15_000
  while (!heard()) {
    if (Date.now() > end) throw new Error('gossip did not arrive')
    await say()
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
  }
}
