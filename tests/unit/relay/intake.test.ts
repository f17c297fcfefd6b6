import { describe, expect, it } from 'vitest'
import { Intake } from '../../../relay/intake'

/** A yamux header @see https://github.com/hashicorp/yamux/blob/master/spec.md */
const header = (type: number, flags: number, length: number): number[] => [0, type, 0, flags, 0, 0, 0, 1, length >>> 24, length >> 16 & 0xff, length >> 8 & 0xff, length & 0xff]
const frames = (count: number): Uint8Array => Uint8Array.from(Array.from({ length: count }, () => header(1, 0, 1)).flat())

describe('what one client may send to a relay', () => {
  function client() {
    let now = 0
    const waits: number[] = []
    let ends = 0
    const intake = new Intake({ pause: (ms) => { waits.push(ms) }, end: () => { ends++ } }, () => now)
    return { intake, waits, ends: () => ends, later: (ms: number) => { now += ms } }
  }

  it('is eight thousand units at once, and a thousand a second', () => {
    const { intake, waits, later } = client()
    expect(intake.takes('muxed', frames(8_000))).toBe(true)
    later(1_000)
    expect(intake.takes('muxed', frames(1_000))).toBe(true)
    expect(waits).toEqual([])
  })

  it('beyond that waits until all is paid for, and is read nevertheless', () => {
    const { intake, waits, ends, later } = client()
    expect(intake.takes('muxed', frames(9_000))).toBe(true)
    expect(intake.takes('muxed', frames(500))).toBe(true)
    later(1_500)
    expect(intake.takes('muxed', frames(1))).toBe(true)
    expect(waits).toEqual([1_000, 1_500, 1])
    expect(ends()).toBe(0)
  })

  it('ends when it is far beyond, once, and nothing more is read', () => {
    const { intake, waits, ends } = client()
    expect(intake.takes('muxed', frames(12_001))).toBe(false)
    expect(intake.takes('muxed', frames(1))).toBe(false)
    expect(intake.counts(1)).toBe(false)
    expect([waits, ends()]).toEqual([[], 1])
  })

  it('counts a stream as sixteen, an encrypted part as a quarter, both together', () => {
    const { intake, waits } = client()
    expect(intake.takes('muxed', Uint8Array.from(Array.from({ length: 470 }, () => header(1, 1, 0)).flat()))).toBe(true)
    // 17 each: 10 are left
    for (let i = 0; i < 9; i++) intake.counts(1)
    for (let i = 0; i < 4; i++) expect(intake.takes('encrypted', Uint8Array.from([1, 10]))).toBe(true)
    expect(waits).toEqual([])
    expect(intake.counts(0.25)).toBe(true)
    expect(waits).toEqual([0.25])
  })

  it.each([
    ['a frame that is longer than any window', 'muxed', header(0, 0, 262_145)],
    ['a negotiation that does not come to its end', 'encrypted', new Array<number>(2_000).fill(0)],
    ['hundreds of encrypted parts in one', 'encrypted', [7, ...Buffer.from('/noise\n'), ...new Array<number>(2_000).fill(0)]],
  ] as const)('ends with %s', (_name, layer, bytes) => {
    const { intake, ends } = client()
    expect(intake.takes(layer, Uint8Array.from(bytes))).toBe(false)
    expect(ends()).toBe(1)
  })
})
