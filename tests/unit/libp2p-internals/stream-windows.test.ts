import type { Stream, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { fixedWindows } from '../../../services/adapters/libp2p/internals/connection-layers'
import { assertWindows, windowOf } from '../../../services/adapters/libp2p/internals/stream-windows'

const WINDOW = 256 * 1024

async function streams(): Promise<{ near: Stream; far: Stream; end: () => void }> {
  const [a, b] = multiaddrConnectionPair()
  const [ours, theirs] = [fixedWindows().createStreamMuxer(a), fixedWindows().createStreamMuxer(b)]
  const opened = new Promise<Stream>(resolve => {
    theirs.addEventListener('stream', ({ detail }) => resolve(detail), { once: true })
  })
  const near = await ours.createStream()
  return {
    near,
    far: await opened,
    end: () => {
      for (const side of [a, b]) side.abort(new Error('over'))
    },
  }
}
const settle = (): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, 100)
  })

describe('the window of a stream', () => {
  it('can be shut: its sender has one window more, what has come is read, and all goes on when it is opened', async () => {
    const { near, far, end } = await streams()
    let read = 0
    far.addEventListener('message', ({ data }) => {
      read += data.byteLength
    })
    near.send(new Uint8Array(1_000))
    await settle()
    windowOf(far).sendPause()
    near.send(new Uint8Array(3 * WINDOW))
    await settle()
    expect(read).toBeGreaterThan(1_000)
    expect(read).toBeLessThanOrEqual(WINDOW + 1_000)
    windowOf(far).sendResume()
    await settle()
    expect(read).toBe(3 * WINDOW + 1_000)
    end()
  })

  it('does not lose what came before the end of a sender that is held back', async () => {
    const { near, far, end } = await streams()
    let read = 0
    far.addEventListener('message', ({ data }) => {
      read += data.byteLength
      windowOf(far).sendPause()
    })
    near.send(new Uint8Array(5_000))
    await near.close()
    await settle()
    expect(read).toBe(5_000)
    end()
  })

  it('is asked for before a relay starts', async () => {
    await expect(assertWindows(fixedWindows())).resolves.toBeUndefined()
    const without = (name: string): StreamMuxerFactory =>
      ({
        createStreamMuxer: () => ({
          protocol: '/other/1',
          createStream: async () => ({
            onData: () => undefined,
            sendPause: () => undefined,
            sendResume: () => undefined,
            [name]: undefined,
          }),
        }),
      }) as unknown as StreamMuxerFactory
    for (const name of ['onData', 'sendPause', 'sendResume'])
      await expect(assertWindows(without(name))).rejects.toThrow(`this version of /other/1 has no step ${name}`)
  })
})
