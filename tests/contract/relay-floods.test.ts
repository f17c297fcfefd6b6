import '../support/node-websocket'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, MessageStream, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRelay, type RunningRelay } from '../../relay/server'
import { watchMuxed } from '../../services/adapters/libp2p/internals/connection-layers'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import { until } from '../support/until'

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const soon = (): AbortSignal => AbortSignal.timeout(10_000)

/** A protobuf field that holds bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([(number << 3) | 2, ...varint(bytes.length), ...bytes])
}
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
/** An address with a peer id of so many bytes: to write it down in base 58 takes the square of that. */
const longAddress = (bytes: number): Uint8Array =>
  Uint8Array.from([0xa5, 0x03, ...varint(bytes), ...new Uint8Array(bytes).fill(0xff)])
/**
 * A yamux header: version 0, type, flags, stream and length @see https://github.com/hashicorp/yamux/blob/master/spec.md
 */
function header(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return bytes
}

describe('a relay and a client that keeps no rule', () => {
  let relay: RunningRelay
  let client: Libp2p
  let connection: Connection
  /** what the client's connection carries, below its muxer */
  let muxed: MessageStream
  const closers: Array<() => unknown> = []

  beforeEach(async () => {
    relay = await startRelay({ host: '127.0.0.1', port: 0, limits: { connectionsPerPeer: 2 } })
    closers.push(() => relay.close())
    client = await stranger()
    connection = await client.dial(multiaddr(relay.addrs[0] ?? ''), { signal: soon() })
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function stranger(): Promise<Libp2p> {
    const muxers = yamux()()
    const node = await createLibp2p({
      transports: [webSockets()],
      connectionGater: { denyDialMultiaddr: () => false },
      connectionEncrypters: [
        components => {
          const encrypter = noise()(components)
          watchMuxed(encrypter, muxers, stream => {
            muxed = stream
          })
          return encrypter
        },
      ],
      streamMuxers: [() => muxers],
      services: { identify: identify() },
    })
    closers.push(() => node.stop())
    return node
  }
  const open = (protocol: string): Promise<Stream> =>
    connection.newStream(protocol, { maxOutboundStreams: 1_000, signal: soon() })
  const ended = (what: { readonly status: string }): Promise<void> => until(() => what.status !== 'open', 'its end')
  async function metric(label: string): Promise<number> {
    const text = await (await fetch(new URL('/metrics', relay.healthUrl))).text()
    return Number(
      text
        .split('\n')
        .find(line => line.includes(`{${label}}`))
        ?.split(' ')
        .at(-1),
    )
  }
  const floods = (): Promise<number> => metric('reason="flood"')
  /** Two honest members meet over the relay. */
  async function others(): Promise<void> {
    const [a, b] = [nodeTransport(relay.addrs), nodeTransport(relay.addrs)]
    closers.push(() => Promise.all([a.stop(), b.stop()]))
    await Promise.all([a.start(), b.start()])
    await until(() => relayedAddress(b) !== '', 'a place')
    const link = await a.dial(b.peerId, relayedAddress(b), { signal: soon() })
    expect(await a.ping(link.id, { signal: soon() })).toBeGreaterThan(0)
  }
  /**
   * What the relay says to a request, a CONNECT to this peer. @see
   * https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#protobuf
   */
  async function connect(peer: Uint8Array): Promise<Uint8Array> {
    const messages = lpStream(await open(HOP))
    await messages.write(Uint8Array.from([0x08, 1, ...field(2, peer)]), { signal: soon() })
    return (await messages.read({ signal: soon() })).subarray()
  }
  /** its last field, a varint of one byte or two */
  const status = (answer: Uint8Array): number => {
    const [tag = 0, low = 0] = answer.subarray(-2)
    return tag === 0x28 ? low : (tag & 0x7f) | (low << 7)
  }
  const id = (): Uint8Array => client.peerId.toMultihash().bytes

  it('reads a request for a circuit with an address in it, and none with one that takes seconds', async () => {
    expect(status(await connect(Uint8Array.from([...field(1, id()), ...field(2, longAddress(100))])))).toBe(204)
    expect(status(await connect(Uint8Array.from([...field(1, id()), ...field(2, longAddress(300))])))).toBe(400)
    await others()
  })

  /** The client has a place, and answers calls with this. */
  async function answersCalls(
    answer: () => Uint8Array,
    then: (stream: Stream) => void = () => undefined,
  ): Promise<void> {
    await client.handle('/libp2p/circuit/relay/0.2.0/stop', async stream => {
      const messages = lpStream(stream)
      await messages.read({ signal: soon() })
      await messages.write(answer())
      then(messages.unwrap())
    })
    const place = lpStream(await open(HOP))
    await place.write(Uint8Array.from([0x08, 0]))
    await place.read({ signal: soon() })
    expect(relay.reservations()).toBe(1)
  }
  const accepts = Uint8Array.from([0x08, 1, 0x20, 100])

  it('takes no answer to a call that is longer than any, and says that the call came to nothing', async () => {
    const call = async (): Promise<number> => status(await connect(field(1, id())))
    let answer = accepts
    await answersCalls(() => answer)
    expect(await call()).toBe(100)
    answer = Uint8Array.from([...answer, ...field(2, field(2, longAddress(2_000)))])
    expect(await call()).toBe(203)
  })

  it('keeps nothing of what comes after an answer', async () => {
    let far: Stream | undefined
    await answersCalls(
      () => Uint8Array.from([0x08, 1, 0x20, 0xc9, 0x01]),
      stream => {
        far = stream
      },
    )
    expect(status(await connect(field(1, id())))).toBe(203)
    far?.send(new Uint8Array(100_000))
    await until(() => far !== undefined && far.status !== 'open', 'its end')
    expect(connection.status).toBe('open')
  })

  it('does not read the addresses at which a client says that it is', async () => {
    // public key, and as much address as an answer may have, in ten parts
    const told = Uint8Array.from([
      ...field(1, publicKeyToProtobuf(client.peerId.publicKey as never)),
      ...field(2, longAddress(8_000)),
    ])
    const from = performance.now()
    for (let i = 0; i < 10; i++) multiaddr(longAddress(8_000))
    const reading = performance.now() - from
    let asked = 0
    await client.unhandle('/ipfs/id/1.0.0')
    await client.handle('/ipfs/id/1.0.0', async stream => {
      const messages = lpStream(stream)
      for (let i = 0; i < 10; i++) await messages.write(told)
      await stream.close()
      asked++
    })
    await connection.close()
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await client.dial(multiaddr(relay.addrs[0] ?? ''), { signal: soon() })
    await until(() => asked > 0, 'the question')
    await others()
    delay.disable()
    expect(delay.max / 1e6).toBeLessThan(reading / 3)
  })

  it('holds back who sends to one that does not read, and loses nothing of it', async () => {
    let far: Stream | undefined
    let got = 0
    await answersCalls(
      () => accepts,
      stream => {
        far = stream
        stream.addEventListener('message', ({ data }) => {
          got += data.byteLength
        })
        stream.pause()
      },
    )
    const near = await open(HOP)
    const messages = lpStream(near)
    await messages.write(Uint8Array.from([0x08, 1, ...field(2, field(1, id()))]), { signal: soon() })
    await messages.read({ signal: soon() })
    messages.unwrap()
    const sent = 8 * 1024 * 1024
    near.send(new Uint8Array(sent))
    const said = near.close()
    const carried = (): Promise<number> => metric('direction="in"')
    await expect
      .poll(
        async () => {
          const before = await carried()
          await until(() => false, 'quiet', 500).catch(() => undefined)
          return before > 500_000 && (await carried()) === before
        },
        { timeout: 10_000 },
      )
      .toBe(true)
    // a mebibyte that waits, what is in the windows of both ends, and what was read with it
    expect(await carried()).toBeLessThan(3 * 1024 * 1024)
    far?.resume()
    await until(() => got === sent, 'all of it')
    await said
  })

  it('ends one that gossips nothing ten thousand times, on however many streams', async () => {
    for (let i = 0; i < 10; i++) {
      const gossip = await open('/meshsub/1.1.0').catch(() => undefined)
      gossip?.send(new Uint8Array(1_000))
      await gossip?.close({ signal: soon() }).catch(() => undefined)
    }
    await ended(connection)
    expect(await metric('reason="gossip-rate"')).toBeGreaterThan(0)
    await others()
  })

  it('counts a connection that it has ended once', async () => {
    const dial = (): Promise<Connection> =>
      client.dial(multiaddr(relay.addrs[0] ?? ''), { signal: soon(), force: true })
    const second = await dial()
    await second.newStream('/ipfs/ping/1.0.0', { signal: soon() })
    muxed.send(header(0, 0, 1, 0xffff_ffff))
    await ended(second)
    await dial()
    await dial().then(
      third => ended(third),
      () => undefined,
    )
    await expect.poll(() => metric('reason="connections-per-peer"')).toBe(1)
    expect(connection.status).toBe('open')
  })

  it('ends one whose frame is longer than any window, before it waits for it', async () => {
    muxed.send(header(0, 0, 1, 0xffff_ffff))
    await ended(connection)
    expect(await floods()).toBe(1)
    await others()
  })

  it('ends one that sends frames by the ten thousand', async () => {
    // pings, which are all answered
    for (let i = 0; i < 100 && connection.status === 'open'; i++)
      muxed.send(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => header(2, 1, 0, n))))
    await ended(connection)
    expect(await floods()).toBe(1)
    await others()
  })

  it('makes one wait that sends somewhat too much, and loses nothing of it', async () => {
    const echo = await open('/ipfs/ping/1.0.0')
    const from = performance.now()
    // empty frames for a stream that is not there, a thousand more than it may send at once
    for (let i = 0; i < 9; i++) muxed.send(Buffer.concat(Array.from({ length: 1_000 }, () => header(0, 0, 999, 0))))
    await expect.poll(() => metric('direction="in"')).toBeGreaterThan(9_000 * 12)
    const messages: Uint8Array[] = []
    echo.addEventListener('message', event => {
      messages.push(event.data.subarray())
    })
    echo.send(new Uint8Array(32).fill(7))
    await until(() => messages.length > 0, 'the answer')
    expect(messages[0]).toEqual(new Uint8Array(32).fill(7))
    expect(performance.now() - from).toBeGreaterThan(900)
    expect(await floods()).toBe(0)
    expect(connection.status).toBe('open')
  })

  it('answers no ping that is longer than any', async () => {
    const echo = await open('/ipfs/ping/1.0.0')
    let bytes = 0
    echo.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
    })
    echo.send(new Uint8Array(5_000))
    await ended(echo)
    expect(bytes).toBeLessThan(5_000)
    expect(connection.status).toBe('open')
  })
})
