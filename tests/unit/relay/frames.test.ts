import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameQueue } from '../../../services/adapters/libp2p/frame-queue'
import { encodeFrame, FrameDecoder } from '../../../services/adapters/libp2p/frames'
import { TokenBucket } from '../../../services/core/domain/token-bucket'

const MAX = 65_536

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 50 }),
        (frames, cut) => {
          const bytes = frames.flatMap(frame => [...encodeFrame(frame)])
          const decoder = new FrameDecoder(MAX)
          const out: number[][] = []
          for (let i = 0; i < bytes.length; i += cut)
            for (const frame of decoder.push(Uint8Array.from(bytes.slice(i, i + cut)))) out.push([...frame])
          expect(out).toEqual(frames.map(frame => [...frame]))
          expect(decoder.pending).toBe(false)
        },
      ),
    )
  })

  it('have an unsigned varint before them', () => {
    expect([...encodeFrame(new Uint8Array(300))].slice(0, 3)).toEqual([0xac, 0x02, 0])
    expect([...encodeFrame(new Uint8Array(0))]).toEqual([0])
  })

  it.each([
    ['one byte over the limit', [0x81, 0x80, 0x04]],
    ['a huge length', [0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a length that does not end', [0x80, 0x80, 0x80, 0x80, 0x80]],
    ['a length in a longer form', [0x81, 0x00]],
  ])('refuse %s before its bytes come', (_name, bytes) => {
    expect(() => [...new FrameDecoder(MAX).push(Uint8Array.from(bytes))]).toThrow(
      expect.objectContaining({ name: 'InvalidDataLengthError' }) as Error,
    )
  })

  it('take the largest one', () => {
    expect([...new FrameDecoder(MAX).push(encodeFrame(new Uint8Array(MAX)))]).toHaveLength(1)
  })

  it('tell when one is unfinished', () => {
    const decoder = new FrameDecoder(MAX)
    expect([...decoder.push(Uint8Array.from([5, 1, 2]))]).toEqual([])
    expect(decoder.pending).toBe(true)
  })
})

describe('FrameQueue', () => {
  it('makes the writer wait while it is full', async () => {
    const queue = new FrameQueue(1)
    await queue.push(Uint8Array.of(1))
    let written = false
    const second = queue.push(Uint8Array.of(2)).then(() => {
      written = true
    })
    await Promise.resolve()
    expect(written).toBe(false)
    const reader = queue.read()
    expect((await reader.next()).value).toEqual(Uint8Array.of(1))
    await second
    expect((await reader.next()).value).toEqual(Uint8Array.of(2))
  })

  it('gives what waits before a clean end, and drops it before an error', async () => {
    const clean = new FrameQueue(9)
    await clean.push(Uint8Array.of(1))
    clean.finish()
    const read: number[] = []
    for await (const frame of clean.read()) read.push(...frame)
    expect(read).toEqual([1])
    const broken = new FrameQueue(9)
    await broken.push(Uint8Array.of(1))
    broken.fail(new Error('reset'))
    await expect(broken.read().next()).rejects.toThrow('reset')
  })
})

describe('the messages of a peer', () => {
  it('allows one second of messages at once and then the steady rate', () => {
    let now = 0
    const limit = new TokenBucket({ perSecond: 50, burst: 50 }, () => now)
    for (let i = 0; i < 50; i++) expect(limit.take()).toBe(true)
    expect(limit.take()).toBe(false)
    now = 20
    expect(limit.take()).toBe(true)
    expect(limit.take()).toBe(false)
    now = -1000
    expect(limit.take()).toBe(false)
  })
})
