import type { Connection, Stream, Transport as LibraryTransport } from '@libp2p/interface'
import type * as Library from '@libp2p/webrtc'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { parseCandidate } from '../../core/domain/candidate'
import type { AttemptFact } from '../../core/domain/diagnostics'
import { directAllowed, serversInUse, type IceSettings } from '../../core/domain/ice'
import type { PeerId } from '../../core/domain/ids'
import type { Inflow } from './inflow'
import { pageLines } from './lines'
import { peerOf } from './peer-of'
import { withMethods } from './with-methods'

/** Progress of a dial that carries an AttemptFact, beside the library's own kinds. */
export const FACT = 'tandem:fact'
/** @see SIGNALING_PROTOCOL of @libp2p/webrtc */
const SIGNALING = '/webrtc-signaling/0.0.1'

type Note = (fact: AttemptFact) => void
/** Who is at the other end of what is being made, and who is told of it. */
interface Maker {
  readonly peerId: PeerId
  readonly note: Note
}

type Registrar = WebRTCTransportComponents['registrar']

/** Who is told of the RTCPeerConnection that is made from a configuration: the library hands the object on as it is. */
const watched = new WeakMap<RTCConfiguration, (peer: RTCPeerConnection) => void>()

/**
 * Imports the WebRTC transport so that the connections it makes can be watched. The library keeps the constructor that
 * it finds in the global scope when it is loaded and offers no hook; so for the time of loading, and no longer, it
 * finds one that makes the same objects and says which configuration each came from. Nobody else ever sees it used: an
 * unknown configuration is passed through.
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

export const rtcConfiguration = (settings: IceSettings): RTCConfiguration => ({
  // an empty list is a choice: without one the library would ask public STUN hosts
  iceServers: serversInUse(settings).map(({ url, username, credential }) => ({
    urls: url,
    ...(username === undefined ? {} : { username, credential }),
  })),
  iceTransportPolicy: settings.relayOnly ? 'relay' : 'all',
})

/** The WebRTC of one node: with which servers, whether at all, and what is seen of each connection while it is made. */
export class Rtc {
  /** connections that are being made or open; those made under an older privacy are closed by `renew` */
  private readonly open = new Set<RTCPeerConnection>()
  private settings: IceSettings
  private maker: Maker = { peerId: '', note: () => undefined }
  private answers = 0

  /** Without an inflow a line takes whatever comes. */
  constructor(
    settings: IceSettings,
    private readonly onAnswer: (answer: number, peerId: PeerId, fact: AttemptFact) => void,
    private readonly inflow?: Inflow,
  ) {
    this.settings = settings
  }

  direct(): boolean {
    return directAllowed(this.settings)
  }

  /**
   * True when connections made so far may show an address that from now on is nobody's business; they must be closed.
   */
  set(settings: IceSettings): boolean {
    const hides = settings.relayOnly && !this.settings.relayOnly
    this.settings = settings
    return hides
  }

  /** Ends what is being made; the library sees its connection closed. */
  closeAll(): void {
    for (const peer of this.open) peer.close()
  }

  async transport(): Promise<(components: WebRTCTransportComponents) => LibraryTransport> {
    const { webRTC } = await loadLibrary()
    const make = webRTC({ rtcConfiguration: () => this.configuration() })
    return components => {
      const transport = make(withMethods(components, { registrar: this.guarded(components.registrar) }))
      const dial = transport.dial.bind(transport)
      transport.dial = (address, options) => {
        if (!this.direct())
          return Promise.reject(Object.assign(new Error('direct lines are switched off'), { name: 'DialDeniedError' }))
        const note = (fact: AttemptFact): void => {
          options.onProgress?.({ type: FACT, detail: fact } as never)
        }
        return this.as({ peerId: peerOf(address), note }, () => dial(address, options))
      }
      return transport
    }
  }

  /**
   * The library asks for the configuration before it waits for anything: what runs in `work` at once belongs to
   * `maker`.
   */
  private as<T>(maker: Maker, work: () => T): T {
    const before = this.maker
    this.maker = maker
    try {
      return work()
    } finally {
      this.maker = before
    }
  }

  /** Asked for before each RTCPeerConnection. */
  private configuration(): RTCConfiguration {
    const { peerId, note } = this.maker
    pageLines.take(peerId)
    const configuration = rtcConfiguration(this.settings)
    watched.set(configuration, peer => {
      // the settings may have changed since the library asked
      if (configuration.iceTransportPolicy !== rtcConfiguration(this.settings).iceTransportPolicy || !this.direct())
        return peer.close()
      this.open.add(peer)
      watch(peer, note, () => this.open.delete(peer))
      this.inflow?.guardLine(peer, peerId)
    })
    return configuration
  }

  /** Offers of others are answered only while that is allowed, and what is seen of an answer is told. */
  private guarded(registrar: Registrar): Registrar {
    return withMethods(registrar, {
      handle: (protocol, handler, options) =>
        registrar.handle(
          protocol,
          protocol !== SIGNALING
            ? handler
            : (stream: Stream, connection: Connection) => {
                const peerId = connection.remotePeer.toString()
                if (!this.direct()) return stream.abort(new Error('direct lines are switched off'))
                // the library would leave the caller without an answer
                if (!pageLines.has(peerId)) return stream.abort(new Error('no direct lines are left'))
                const answer = ++this.answers
                return this.as({ peerId, note: fact => this.onAnswer(answer, peerId, fact) }, () =>
                  handler(stream, connection),
                )
              },
          options,
        ),
    })
  }
}

/** Tells candidates, ICE and DTLS of one connection that was made for us, until it is open or given up. */
function watch(peer: RTCPeerConnection, note: Note, gone: () => void): void {
  let ended = false
  const end = (fact: AttemptFact): void => {
    if (!ended) note(fact)
    ended = true
  }
  const candidate = (side: 'local' | 'remote', line: string | undefined): void => {
    const fact = line === undefined || ended ? undefined : parseCandidate(line)
    if (fact !== undefined) note({ type: 'candidate', side, candidate: fact })
  }
  note({ type: 'step', step: 'sdp' })
  peer.addEventListener('icecandidate', event => candidate('local', event.candidate?.candidate))
  peer.addEventListener('iceconnectionstatechange', () => {
    if (ended) return
    if (peer.iceConnectionState === 'checking') note({ type: 'step', step: 'ice' })
    if (peer.iceConnectionState === 'connected' || peer.iceConnectionState === 'completed')
      note({ type: 'step', step: 'dtls' })
  })
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'connected') end({ type: 'open' })
    if (peer.connectionState === 'failed') end({ type: 'failed', error: 'ICE or DTLS failed' })
  })
  // neither of these two has an event
  const add = peer.addIceCandidate.bind(peer)
  peer.addIceCandidate = (init?: RTCIceCandidateInit | null) => {
    candidate('remote', init?.candidate)
    return add(init)
  }
  const close = peer.close.bind(peer)
  peer.close = () => {
    end({ type: 'failed', error: 'closed before it was open' })
    gone()
    close()
  }
}
