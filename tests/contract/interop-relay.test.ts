import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startRelay } from '../../relay/server'
import { LIMITS } from '../../services/core/wire/limits'
import type { Channel, ConnectionInfo, Transport } from '../../services/ports/transport'
import { buildGoRelay, startGoRelay, type GoRelay } from '../support/go-relay'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import { times } from '../support/long'
import { requireOrSkip } from '../support/require'
import { until } from '../support/until'

const PROTOCOL = '/tandem/sign/1'
const soon = (): AbortSignal => AbortSignal.timeout(15_000)
const built = buildGoRelay()
const skip = requireOrSkip('go', 'binary' in built, 'missing' in built ? built.missing : '')
/** The circuit's life for the test of it: the default 2 minutes in the long test. */
const CIRCUIT_SECONDS = times(4, 120)

/**
 * A relay that is not ours, with its own default limits: 128 KiB each way and 2 minutes for each circuit, 8 places for
 * one address. It forwards no gossip, so members behind it find each other by the addresses they know.
 */
describe.skipIf(skip)('the adapter with the circuit relay of go-libp2p', () => {
  let relay: GoRelay
  let short: GoRelay
  const nodes: Transport[] = []
  beforeAll(async () => {
    if (!('binary' in built)) throw new Error(built.missing)
    ;[relay, short] = await Promise.all([
      startGoRelay(built.binary),
      startGoRelay(built.binary, '-circuit-seconds', String(CIRCUIT_SECONDS)),
    ])
  })
  afterAll(async () => {
    await Promise.all([relay?.stop(), short?.stop()])
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.stop()))
  })

  async function member(at: GoRelay = relay): Promise<Transport> {
    const node = nodeTransport(at.addrs)
    nodes.push(node)
    await node.start()
    await until(() => relayedAddress(node) !== '', 'a place on the Go relay')
    return node
  }
  /** Answers each frame with itself. */
  function echo(node: Transport): void {
    node.handle(PROTOCOL, channel => {
      void (async () => {
        for await (const frame of channel.frames()) await channel.send(frame)
      })().catch(() => undefined)
    })
  }
  async function connect(
    from: Transport,
    to: Transport,
  ): Promise<{ link: ConnectionInfo; channel: Channel; answers: AsyncIterator<Uint8Array> }> {
    const link = await from.dial(to.peerId, relayedAddress(to), { signal: soon() })
    const channel = await from.open(link.id, PROTOCOL, { signal: soon() })
    return { link, channel, answers: channel.frames()[Symbol.asyncIterator]() }
  }

  it('gives a place, and an address under which another reaches it', async () => {
    const node = await member()
    expect(node.relays()).toMatchObject([{ address: relay.addrs[0], state: 'reserved' }])
    expect(relayedAddress(node)).toBe(`${relay.addrs[0]}/p2p-circuit/p2p/${node.peerId}`)
  })

  it('carries messages of a session both ways, and is known as a relay', async () => {
    const [a, b] = [await member(), await member()]
    echo(b)
    const { link, channel, answers } = await connect(a, b)
    expect(link).toMatchObject({ peerId: b.peerId, kind: 'relay' })
    expect(b.connections(a.peerId)[0]?.kind).toBe('relay')
    for (const size of [0, 1, 50_000]) {
      await channel.send(new Uint8Array(size).fill(7))
      expect((await answers.next()).value).toEqual(new Uint8Array(size).fill(7))
    }
    expect(await a.ping(link.id, { signal: soon() })).toBeGreaterThanOrEqual(0)
  })

  it('cuts a circuit at 128 KiB: both sides see it, and a new one goes on where the old one ended', async () => {
    const [a, b] = [await member(), await member()]
    echo(b)
    const frame = new Uint8Array(LIMITS.frameBytes / 2).fill(1)
    const { link, channel, answers } = await connect(a, b)
    let delivered = 0
    const cut = (async () => {
      for (;;) {
        await channel.send(frame)
        const { value, done } = await answers.next()
        if (done === true || (value as Uint8Array).length !== frame.length) return 'ended'
        delivered++
      }
    })().catch((error: unknown) => error)
    expect(await cut).toBeDefined()
    // less than 128 KiB of frames, because handshakes and heads count too
    expect(delivered).toBeGreaterThanOrEqual(2)
    expect(delivered).toBeLessThan(4)
    await until(
      () => a.connections(b.peerId).every(({ id }) => id !== link.id) && b.connections(a.peerId).length === 0,
      'the end of the circuit on both sides',
    )
    // as often as a long session needs it; the places were not touched
    for (let i = 0; i < 3; i++) {
      const next = await connect(a, b)
      await next.channel.send(frame)
      expect((await next.answers.next()).value).toHaveLength(frame.length)
    }
    expect([a, b].map(node => node.relays()[0]?.state)).toEqual(['reserved', 'reserved'])
  })

  it(
    `cuts a circuit after its time (${CIRCUIT_SECONDS} s here), and a new one can be had at once`,
    async () => {
      const [a, b] = [await member(short), await member(short)]
      echo(b)
      const { link } = await connect(a, b)
      await until(
        () => a.connections(b.peerId).every(({ id }) => id !== link.id) && b.connections(a.peerId).length === 0,
        'the end of the circuit on both sides',
        CIRCUIT_SECONDS * 1000 + 20_000,
      )
      const { channel, answers } = await connect(a, b)
      await channel.send(new Uint8Array(3))
      expect((await answers.next()).value).toHaveLength(3)
    },
    60_000 + CIRCUIT_SECONDS * 1000,
  )

  it('names an absent member by NO_RESERVATION, as our own relay does', async () => {
    const a = await member()
    const stranger = nodeTransport([])
    await expect(
      a.dial(stranger.peerId, `${relay.addrs[0]}/p2p-circuit/p2p/${stranger.peerId}`, { signal: soon() }),
    ).rejects.toThrow('NO_RESERVATION')
  })

  it('refuses the ninth place from one address, and that is told as a refusal', async () => {
    if (!('binary' in built)) throw new Error(built.missing)
    const fresh = await startGoRelay(built.binary)
    try {
      await Promise.all(Array.from({ length: 8 }, () => member(fresh)))
      const late = nodeTransport(fresh.addrs)
      nodes.push(late)
      await late.start()
      await until(() => late.relays()[0]?.state === 'refused', 'the refusal')
      expect(late.addresses()).toEqual([])
    } finally {
      await fresh.stop()
    }
  })

  it('is found again by a member when it was restarted', async () => {
    if (!('binary' in built)) throw new Error(built.missing)
    const first = await startGoRelay(built.binary)
    const node = await member(first)
    await first.stop()
    await until(() => node.addresses().length === 0, 'the loss')
    expect(node.relays()[0]?.state).not.toBe('reserved')
    // the Go relay keeps no identity: the restarted one is another relay, which the member is told of
    const second = await startGoRelay(built.binary)
    await node.setRelays(second.addrs)
    await until(() => relayedAddress(node) !== '', 'a place on the new one')
    await node.stop()
    await second.stop()
  })
})

describe.skipIf(skip)('our relay with a client of go-libp2p', () => {
  it('gives it a place, and says the limits of a circuit in the units of the specification', async () => {
    const relay = await startRelay({
      host: '127.0.0.1',
      port: 0,
      limits: { circuitMs: 600_000, circuitBytes: 200_000, reservationTtlMs: 1_200_000 },
    })
    try {
      const client = spawn('binary' in built ? built.binary : '', ['-reserve-at', relay.addrs[0] ?? ''], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [told] = (await once(client.stdout, 'data')) as [Buffer]
      const { ttlSeconds, ...place } = JSON.parse(told.toString()) as {
        ttlSeconds: number
        limitSeconds: number
        limitBytes: number
        addrs: number
      }
      expect(place).toEqual({ limitSeconds: 600, limitBytes: 200_000, addrs: 1 })
      expect(ttlSeconds).toBeGreaterThan(1_190)
      expect(ttlSeconds).toBeLessThanOrEqual(1_201)
    } finally {
      await relay.close()
    }
  })
})
