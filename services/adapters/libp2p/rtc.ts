import type { Transport as LibraryTransport } from '@libp2p/interface'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { parseCandidate } from '../../core/domain/candidate'
import type { AttemptFact } from '../../core/domain/diagnostics'
import { directAllowed, serversInUse, type IceSettings } from '../../core/domain/ice'
import type { PeerId } from '../../core/domain/ids'
import { peerOf } from './addresses'
import type { InboundLimits } from './internals/inbound-limits'
import { watchedWebRTC } from './internals/webrtc-library'
import { pagePeerConnections } from './peer-connections'

/** Progress of a dial that carries an AttemptFact, beside the library's own kinds. */
export const FACT = 'tandem:fact'

type Note = (fact: AttemptFact) => void
/** Who is at the other end of what is being made, and who is told of it. */
interface Call {
  readonly peerId: PeerId
  readonly note: Note
  /** what was made for it is open, whether or not the browser has said so by now */
  opened?: () => void
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
  private answers = 0

  /** Without limits a connection takes whatever comes. */
  constructor(
    settings: IceSettings,
    private readonly onAnswer: (answer: number, peerId: PeerId, fact: AttemptFact) => void,
    private readonly limits?: InboundLimits,
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

  transport(): Promise<(components: WebRTCTransportComponents) => LibraryTransport> {
    return watchedWebRTC<Call>({
      dialling: (address, options) => {
        if (!this.direct()) throw Object.assign(new Error('WebRTC is switched off'), { name: 'DialDeniedError' })
        return {
          peerId: peerOf(address),
          note: fact => {
            options.onProgress?.({ type: FACT, detail: fact } as never)
          },
        }
      },
      dialled: call => call.opened?.(),
      answering: connection => {
        const peerId = connection.remotePeer.toString()
        if (!this.direct()) throw new Error('WebRTC is switched off')
        // the library would leave the caller without an answer
        if (!pagePeerConnections.has(peerId)) throw new Error('this page has used up its WebRTC connections')
        const answer = ++this.answers
        return { peerId, note: fact => this.onAnswer(answer, peerId, fact) }
      },
      configuration: call => {
        pagePeerConnections.take(call.peerId)
        return rtcConfiguration(this.settings)
      },
      made: (peer, { iceTransportPolicy }, call) => {
        // the settings may have changed since the library asked
        if (iceTransportPolicy !== rtcConfiguration(this.settings).iceTransportPolicy || !this.direct())
          return peer.close()
        this.open.add(peer)
        call.opened = watch(peer, call.note, () => this.open.delete(peer))
        this.limits?.guardPeerConnection(peer, call.peerId)
      },
    })
  }
}

/**
 * Tells candidates, ICE and DTLS of one connection that was made for us, until it is open or given up.
 * @returns what says that it is open: a dial may end before the browser tells of the new state, because a data channel
 * that works is enough for the library
 */
function watch(peer: RTCPeerConnection, note: Note, gone: () => void): () => void {
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
  return () => end({ type: 'open' })
}
