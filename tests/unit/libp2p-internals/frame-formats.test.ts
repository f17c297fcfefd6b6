import { multiaddrConnectionPair } from '@libp2p/utils'
import { lpStream, streamPair } from '@libp2p/utils'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fixedWindows } from '../../../services/adapters/libp2p/internals/connection-layers'
import { LengthScan, ProtobufScan, YamuxScan } from '../../../services/adapters/libp2p/internals/frame-scans'

const WEBRTC_PB = join(
  fileURLToPath(new URL('../../..', import.meta.url)),
  'node_modules/@libp2p/webrtc/dist/src/private-to-public/pb/message.js',
)

/** The scans read what the installed library writes. */
describe('frames of the library', () => {
  it('of yamux: streams, data as long as a window, windows and ends', async () => {
    const [a, b] = multiaddrConnectionPair()
    const scan = new YamuxScan()
    const weighed: Array<number | undefined> = []
    b.addEventListener('message', ({ data }) => {
      weighed.push(scan.units(data.subarray()))
    })
    const [ours, theirs] = [fixedWindows().createStreamMuxer(a), fixedWindows().createStreamMuxer(b)]
    let read = 0
    const all = new Promise<void>(resolve => {
      theirs.addEventListener('stream', ({ detail }) => {
        detail.addEventListener('message', ({ data }) => {
          read += data.byteLength
          if (read === 1_000_000) resolve()
        })
      })
    })
    const stream = await ours.createStream()
    stream.send(new Uint8Array(1_000_000))
    await all
    await stream.close()
    expect(weighed).not.toContain(undefined)
    const units = weighed.reduce<number>((sum, weight) => sum + (weight ?? 0), 0)
    // one stream, four windows of which each 16 KiB are one unit, and a few frames without a body
    expect(units).toBeGreaterThan(17 + 60)
    expect(units).toBeLessThan(200)
    for (const end of [a, b]) end.abort(new Error('over'))
  })

  it('of a data channel: flags and contents', async () => {
    const { Message } = (await import(/* @vite-ignore */ pathToFileURL(WEBRTC_PB).href)) as {
      Message: { encode(message: unknown): Uint8Array; Flag: Record<string, unknown> }
    }
    const framed = (message: unknown): Uint8Array => {
      const body = Message.encode(message)
      const head = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7]
      return Uint8Array.from([...head, ...body])
    }
    const scan = new ProtobufScan()
    const flags = Object.values(Message.Flag).filter(flag => typeof flag === 'string')
    expect(flags.length).toBeGreaterThan(3)
    for (const flag of flags) expect(scan.units(framed({ flag }))).toBe(1)
    for (const bytes of [1, 127, 128, 16_000]) expect(scan.units(framed({ message: new Uint8Array(bytes) }))).toBe(1)
    expect(scan.units(framed({ flag: Message.Flag.FIN, message: new Uint8Array(9) }))).toBe(1)
  })

  it('with their length before them, as gossip has them', async () => {
    const [near, far] = await streamPair()
    const scan = new LengthScan(1_000)
    let weighed = 0
    const done = new Promise<void>(resolve => {
      far.addEventListener('message', ({ data }) => {
        weighed += scan.units(data.subarray()) ?? Number.NaN
        if (weighed === 3) resolve()
      })
    })
    const frames = lpStream(near)
    for (const bytes of [1, 200, 1_000]) await frames.write(new Uint8Array(bytes))
    await done
    expect(weighed).toBe(3)
  })
})
