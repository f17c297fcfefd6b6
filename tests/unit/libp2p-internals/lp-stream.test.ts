import type { Stream } from '@libp2p/interface'
import { lpStream, streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameDecoder } from '../../../services/adapters/libp2p/frames'

const MAX = 65_536

/** What a reader of the library makes of these bytes, after which the sender has done. */
async function read(...parts: Uint8Array[]): Promise<{ frames: number[]; end: string; read: number }> {
  const [near, far] = await streamPair()
  const lp = lpStream(far as Stream, { maxDataLength: MAX })
  let bytes = 0
  far.addEventListener('message', ({ data }) => {
    bytes += data.byteLength
  })
  const frames: number[] = []
  const reading = (async () => {
    try {
      for (;;) frames.push((await lp.read({ signal: AbortSignal.timeout(5_000) })).byteLength)
    } catch (error) {
      return (error as Error).name
    }
  })()
  for (const part of parts) near.send(part)
  await near.close()
  return { frames, end: await reading, read: bytes }
}

/** Why frames.ts is not @libp2p/utils: when one of these fails, the library may do by now. */
describe('lpStream of the installed library', () => {
  it('writes the frames that ours does, and reads them', async () => {
    const [near, far] = await streamPair()
    const wire: number[] = []
    far.addEventListener('message', ({ data }) => wire.push(...data.subarray()))
    const sizes = [0, 1, 127, 128, 300, 20_000]
    const lp = lpStream(near as Stream)
    for (const size of sizes) await lp.write(new Uint8Array(size))
    const ours = sizes.flatMap(size => [...encodeFrame(new Uint8Array(size))])
    await expect.poll(() => wire.length).toBe(ours.length)
    expect(wire).toEqual(ours)
    expect((await read(Uint8Array.from(ours))).frames).toEqual(sizes)
  })

  it('ends between two frames with the error of an end inside of one', async () => {
    expect((await read(encodeFrame(new Uint8Array(5)))).end).toBe('UnexpectedEOFError')
    expect((await read(encodeFrame(new Uint8Array(5)).subarray(0, 3))).end).toBe('UnexpectedEOFError')
    const decoder = new FrameDecoder(MAX)
    expect([...decoder.push(encodeFrame(new Uint8Array(5)))].length).toBe(1)
    expect(decoder.pending).toBe(false)
  })

  it('takes a length that is longer than it need be', async () => {
    expect((await read(Uint8Array.of(0x81, 0x00, 7))).frames).toEqual([1])
    expect(() => [...new FrameDecoder(MAX).push(Uint8Array.of(0x81, 0x00, 7))]).toThrow('shortest form')
  })

  it('reads on in a length that does not end', async () => {
    const endless = new Uint8Array(1_000).fill(0x80)
    expect(await read(endless)).toMatchObject({ frames: [], end: 'UnexpectedEOFError' })
    expect(() => [...new FrameDecoder(MAX).push(endless)]).toThrow('a frame of more than')
  })
})
