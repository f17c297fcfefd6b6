/**
 * Guards: privacy, and diagnostics. Each RTCPeerConnection that the library makes is seen from its first moment, and it
 * is known for whom it is made.
 * Upstream: @libp2p/webrtc 6.0.33, dist/src/webrtc/index.browser.js (keeps the constructor that is in the global scope
 * while it is loaded), dist/src/private-to-private/transport.js (asks for the configuration before it waits for
 * anything, and makes the connection from that very object).
 * Needless when: the transport takes a function that makes, or sees, its RTCPeerConnections.
 * Held by: tests/unit/libp2p-internals/webrtc-library.test.ts, tests/contract/transport-webrtc.test.ts.
 */
import type { Connection, Stream, Transport } from '@libp2p/interface'
import type * as Library from '@libp2p/webrtc'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { withMethods } from './with-methods'

/** @see SIGNALING_PROTOCOL of @libp2p/webrtc */
const SIGNALING = '/webrtc-signaling/0.0.1'

type Registrar = WebRTCTransportComponents['registrar']
type DialArguments = Parameters<Transport['dial']>

/** What is said and asked of one transport. A `Call` is whatever is to be known of a dial or an answer. */
export interface WebRTCHooks<Call> {
  /** a dial begins; throws when there is to be none */
  dialling(...dial: DialArguments): Call
  /** a dial has ended well */
  dialled(call: Call): void
  /** somebody makes an offer; throws when it is not to be answered */
  answering(connection: Connection): Call
  /** asked before each RTCPeerConnection; throws when there is to be none */
  configuration(call: Call): RTCConfiguration
  /** it has just been made from that configuration, and nothing has happened with it yet */
  made(peer: RTCPeerConnection, configuration: RTCConfiguration, call: Call): void
}

/** Who is told of the RTCPeerConnection that is made from a configuration: the library hands the object on as it is. */
const watched = new WeakMap<RTCConfiguration, (peer: RTCPeerConnection) => void>()

/**
 * Imports the library so that the connections it makes can be watched. For the time of loading, and no longer, it finds
 * a constructor that makes the same objects and says which configuration each came from. Nobody else ever sees it used:
 * an unknown configuration is passed through.
 */
async function loadLibrary(): Promise<Pick<typeof Library, 'webRTC'>> {
  const native = globalThis.RTCPeerConnection
  globalThis.RTCPeerConnection = new Proxy(native, {
    construct(target, args: [RTCConfiguration?]) {
      const peer = new target(...args)
      if (args[0] !== undefined) watched.get(args[0])?.(peer)
      return peer
    },
  })
  try {
    return await import('@libp2p/webrtc')
  } finally {
    globalThis.RTCPeerConnection = native
  }
}

/** The library's transport for one node, with these hooks. */
export async function watchedWebRTC<Call>(
  hooks: WebRTCHooks<Call>,
): Promise<(components: WebRTCTransportComponents) => Transport> {
  const { webRTC } = await loadLibrary()
  let current: { readonly call: Call } | undefined
  /** What runs in `work` before it first waits belongs to `call`. */
  const inCall = <T>(call: Call, work: () => T): T => {
    const before = current
    current = { call }
    try {
      return work()
    } finally {
      current = before
    }
  }
  const make = webRTC({
    rtcConfiguration: () => {
      if (current === undefined) throw new Error('this version of @libp2p/webrtc waits before it asks')
      const { call } = current
      const configuration = hooks.configuration(call)
      watched.set(configuration, peer => {
        hooks.made(peer, configuration, call)
      })
      return configuration
    },
  })
  /** Offers of others are answered only while that is allowed. */
  const guarded = (registrar: Registrar): Registrar =>
    withMethods(registrar, {
      handle: (protocol, handler, options) =>
        registrar.handle(
          protocol,
          protocol !== SIGNALING
            ? handler
            : (stream: Stream, connection: Connection) => {
                let call: Call
                try {
                  call = hooks.answering(connection)
                } catch (error) {
                  return stream.abort(error as Error)
                }
                return inCall(call, () => handler(stream, connection))
              },
          options,
        ),
    })
  return components => {
    const transport = make(withMethods(components, { registrar: guarded(components.registrar) }))
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, options) => {
      const call = hooks.dialling(address, options)
      const connection = await inCall(call, () => dial(address, options))
      hooks.dialled(call)
      return connection
    }
    return transport
  }
}
