import { generateKeyPair } from '@libp2p/crypto/keys'
import type { ComponentLogger, ConnectionEncrypter, MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { quietLogger } from '../../support/libp2p-logger'
import { noise, type NoiseComponents } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import {
  fixedWindows,
  relayedOnly,
  watchMuxed,
  watchRelayed,
} from '../../../services/adapters/libp2p/internals/connection-layers'
import { NoiseScan, YamuxScan } from '../../../services/adapters/libp2p/internals/frame-scans'
import { withMethods } from '../../../services/adapters/libp2p/internals/with-methods'

const logger: ComponentLogger = quietLogger

async function side(): Promise<{ peerId: ReturnType<typeof peerIdFromPrivateKey>; encrypter: ConnectionEncrypter }> {
  const privateKey = await generateKeyPair('Ed25519')
  const peerId = peerIdFromPrivateKey(privateKey)
  return { peerId, encrypter: noise()({ privateKey, peerId, logger, upgrader: {} } as unknown as NoiseComponents) }
}

/** Two ends of one connection, encrypted by Noise, as the upgrader of the library does it. */
async function secured(near: MultiaddrConnection, far: MultiaddrConnection, watch: Parameters<typeof watchMuxed>[2]) {
  const [a, b] = await Promise.all([side(), side()])
  const muxers = fixedWindows()
  watchMuxed(b.encrypter, muxers, watch)
  const options = { skipStreamMuxerNegotiation: true } as never
  const [out, into] = await Promise.all([
    a.encrypter.secureOutbound(near, options),
    b.encrypter.secureInbound(far, options),
  ])
  return { a, out: out.connection, into: into.connection, muxers }
}

describe('what a connection carries', () => {
  it('is seen, decrypted, before the muxer reads it, with the connection below and the peer that has proved itself', async () => {
    const [near, far] = multiaddrConnectionPair()
    const scan = new YamuxScan()
    const seen: Array<number | undefined> = []
    const whom: string[] = []
    const { a, out, into, muxers } = await secured(near, far, (muxed, below, peerId) => {
      expect(below).toBe(far)
      whom.push(peerId)
      muxed.addEventListener('message', event => {
        seen.push(scan.units(event.data.subarray()))
      })
    })
    const [ours, theirs] = [fixedWindows().createStreamMuxer(out), muxers.createStreamMuxer(into)]
    const opened = new Promise<number>(resolve => {
      theirs.addEventListener('stream', () => resolve(seen.length), { once: true })
    })
    await ours.createStream()
    // the frame that opens the stream was weighed by the time the muxer told of it
    expect(await opened).toBeGreaterThan(0)
    expect(seen).not.toContain(undefined)
    expect(seen.reduce<number>((sum, units) => sum + (units ?? 0), 0)).toBeGreaterThanOrEqual(17)
    expect(whom).toEqual([a.peerId.toString()])
    for (const end of [near, far]) end.abort(new Error('over'))
  })

  it('does not reach the muxer when the watch stops it', async () => {
    const [near, far] = multiaddrConnectionPair()
    let stopped = 0
    const { out, into, muxers } = await secured(near, far, muxed => {
      muxed.addEventListener('message', event => {
        stopped++
        event.stopImmediatePropagation()
      })
    })
    const [ours, theirs] = [fixedWindows().createStreamMuxer(out), muxers.createStreamMuxer(into)]
    await ours.createStream()
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
    expect(stopped).toBeGreaterThan(0)
    expect(theirs.streams).toEqual([])
    for (const end of [near, far]) end.abort(new Error('over'))
  })

  it('is watched of relayed connections alone, if that is asked for', () => {
    const watched: string[] = []
    const watch = relayedOnly((_, peerId) => watched.push(peerId))
    const below = (address: string): MultiaddrConnection =>
      ({ remoteAddr: { toString: () => address } }) as unknown as MultiaddrConnection
    watch({} as never, below('/ip4/127.0.0.1/tcp/1/ws/p2p/relay'), 'relay')
    watch({} as never, below('/ip4/127.0.0.1/tcp/1/ws/p2p/relay/p2p-circuit/p2p/a'), 'a')
    expect(watched).toEqual(['a'])
  })
})

describe('a relayed connection', () => {
  it('is watched from its first byte, each byte once, and what is not admitted is not read', async () => {
    const [near, far] = multiaddrConnectionPair()
    const parts: number[] = []
    let admits = true
    const upgrader = {
      upgradeInbound: async () => undefined,
      upgradeOutbound: async () => undefined,
    } as unknown as Upgrader
    const watched = watchRelayed(upgrader, connection => {
      expect(connection).toBe(far)
      const scan = new NoiseScan()
      return part => {
        parts.push(part.byteLength)
        expect(scan.units(part)).toBeDefined()
        return admits
      }
    })
    await watched.upgradeInbound(far, {} as never)
    const read: number[] = []
    const next = (): Promise<unknown> =>
      new Promise(resolve => {
        far.addEventListener('message', ({ data }) => resolve(read.push(data.byteLength)), { once: true })
      })
    const first = next()
    near.send(Uint8Array.of(7, ...Buffer.from('/noise\n')))
    await first
    // what is put back is shown again, and is not weighed a second time
    const again = next()
    far.push(new Uint8Array(5))
    await again
    expect([parts, read]).toEqual([[8], [8, 5]])
    admits = false
    near.send(Uint8Array.of(0, 1, 1))
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
    expect([parts, read.length]).toEqual([[8, 3], 2])
    for (const end of [near, far]) end.abort(new Error('over'))
  })
})

describe('withMethods', () => {
  it('leaves everything else as it is, private fields too', () => {
    class Counter {
      #count = 0
      readonly name = 'counter'
      add(): number {
        return ++this.#count
      }
      hello(): string {
        return 'hello'
      }
    }
    const counter = new Counter()
    const seen = withMethods(counter, { hello: () => 'other' })
    expect([seen.add(), counter.add(), seen.hello(), counter.hello(), seen.name]).toEqual([
      1,
      2,
      'other',
      'hello',
      'counter',
    ])
  })
})
