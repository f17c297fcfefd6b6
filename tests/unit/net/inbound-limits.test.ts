import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NoiseScan, LengthScan, ProtobufScan, YamuxScan } from '../../../services/adapters/libp2p/internals/frame-scans'
import { boundStream, type MessageSource } from '../../../services/adapters/libp2p/internals/bounded-streams'
import { InboundLimits } from '../../../services/adapters/libp2p/internals/inbound-limits'
import { FakeClock } from '../../fakes/clock'

const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)])
const framed = (body: readonly number[]): Uint8Array => Uint8Array.from([...varint(body.length), ...body])
/** A frame of libp2p's WebRTC with this many bytes of content, and with a flag every other time. */
const frame = (bytes: number): Uint8Array =>
  framed([...(bytes % 2 === 1 ? [0x08, 1] : []), 0x12, ...varint(bytes), ...new Uint8Array(bytes).fill(0xff)])
const yamux = (type: number, flags: number, length: number, body = type === 0 ? length : 0): Uint8Array => {
  const header = Buffer.alloc(12)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(7, 4)
  header.writeUInt32BE(length, 8)
  return concat([header, new Uint8Array(body).fill(0xff)])
}
/** The bytes in parts that end at these places. */
const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const ends = [...new Set([...places.map(place => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

const named = (text: string): Uint8Array => Uint8Array.from([text.length + 1, ...Buffer.from(`${text}\n`)])
const noise = (bytes: number): Uint8Array =>
  Uint8Array.from([bytes >> 8, bytes & 255, ...new Uint8Array(bytes).fill(0xff)])

describe('frames that are counted before the library reads them', () => {
  it('of WebRTC: one a message, several, parts of one, and none that is longer than a message', () => {
    const scan = new ProtobufScan()
    expect(scan.units(frame(100))).toBe(1)
    expect(scan.units(concat([frame(0), frame(1), frame(16_000), framed([0x08, 0]), framed([])]))).toBe(5)
    expect(scan.units(frame(300).subarray(0, 1))).toBe(1)
    // what only goes on is a message all the same
    expect(scan.units(frame(300).subarray(1))).toBe(1)
    for (const wrong of [
      new Uint8Array(17),
      new Uint8Array(16_385).fill(0xff),
      Uint8Array.of(0x81, 0x80, 0x01),
      Uint8Array.of(0x80, 0x80, 0x80),
      // two, said in two bytes: the library goes on after the first
      Uint8Array.of(0x82, 0x00, 1, 1),
      // fields that are said again, that there are not, that are longer than their frame, and without an end
      framed([0x12, 0, 0x12, 0]),
      framed([0x08, 1, 0x08, 1]),
      framed([0x1a, 0]),
      framed([0x12, 5, 1]),
      framed([0x12]),
      framed([0x08, 0x80, 1]),
      framed([0x12, 0x80, 0, 1]),
    ])
      expect(new ProtobufScan().units(wrong)).toBeUndefined()
  })

  it('of yamux: headers with and without a body, new streams, 16 KiB, and none that is longer than a window', () => {
    const scan = new YamuxScan()
    expect(scan.units(yamux(0, 0, 500))).toBe(1)
    expect(scan.units(yamux(1, 1, 262_144))).toBe(17)
    expect(scan.units(concat([yamux(2, 2, 5), yamux(0, 4, 0), yamux(0, 1, 10)]))).toBe(19)
    expect(scan.units(yamux(0, 0, 65_536, 0))).toBe(5)
    expect(scan.units(new Uint8Array(1))).toBe(1)
    expect(new YamuxScan().units(yamux(0, 0, 262_145, 0))).toBeUndefined()
    expect(new YamuxScan().units(yamux(0, 0, 0xffff_ffff, 0))).toBeUndefined()
  })

  it('in no more parts than can be joined in no time', () => {
    const body = yamux(0, 0, 5_000).subarray(12)
    const scan = new YamuxScan()
    expect(scan.units(yamux(0, 0, 5_000, 0))).toBe(1)
    for (let i = 0; i < 1_024; i++) expect(scan.units(body.subarray(i, i + 1))).toBe(1)
    expect(scan.units(body.subarray(1_024, 1_025))).toBeUndefined()
  })

  it('with their length before them: each one, the empty ones too, and none that is longer than any', () => {
    const scan = new LengthScan(1_000)
    expect(scan.units(concat([framed([1]), framed(new Array<number>(300).fill(7)), Uint8Array.of(0xe8)]))).toBe(2)
    expect(scan.units(concat([Uint8Array.of(0x07), new Uint8Array(1_000), framed([0])]))).toBe(2)
    expect(scan.units(concat([framed([1]), new Uint8Array(300)]))).toBe(301)
    // the last is one of one byte, said in two: the library goes on after the first
    for (const wrong of [
      Uint8Array.of(0xe9, 0x07),
      Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80),
      Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 1),
      Uint8Array.of(0x81, 0x00, 0x03),
    ]) {
      expect(new LengthScan(1_000).units(wrong)).toBeUndefined()
    }
  })

  it('of a relayed connection: lines of the negotiation, and then of Noise, the empty ones too', () => {
    const scan = new NoiseScan()
    expect(
      scan.units(
        concat([
          named('/multistream/1.0.0'),
          named('/other'),
          named('/noise'),
          noise(0),
          noise(0),
          noise(65_535),
          noise(1),
        ]),
      ),
    ).toBe(7)
    // a part in which nothing begins, and more frames than are decrypted in one go
    expect(scan.units(noise(300).subarray(0, 100))).toBe(1)
    expect(scan.units(noise(300).subarray(100))).toBe(1)
    expect(scan.units(concat(Array.from({ length: 513 }, () => noise(0))))).toBeUndefined()
    // a negotiation that goes on and on, or has a name that nobody has
    expect(new NoiseScan().units(concat(Array.from({ length: 100 }, () => named('/multistream'))))).toBeUndefined()
    expect(new NoiseScan().units(Uint8Array.of(0x80, 1))).toBeUndefined()
    // the library trims a line, and goes on with Noise after each of these
    for (const line of ['/noise ', '/noise\r', '/noise\n', '/noise\u00a0']) {
      expect(
        new NoiseScan().units(Uint8Array.from([Buffer.byteLength(line) + 1, ...Buffer.from(`${line}\n`)])),
      ).toBeUndefined()
    }
  })

  it('are the same frames however they are cut', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { maxLength: 30 }), (lengths, places) => {
        const weigh = (scan: ProtobufScan | YamuxScan | NoiseScan, all: Uint8Array, units: number): void => {
          const parts = cut(all, places).filter(part => part.length > 0)
          const sum = parts.reduce((total, part) => total + (scan.units(part) ?? NaN), 0)
          // a part in which nothing begins is one all the same
          expect(sum).toBeGreaterThanOrEqual(units)
          expect(sum).toBeLessThanOrEqual(units + parts.length)
        }
        weigh(new ProtobufScan(), concat(lengths.map(frame)), lengths.length)
        weigh(
          new NoiseScan(),
          concat([named('/multistream/1.0.0'), named('/noise'), ...lengths.map(noise)]),
          lengths.length + 2,
        )
        weigh(
          new YamuxScan(),
          concat(lengths.map((length, i) => yamux(i % 4, i % 2, length))),
          lengths.reduce((sum, _, i) => sum + 1 + 16 * (i % 2), 0),
        )
      }),
    )
  })
})

/** As much of a browser's connection as is watched; `listener` is where the library would read. */
class FakeLine extends EventTarget {
  closed = 0
  readonly read: unknown[] = []
  close(): void {
    this.closed++
  }
  createDataChannel(): RTCDataChannel {
    return this.#listened(new EventTarget())
  }
  /** A channel that the other side opens. */
  incoming(): EventTarget {
    const channel = new EventTarget()
    this.dispatchEvent(Object.assign(new Event('datachannel'), { channel }))
    return this.#listened(channel)
  }

  #listened<T extends EventTarget>(channel: T): RTCDataChannel {
    queueMicrotask(() => {
      channel.addEventListener('message', event => {
        this.read.push((event as MessageEvent).data)
      })
    })
    return channel as unknown as RTCDataChannel
  }
}
const say = (channel: EventTarget, data: unknown): boolean =>
  channel.dispatchEvent(Object.assign(new Event('message'), { data }))
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer

function world() {
  const clock = new FakeClock()
  const floods: string[] = []
  const limits = new InboundLimits(clock, peerId => {
    floods.push(peerId)
  })
  const line = (peerId: string): FakeLine => {
    const made = new FakeLine()
    limits.guardPeerConnection(made as unknown as RTCPeerConnection, peerId)
    return made
  }
  const muxed = (peerId: string): EventTarget & { aborted: number } => {
    const made = Object.assign(new EventTarget(), {
      aborted: 0,
      abort: () => {
        made.aborted++
      },
    })
    limits.guardMuxed(made as unknown as MessageSource, peerId)
    return made
  }
  return { clock, limits, floods, line, muxed }
}

describe('what a peer may send', () => {
  it.each<[string, unknown]>([
    ['a text', '1000000000'],
    ['nothing', null],
    ['a message that is too large', new ArrayBuffer(16_385)],
    ['frames of nothing', new ArrayBuffer(17)],
    ['a frame that is too large', buffer(Uint8Array.of(0x81, 0x80, 0x01))],
    ['a frame of many fields', buffer(framed([0x12, 0, 0x12, 0]))],
  ])('%s closes the line, and nothing of it is read, nor what comes after', async (_, data) => {
    const { floods, line } = world()
    const made = line('a')
    const channel = made.incoming()
    await Promise.resolve()
    say(channel, buffer(frame(10)))
    say(channel, data)
    say(channel, buffer(frame(10)))
    expect([made.read.length, made.closed, floods]).toEqual([1, 1, ['a']])
  })

  it('two thousand messages at once and 600 a second, on whichever channel, line or circuit: more are a flood', async () => {
    const { clock, floods, line, muxed } = world()
    const lines = [line('a'), line('a')]
    const channels = [...lines.map(made => made.incoming()), lines[0]?.createDataChannel() as unknown as EventTarget]
    const relayed = muxed('a')
    await Promise.resolve()
    const read = (): number => lines.reduce((sum, made) => sum + made.read.length, 0)
    // two channels were opened by the peer, for sixteen each
    for (let i = 0; i < 1_968; i++) say(channels[i % 3] ?? relayed, buffer(frame(10)))
    expect([read(), floods]).toEqual([1_968, []])
    await clock.advance(1_000)
    for (let i = 0; i < 600; i++) say(relayed, yamux(1, 0, 1))
    expect([relayed.aborted, floods]).toEqual([0, []])
    say(relayed, yamux(1, 0, 1))
    expect([relayed.aborted, floods]).toEqual([1, ['a']])
    expect(line('b').closed).toBe(0)
  })

  it('channels without a word are counted, and the one too many is not seen', async () => {
    const { floods, line } = world()
    const made = line('a')
    let seen = 0
    made.addEventListener('datachannel', () => {
      seen++
    })
    for (let i = 0; i < 400; i++) made.incoming()
    expect([seen, made.closed, floods]).toEqual([125, 1, ['a']])
  })

  it('calls over a relay are counted, and the one too many is not taken', async () => {
    const { clock, limits } = world()
    let taken = 0
    while (limits.takesCall('a')) taken++
    expect(taken).toBe(30)
    expect(limits.takesCall('b')).toBe(true)
    await clock.advance(1_000)
    expect(limits.takesCall('a')).toBe(true)
  })

  it('who comes again does not begin anew, and nobody pays for others', () => {
    const { line, muxed, floods } = world()
    const first = line('a')
    const channel = first.incoming()
    for (let i = 0; i < 1_900; i++) say(channel, buffer(frame(1)))
    first.close()
    const [again, other] = [line('a').incoming(), line('b').incoming()]
    for (let i = 0; i < 1_900; i++) say(other, buffer(frame(1)))
    expect(floods).toEqual([])
    for (let i = 0; i < 100; i++) say(again, buffer(frame(1)))
    expect(floods).toEqual(['a'])
    // of what comes later on the same line nothing is told again
    say(again, 'text')
    expect(floods).toEqual(['a'])
    expect(muxed('a').aborted).toBe(0)
  })

  it('what comes over a relay is bounded before anybody has proved who he is, and then nobody is blamed', async () => {
    const { clock, limits, floods } = world()
    let aborted = 0
    const circuit = {
      abort: () => {
        aborted++
      },
    }
    const admits = limits.guardEncrypted(circuit, 'a')
    expect(admits(concat([named('/multistream/1.0.0'), named('/noise')]))).toBe(true)
    for (let i = 0; i < 7_998; i++) expect(admits(noise(0))).toBe(true)
    await clock.advance(500)
    for (let i = 0; i < 1_000; i++) expect(admits(noise(0))).toBe(true)
    expect([admits(noise(0)), admits(noise(0)), aborted, floods]).toEqual([false, false, 1, []])
    // another connection of the same name
    expect(limits.guardEncrypted(circuit, 'a')(named('/multistream/1.0.0'))).toBe(false)
    expect(limits.guardEncrypted(circuit, 'b')(named('/multistream/1.0.0'))).toBe(true)
  })

  it('a stream of a protocol without a bound of its own is ended at so many bytes', () => {
    let aborted = 0
    const read: number[] = []
    const stream = Object.assign(new EventTarget(), {
      abort: () => {
        aborted++
      },
    })
    boundStream(stream as unknown as MessageSource, 100)
    stream.addEventListener('message', event => {
      read.push((event as MessageEvent<Uint8Array>).data.byteLength)
    })
    for (const length of [60, 40, 1]) say(stream, new Uint8Array(length))
    expect([read, aborted]).toEqual([[60, 40], 1])
  })
})
