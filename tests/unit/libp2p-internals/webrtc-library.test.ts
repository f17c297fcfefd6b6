import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { quietLogger } from '../../support/libp2p-logger'
import { streamPair } from '@libp2p/utils'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { register } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watchedWebRTC, type WebRTCHooks } from '../../../services/adapters/libp2p/internals/webrtc-library'

const RELAY = '12D3KooWGP1JS9VugogNajdau4VfSfyM1BouCcYLHUcG5HBmzYpu'
const TARGET = '12D3KooWAB2Er9q9KSMMFGe4pcYX7uSGxRE4zANQsqa66iLmfEHu'
const ADDRESS = multiaddr(`/ip4/127.0.0.1/tcp/1/ws/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${TARGET}`)

class FakePeerConnection extends EventTarget {
  closed = 0
  constructor(readonly configuration?: RTCConfiguration) {
    super()
  }
  createDataChannel(): EventTarget {
    return new EventTarget()
  }
  createOffer(): Promise<never> {
    return Promise.reject(new Error('far enough'))
  }
  close(): void {
    this.closed++
  }
}

/** The installed library, as a bundler gives it to a browser, whose constructor is the one above. */
describe("the library's WebRTC transport", () => {
  const before = globalThis.RTCPeerConnection
  const said: string[] = []
  const made: Array<{ peer: FakePeerConnection; configuration: RTCConfiguration; call: string }> = []
  const hooks: WebRTCHooks<string> = {
    dialling: address => {
      said.push('dialling')
      return `dial of ${address.toString().slice(-6)}`
    },
    dialled: () => said.push('dialled'),
    answering: connection => {
      if (connection.remotePeer.toString() === RELAY) throw new Error('not him')
      return 'answer'
    },
    configuration: call => {
      said.push(`configuration for ${call}`)
      return { iceServers: [] }
    },
    made: (peer, configuration, call) =>
      made.push({ peer: peer as unknown as FakePeerConnection, configuration, call }),
  }
  let signaling: StreamHandler | undefined
  let transport: Awaited<ReturnType<Awaited<ReturnType<typeof watchedWebRTC<string>>>>>

  beforeAll(async () => {
    // In Node the library would load a native module: take its browser side, with our peer connection.
    register(
      `data:text/javascript,${encodeURIComponent(`
      const browser = /@libp2p\\/webrtc\\/dist\\/src\\/(webrtc\\/index|private-to-public\\/(listener|transport|utils\\/get-rtcpeerconnection))\\.js$/
      export async function resolve(specifier, context, next) {
        const found = await next(specifier, context)
        return browser.test(found.url) ? next(found.url.replace(/\\.js$/, '.browser.js'), context) : found
      }`)}`,
    )
    Object.assign(globalThis, { RTCPeerConnection: FakePeerConnection })
    const make = await watchedWebRTC(hooks)
    expect(globalThis.RTCPeerConnection).toBe(FakePeerConnection)
    const [near] = await streamPair()
    transport = make({
      logger: quietLogger,
      registrar: {
        handle: async (_: string, handler: StreamHandler) => {
          signaling = handler
        },
      },
      upgrader: {
        createInboundAbortSignal: () => Object.assign(AbortSignal.timeout(1_000), { clear: () => undefined }),
      },
      connectionManager: { getConnections: () => [{ newStream: async () => near }] },
      transportManager: {},
    } as unknown as WebRTCTransportComponents)
    await (transport as unknown as { start(): Promise<void> }).start()
  })
  afterAll(() => {
    Object.assign(globalThis, { RTCPeerConnection: before })
  })

  it('asks for the configuration of a dial before it waits, and makes the connection from that very object', async () => {
    const dialling = transport.dial(ADDRESS, { signal: AbortSignal.timeout(1_000), upgrader: {} } as never)
    expect(said.splice(0)).toEqual(['dialling', 'configuration for dial of LmfEHu'])
    await expect(dialling).rejects.toThrow()
    expect(made).toHaveLength(1)
    const [{ peer, configuration, call } = made[0] as never] = made.splice(0)
    expect(peer).toBeInstanceOf(FakePeerConnection)
    expect(peer.configuration).toBe(configuration)
    expect([call, peer.closed]).toEqual(['dial of LmfEHu', 1])
    // no word of one that failed
    expect(said).toEqual([])
  })

  it('does the same for an offer of somebody else', async () => {
    const [, far] = await streamPair()
    const connection = { remotePeer: { toString: () => TARGET }, remoteAddr: ADDRESS } as unknown as Connection
    void signaling?.(far, connection)
    expect(said.splice(0)).toEqual(['configuration for answer'])
    await expect.poll(() => made.splice(0).map(({ call }) => call)).toEqual(['answer'])
    far.abort(new Error('over'))
  })

  it('never hears of an offer that is not to be answered', () => {
    const aborted: string[] = []
    const stream = { abort: (error: Error) => aborted.push(error.message) } as unknown as Stream
    void signaling?.(stream, { remotePeer: { toString: () => RELAY } } as unknown as Connection)
    expect([aborted, said.splice(0)]).toEqual([['not him'], []])
  })
})
