import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, type Wire } from '../../../services/core/wire/cbor'
import { decodeSigned, encodeSigned } from '../../../services/core/wire/codec'
import { times } from '../../support/long'
import { USUAL, samples } from './samples'

describe('the deterministic encoding', () => {
  const edges = [0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]
  const text = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ maxLength: 300 }))
  const { wire } = fc.letrec<{ wire: Wire; map: Wire; list: Wire }>(tie => ({
    wire: fc.oneof(
      { maxDepth: 5, depthIdentifier: 'wire' },
      fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat()), text, fc.boolean(), fc.uint8Array({ maxLength: 300 }), tie('list'), tie('map'),
    ),
    list: fc.array(tie('wire'), { maxLength: 30, depthIdentifier: 'wire' }),
    map: fc.dictionary(fc.oneof(fc.string({ minLength: 1, maxLength: 4 }), text), tie('wire'), { maxKeys: 30, depthIdentifier: 'wire', noNullPrototype: true }),
  }))

  it('is that of the library, whatever the value', () => {
    fc.assert(fc.property(wire, (value) => {
      const bytes = encodeCbor(value)
      expect(Buffer.from(bytes).equals(encode(value))).toBe(true)
      expect(decodeCbor(bytes)).toEqual({ ok: true, value })
    }), { numRuns: times(2_000, 50_000) })
  })

  it('has room for anything, and keeps nothing of what came before', () => {
    const large = new Uint8Array(100_000).fill(7)
    const first = encodeCbor([large, 'x'.repeat(70_000)])
    expect(first).toEqual(new Uint8Array(encode([large, 'x'.repeat(70_000)])))
    expect(encodeCbor({ b: 1, a: 'é' })).toEqual(Uint8Array.of(0xa2, 0x61, 0x61, 0x62, 0xc3, 0xa9, 0x61, 0x62, 1))
    // what was given out is not written into again
    expect(first).toEqual(new Uint8Array(encode([large, 'x'.repeat(70_000)])))
  })

  it('is refused for what has no place on the wire, and the next one is sound', () => {
    for (const value of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => encodeCbor([value])).toThrow(RangeError)
    expect(encodeCbor(1)).toEqual(Uint8Array.of(1))
  })
})

describe('the frame of a message that was read', () => {
  const frame = encodeSigned(samples(USUAL).signed['vote-yes']!)

  it('stays what it was when the bytes that it came in are used for something else', () => {
    const stream = new Uint8Array(frame.length + 20)
    stream.set(frame, 10)
    const read = decodeSigned(stream.subarray(10, 10 + frame.length))
    stream.fill(0)
    expect(read.ok && encodeSigned(read.value)).toEqual(frame)
  })

  it('is not that of another message made from it', () => {
    const read = decodeSigned(frame)
    if (!read.ok) throw new Error(read.error.code)
    const changed = encodeSigned({ ...read.value, signature: new Uint8Array(64) })
    expect(changed).not.toEqual(frame)
    expect(decodeSigned(changed)).toEqual({ ok: true, value: { ...read.value, signature: new Uint8Array(64) } })
  })
})
