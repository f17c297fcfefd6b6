import { describe, expect, it } from 'vitest'
import { decodeSigned, encodeSigned } from '../../../services/core/wire/codec'
import { USUAL, samples } from './samples'

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
