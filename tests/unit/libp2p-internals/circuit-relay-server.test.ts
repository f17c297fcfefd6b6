import {
  circuitRelayServer,
  type CircuitRelayServerComponents,
  type CircuitRelayService,
} from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId, StreamHandler } from '@libp2p/interface'
import { quietLogger } from '../../support/libp2p-logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream, streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { CircuitWatch, release } from '../../../services/adapters/libp2p/internals/circuit-relay-server'

const PB = join(
  fileURLToPath(new URL('../../..', import.meta.url)),
  'node_modules/@libp2p/circuit-relay-v2/dist/src/pb/index.js',
)
const CIRCUIT_MS = 90_000

type Codec = Parameters<ReturnType<typeof pbStream>['pb']>[0]
interface Answer {
  readonly status: string
  readonly limit?: { readonly duration?: number }
}
let pb: {
  HopMessage: Codec & { Type: Record<string, unknown> }
  StopMessage: Codec & { Type: Record<string, unknown> }
}
beforeAll(async () => {
  pb = (await import(/* @vite-ignore */ pathToFileURL(PB).href)) as typeof pb
})

const peer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

/** The library's own server, watched, without a network. */
async function relay() {
  const privateKey = await generateKeyPair('Ed25519')
  const handlers = new Map<string, StreamHandler>()
  const called = new Map<string, Connection>()
  const service = circuitRelayServer({ reservations: { defaultDurationLimit: CIRCUIT_MS } })({
    privateKey,
    peerId: peerIdFromPrivateKey(privateKey),
    logger: quietLogger,
    registrar: {
      handle: async (protocol: string, handler: StreamHandler) => {
        handlers.set(protocol, handler)
      },
    },
    addressManager: { getAddresses: () => [] },
    peerStore: { merge: async () => undefined },
    connectionGater: {},
    connectionManager: { getConnections: (id: PeerId) => [called.get(id.toString())].filter(c => c !== undefined) },
  } as unknown as CircuitRelayServerComponents) as CircuitRelayService & { start(): Promise<void> }
  const counters = {
    reservationsGranted: 0,
    reservationsRenewed: 0,
    circuits: 0,
    circuitBytes: 0,
    refused: [] as string[],
    refuse: (reason: string) => {
      counters.refused.push(reason)
    },
  }
  const vacated: string[] = []
  const watch = new CircuitWatch(counters, { here: () => true, vacated: name => vacated.push(name) })
  watch.watch(service, () => false)
  await service.start()

  const connection = (remotePeer: PeerId, newStream?: () => Promise<unknown>): Connection =>
    ({ remotePeer, remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1/ws'), newStream }) as unknown as Connection
  /** One request of a client, and the stream after it. */
  async function request(from: PeerId, message: Record<string, unknown>) {
    const [near, far] = await streamPair()
    const served = Promise.resolve(handlers.get('/libp2p/circuit/relay/0.2.0/hop')?.(far, connection(from)))
    const stream = pbStream(near)
    await stream.pb(pb.HopMessage).write(message as never)
    const answer = (await stream.pb(pb.HopMessage).read()) as unknown as Answer
    return { answer, near, served }
  }
  return { service, watch, counters, vacated, called, connection, request }
}

describe("the library's relay, watched", () => {
  it('gives a place, counts it, and ends the request', async () => {
    const { counters, request, service } = await relay()
    const a = await peer()
    const first = await request(a, { type: pb.HopMessage.Type.RESERVE })
    await first.served
    expect(first.answer).toMatchObject({ status: 'OK', limit: { duration: CIRCUIT_MS / 1000 } })
    expect(first.near.remoteWriteStatus).toBe('closed')
    await (
      await request(a, { type: pb.HopMessage.Type.RESERVE })
    ).served
    expect([counters.reservationsGranted, counters.reservationsRenewed, service.reservations.size]).toEqual([1, 1, 1])
  })

  it('frees the place of who has gone, together with its timer', async () => {
    const { request, service } = await relay()
    const a = await peer()
    await (
      await request(a, { type: pb.HopMessage.Type.RESERVE })
    ).served
    const { signal } = service.reservations.get(a) as unknown as { signal: { clear?: () => void } }
    let cleared = 0
    const clear = signal.clear?.bind(signal)
    expect(clear).toBeTypeOf('function')
    signal.clear = () => {
      cleared++
      clear?.()
    }
    release(service, a)
    expect([cleared, service.reservations.size]).toEqual([1, 0])
  })

  it('counts a circuit and its bytes, tells both ends seconds, and why there is none', async () => {
    const { called, connection, counters, request, watch } = await relay()
    const [a, b] = await Promise.all([peer(), peer()])
    const target = { type: pb.HopMessage.Type.CONNECT, peer: { id: b.toMultihash().bytes, addrs: [] } }
    await (
      await request(a, target)
    ).served
    expect(counters.refused).toEqual(['no-reservation'])
    await (
      await request(b, { type: pb.HopMessage.Type.RESERVE })
    ).served
    const [toCalled, atCalled] = await streamPair()
    called.set(
      b.toString(),
      connection(b, async () => toCalled),
    )
    const stop = pbStream(atCalled)
    const asked = stop
      .pb(pb.StopMessage)
      .read()
      .then(async message => {
        await stop.pb(pb.StopMessage).write({ type: pb.StopMessage.Type.STATUS, status: 'OK' } as never)
        stop.unwrap()
        return message as unknown as Answer
      })
    const { answer, near, served } = await request(a, target)
    expect((await asked).limit?.duration).toBe(CIRCUIT_MS / 1000)
    await served
    expect(answer).toMatchObject({ status: 'OK', limit: { duration: CIRCUIT_MS / 1000 } })
    expect([watch.circuits(), watch.circuits(a.toString()), counters.circuits]).toEqual([1, 1, 1])
    const arrived = new Promise<number>(resolve => {
      atCalled.addEventListener('message', ({ data }) => resolve(data.byteLength), { once: true })
    })
    near.send(new Uint8Array(300))
    expect([await arrived, counters.circuitBytes]).toEqual([300, 300])
    near.abort(new Error('over'))
    await expect.poll(() => watch.circuits()).toBe(0)
  })

  it('has no step that is not asked for', () => {
    const watch = new CircuitWatch({} as never, { here: () => true, vacated: () => undefined })
    expect(() => watch.watch({} as never, () => false)).toThrow(
      'this version of circuit-relay-v2 has no step handleHopProtocol',
    )
  })
})
