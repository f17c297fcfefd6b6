import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { PingComponents } from '@libp2p/ping'
import { streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { boundedPing } from '../../../services/adapters/libp2p/internals/bounded-ping'

/** The library's ping, and a stream that somebody opens to it. */
async function asked(): Promise<Stream> {
  let handler: StreamHandler | undefined
  const service = boundedPing({
    connectionManager: {},
    registrar: {
      handle: async (_protocol: string, handle: StreamHandler) => {
        handler = handle
      },
    },
    logger: { forComponent: () => Object.assign(() => undefined, { error: () => undefined, trace: () => undefined }) },
  } as unknown as PingComponents)
  await (service as unknown as { start(): Promise<void> }).start()
  const [near, far] = await streamPair()
  void Promise.resolve(handler?.(far, {} as Connection)).catch(() => undefined)
  return near
}

describe('the ping that others ask for', () => {
  it('is answered', async () => {
    const stream = await asked()
    const echo = new Promise<number>(resolve => {
      stream.addEventListener('message', ({ data }) => resolve(data.byteLength), { once: true })
    })
    stream.send(new Uint8Array(32))
    expect(await echo).toBe(32)
    stream.abort(new Error('over'))
  })

  it('is ended after 4 KiB on one stream', async () => {
    const stream = await asked()
    const ended = new Promise<string>(resolve => {
      stream.addEventListener('close', () => resolve(stream.status), { once: true })
    })
    for (let i = 0; i < 129; i++) stream.send(new Uint8Array(32))
    expect(await ended).toBe('reset')
  })
})
