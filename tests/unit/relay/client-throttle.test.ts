import { describe, expect, it } from 'vitest'
import { ClientThrottle } from '../../../services/adapters/libp2p/internals/client-throttle'

/** A yamux header @see https://github.com/hashicorp/yamux/blob/master/spec.md */
const header = (type: number, flags: number, length: number): number[] => [
  0,
  type,
  0,
  flags,
  0,
  0,
  0,
  1,
  length >>> 24,
  (length >> 16) & 0xff,
  (length >> 8) & 0xff,
  length & 0xff,
]
const frames = (count: number): Uint8Array =>
  Uint8Array.from(Array.from({ length: count }, () => header(0, 0, 0)).flat())

describe('what one client may send to a relay', () => {
  function client() {
    let now = 0
    const waits: number[] = []
    let ends = 0
    const throttle = new ClientThrottle(
      {
        pause: ms => {
          waits.push(ms)
        },
        end: () => {
          ends++
        },
      },
      () => now,
    )
    /** so many frames, a thousand in a part; whether the last was read */
    const send = (count: number): boolean => {
      let read = true
      for (let left = count; left > 0; left -= 1_000) read = throttle.takes('muxed', frames(Math.min(left, 1_000)))
      return read
    }
    return {
      throttle,
      send,
      waits,
      ends: () => ends,
      later: (ms: number) => {
        now += ms
      },
    }
  }

  it('is eight thousand units at once, and a thousand a second', () => {
    const { send, waits, later } = client()
    expect(send(8_000)).toBe(true)
    later(1_000)
    expect(send(1_000)).toBe(true)
    expect(waits).toEqual([])
  })

  it('beyond that waits until all is paid for, and is read nevertheless', () => {
    const { send, waits, ends, later } = client()
    expect(send(9_000)).toBe(true)
    expect(send(500)).toBe(true)
    later(1_500)
    expect(send(1)).toBe(true)
    expect(waits).toEqual([1_000, 1_500, 1])
    expect(ends()).toBe(0)
  })

  it('ends when it is far beyond, once, and nothing more is read', () => {
    const { throttle, send, ends } = client()
    expect(send(12_000)).toBe(true)
    expect(send(1)).toBe(false)
    expect(send(1)).toBe(false)
    expect(throttle.counts(1)).toBe(false)
    expect(ends()).toBe(1)
  })

  it('counts a stream as seventeen, a window that is given and an encrypted part as an eighth', () => {
    const { throttle, waits } = client()
    for (let i = 0; i < 10; i++)
      expect(throttle.takes('muxed', Uint8Array.from(Array.from({ length: 47 }, () => header(1, 1, 0)).flat()))).toBe(
        true,
      )
    // 10 are left
    for (let i = 0; i < 9; i++) throttle.counts(1)
    for (let i = 0; i < 4; i++) expect(throttle.takes('muxed', Uint8Array.from(header(1, 0, 9)))).toBe(true)
    for (let i = 0; i < 4; i++) expect(throttle.takes('encrypted', Uint8Array.from([1, 10]))).toBe(true)
    expect(waits).toEqual([])
    expect(throttle.takes('encrypted', Uint8Array.from([1, 10]))).toBe(true)
    expect(waits).toEqual([0.125])
  })

  it.each([
    ['a frame that is longer than any window', 'muxed', header(0, 0, 262_145)],
    ['a negotiation that does not come to its end', 'encrypted', new Array<number>(2_000).fill(0)],
    [
      'more frames in one part than are read in one go',
      'muxed',
      new Array(1_025).fill(header(0, 0, 0)).flat() as number[],
    ],
    [
      'hundreds of encrypted parts in one',
      'encrypted',
      [7, ...Buffer.from('/noise\n'), ...new Array<number>(2_000).fill(0)],
    ],
  ] as const)('ends with %s', (_name, layer, bytes) => {
    const { throttle, ends } = client()
    expect(throttle.takes(layer, Uint8Array.from(bytes))).toBe(false)
    expect(ends()).toBe(1)
  })
})
