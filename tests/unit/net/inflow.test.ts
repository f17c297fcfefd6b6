import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Inflow, ProtobufScan, YamuxScan, type Circuit } from '../../../services/adapters/libp2p/inflow'
import { FakeClock } from '../../fakes/clock'

const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const varint = (n: number): number[] => n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]
/** A frame of libp2p's WebRTC with a body of this many bytes. */
const frame = (bytes: number): Uint8Array => Uint8Array.from([...varint(bytes), ...new Uint8Array(bytes).fill(0xff)])
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

describe('frames that are counted before the library reads them', () => {
  it('of WebRTC: one a message, several, parts of one, and none that is longer than a message', () => {
    const scan = new ProtobufScan()
    expect(scan.units(frame(100))).toBe(1)
    expect(scan.units(concat([frame(0), frame(1), frame(16_000)]))).toBe(3)
    expect(scan.units(frame(300).subarray(0, 1))).toBe(1)
    // what only goes on is a message all the same
    expect(scan.units(frame(300).subarray(1))).toBe(1)
    expect(scan.units(concat(Array.from({ length: 17 }, () => frame(0))))).toBeUndefined()
    expect(new ProtobufScan().units(Uint8Array.of(0x81, 0x80, 0x01))).toBeUndefined()
    expect(new ProtobufScan().units(Uint8Array.of(0x80, 0x80, 0x80))).toBeUndefined()
  })

  it('of yamux: headers with and without a body, new streams, and none that is longer than a window', () => {
    const scan = new YamuxScan()
    expect(scan.units(yamux(0, 0, 500))).toBe(1)
    expect(scan.units(yamux(1, 1, 262_144))).toBe(9)
    expect(scan.units(concat([yamux(2, 2, 5), yamux(0, 4, 0), yamux(0, 1, 10)]))).toBe(11)
    expect(scan.units(yamux(0, 0, 262_145, 0))).toBeUndefined()
    expect(new YamuxScan().units(yamux(0, 0, 0xffff_ffff, 0))).toBeUndefined()
  })

  it('are the same frames however they are cut', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 })
    fc.assert(fc.property(sizes, fc.array(fc.nat(), { maxLength: 30 }), (lengths, places) => {
      const scan = new ProtobufScan()
      const parts = cut(concat(lengths.map(frame)), places).filter(part => part.length > 0)
      // each part that begins none counts as one, so that the sum is at least that of the frames and at most one more for each part
      const units = parts.reduce((sum, part) => sum + (scan.units(part) ?? NaN), 0)
      expect(units).toBeGreaterThanOrEqual(lengths.length)
      expect(units).toBeLessThanOrEqual(lengths.length + parts.length)
      const streams = new YamuxScan()
      const muxed = concat(lengths.map((length, i) => yamux(i % 4, i % 2, length)))
      expect(cut(muxed, places).reduce((sum, part) => sum + (streams.units(part) ?? NaN), 0)).toBe(lengths.reduce((sum, _, i) => sum + 1 + 8 * (i % 2), 0))
    }))
  })
})

/** As much of a browser's connection as is watched; `listener` is where the library would read. */
class FakeLine extends EventTarget {
  closed = 0
  readonly read: unknown[] = []
  close(): void { this.closed++ }
  createDataChannel(): RTCDataChannel { return this.#listened(new EventTarget()) }
  /** A channel that the other side opens. */
  incoming(): EventTarget {
    const channel = new EventTarget()
    this.dispatchEvent(Object.assign(new Event('datachannel'), { channel }))
    return this.#listened(channel)
  }

  #listened<T extends EventTarget>(channel: T): RTCDataChannel {
    queueMicrotask(() => { channel.addEventListener('message', (event) => { this.read.push((event as MessageEvent).data) }) })
    return channel as unknown as RTCDataChannel
  }
}
const say = (channel: EventTarget, data: unknown): boolean => channel.dispatchEvent(Object.assign(new Event('message'), { data }))
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer

function world() {
  const clock = new FakeClock()
  const floods: string[] = []
  const inflow = new Inflow(clock, (peerId) => { floods.push(peerId) })
  const line = (peerId: string): FakeLine => {
    const made = new FakeLine()
    inflow.guardLine(made as unknown as RTCPeerConnection, peerId)
    return made
  }
  const circuit = (peerId: string): EventTarget & { aborted: number } => {
    const made = Object.assign(new EventTarget(), { aborted: 0, abort: () => { made.aborted++ } })
    inflow.guardCircuit(made as unknown as Circuit, peerId)
    return made
  }
  return { clock, floods, line, circuit }
}

describe('what a peer may send', () => {
  it.each<[string, unknown]>([
    ['a text', '1000000000'], ['nothing', null], ['a message that is too large', new ArrayBuffer(16_385)], ['frames of nothing', new ArrayBuffer(17)],
    ['a frame that is too large', buffer(Uint8Array.of(0x81, 0x80, 0x01))],
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

  it('a thousand messages at once and 300 a second, on whichever channel, line or circuit: more are a flood', async () => {
    const { clock, floods, line, circuit } = world()
    const lines = [line('a'), line('a')]
    const channels = [...lines.map(made => made.incoming()), lines[0]?.createDataChannel() as unknown as EventTarget]
    const relayed = circuit('a')
    await Promise.resolve()
    const read = (): number => lines.reduce((sum, made) => sum + made.read.length, 0)
    // two channels were opened by the peer, for eight each
    for (let i = 0; i < 984; i++) say(channels[i % 3] ?? relayed, buffer(frame(10)))
    expect([read(), floods]).toEqual([984, []])
    await clock.advance(1_000)
    for (let i = 0; i < 300; i++) relayed.dispatchEvent(Object.assign(new Event('message'), { data: { subarray: () => yamux(1, 0, 1) } }))
    expect([relayed.aborted, floods]).toEqual([0, []])
    relayed.dispatchEvent(Object.assign(new Event('message'), { data: { subarray: () => yamux(1, 0, 1) } }))
    expect([relayed.aborted, floods]).toEqual([1, ['a']])
    expect(line('b').closed).toBe(0)
  })

  it('channels without a word are counted, and the one too many is not seen', async () => {
    const { floods, line } = world()
    const made = line('a')
    let seen = 0
    made.addEventListener('datachannel', () => { seen++ })
    for (let i = 0; i < 200; i++) made.incoming()
    expect([seen, made.closed, floods]).toEqual([125, 1, ['a']])
  })

  it('who comes again does not begin anew, and nobody pays for others', () => {
    const { line, circuit, floods } = world()
    const first = line('a')
    const channel = first.incoming()
    for (let i = 0; i < 900; i++) say(channel, buffer(frame(1)))
    first.close()
    const [again, other] = [line('a').incoming(), line('b').incoming()]
    for (let i = 0; i < 900; i++) say(other, buffer(frame(1)))
    expect(floods).toEqual([])
    for (let i = 0; i < 100; i++) say(again, buffer(frame(1)))
    expect(floods).toEqual(['a'])
    // of what comes later on the same line nothing is told again
    say(again, 'text')
    expect(floods).toEqual(['a'])
    expect(circuit('a').aborted).toBe(0)
  })
})
