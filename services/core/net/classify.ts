import { ConnectivityErrorType, type ConnectivityError, type ConnectStep } from '../domain/connectivity'
import type { PeerId } from '../domain/ids'

/** What our own code throws into the same channel as the network library; the names are the contract of this file. */
export type NetErrorName =
  | 'DeadlineError'
  | 'TimeoutError'
  | 'AbortError'
  | 'NoRelayAddressError'
  | 'PeerUnknownError'
  | 'ConnectionLostError'
  | 'PeerConnectionsSpentError'

export function netError(name: NetErrorName, message: string): Error {
  const error = new Error(message)
  error.name = name
  return error
}

/** One failed try: the library's own error object and the step that it died in. */
export interface FailedAttempt {
  readonly error: unknown
  readonly step?: ConnectStep
}

interface Verdict {
  readonly type: ConnectivityErrorType
  readonly retryable: boolean
  readonly message: string
  /** how far the attempt got; the furthest of several decides */
  readonly progress: number
  /**
   * the relay has answered, for the peer or instead of it: that the try died in step `relay` says nothing about the
   * relay
   */
  readonly answered?: boolean
}

const T = ConnectivityErrorType
/**
 * Own rules and missing addresses stop before the network, an offline peer at the relay, the rest reach the peer
 * itself.
 */
const PROGRESS = { local: 0, network: 1, relay: 2, peer: 3, webrtc: 4, refused: 5 } as const
/** Errors nest (aggregate in aggregate); more than this is not a real one. */
const MAX_DEPTH = 3
const MAX_ERRORS = 8
const MESSAGE_LIMIT = 500

const CONNECTION_LOST = new Set([
  'ConnectionLostError',
  'ConnectionClosedError',
  'ConnectionClosingError',
  'MuxerClosedError',
  'StreamResetError',
  'StreamAbortedError',
  'StreamStateError',
  'LimitedConnectionError',
  'TransferLimitError',
  'DurationLimitError',
  'AbortError',
])
const REJECTED = new Set(['DialDeniedError', 'ConnectionDeniedError', 'ConnectionInterceptedError'])
const NO_ADDRESS = new Set(['NoRelayAddressError', 'NoValidAddressesError'])
const WEBRTC = new Set(['SDPHandshakeFailedError', 'WebRTCTransportError'])

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const inWebRtc = (step?: ConnectStep): boolean => step === 'sdp' || step === 'ice'

/** A DOM `Event` told by its shape: the core knows no DOM, and in a build class names are minified. */
const isDomEvent = (e: Readonly<Record<string, unknown>>): boolean =>
  typeof e.type === 'string' && typeof e.timeStamp === 'number' && 'target' in e

/** Status words of the circuit-relay protocol, which the library reports in the text of a general error only. */
function byStatusWord(whole: string, step?: ConnectStep): Omit<Verdict, 'message'> | undefined {
  // an address that is named says what was tried, not what went wrong: /webrtc is in most of them
  const message = whole.replace(/\/\S+/g, '')
  if (/\bNO_RESERVATION\b/.test(message)) return { type: T.PEER_NOT_FOUND, retryable: true, progress: PROGRESS.relay }
  if (/\bRESERVATION_REFUSED\b/.test(message))
    return { type: T.NO_RELAY_ADDRESS, retryable: true, progress: PROGRESS.local }
  if (/\bMALFORMED_MESSAGE\b/.test(message))
    return { type: T.TIMEOUT, retryable: true, progress: PROGRESS.peer, answered: true }
  // the relay has the peer and did not get through to it: it breaks off, or refuses and the relay does not say so
  if (/\bCONNECTION_FAILED\b/.test(message))
    return { type: T.NETWORK_ERROR, retryable: true, progress: PROGRESS.peer, answered: true }
  if (/\bPERMISSION_DENIED\b/.test(message)) return { type: T.REJECTED, retryable: false, progress: PROGRESS.refused }
  if (/RTCPeerConnection|\bICE\b|WebRTC|data ?channel/i.test(message))
    return { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
  // last resort for errors without a name: strings of callers, and what other code wraps
  if (/no relay|no (valid )?address/i.test(message))
    return { type: T.NO_RELAY_ADDRESS, retryable: false, progress: PROGRESS.local }
  if (/time(d)? ?-?out/i.test(message)) {
    return inWebRtc(step)
      ? { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
      : { type: T.TIMEOUT, retryable: true, progress: PROGRESS.peer }
  }
  return undefined
}

/** Verdict by the error's name (or code) and the step; undefined when neither says anything. */
function byName(name: string, message: string, step?: ConnectStep): Omit<Verdict, 'message'> | undefined {
  if (name === 'DeadlineError') return { type: T.TIMEOUT, retryable: true, progress: PROGRESS.peer }
  if (name === 'PeerUnknownError') return { type: T.PEER_NOT_FOUND, retryable: true, progress: PROGRESS.local }
  if (NO_ADDRESS.has(name)) return { type: T.NO_RELAY_ADDRESS, retryable: false, progress: PROGRESS.local }
  if (name === 'UnsupportedListenAddressesError' || name === 'UnsupportedListenAddressError') {
    return { type: T.NO_RELAY_ADDRESS, retryable: true, progress: PROGRESS.local }
  }
  // a kind of address that this platform cannot dial; another one decides
  if (name === 'TransportUnavailableError') return { type: T.NETWORK_ERROR, retryable: true, progress: PROGRESS.local }
  // our own gater refuses before the network is touched: any try that got out says more
  if (REJECTED.has(name)) return { type: T.REJECTED, retryable: false, progress: PROGRESS.local }
  if (name === 'UnsupportedProtocolError') {
    // before the peer is reached it is the relay that does not speak
    return step === 'resolve' || step === 'relay'
      ? { type: T.NETWORK_ERROR, retryable: true, progress: PROGRESS.network }
      : { type: T.REJECTED, retryable: false, progress: PROGRESS.refused }
  }
  if (name === 'TimeoutError') {
    return inWebRtc(step)
      ? { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
      : {
          type: T.TIMEOUT,
          retryable: true,
          progress:
            step === 'ping'
              ? PROGRESS.webrtc
              : step === 'relay' || step === 'resolve'
                ? PROGRESS.network
                : PROGRESS.peer,
        }
  }
  // a page that has used up its RTCPeerConnections gets no more by trying: it must be loaded anew
  if (name === 'PeerConnectionsSpentError')
    return { type: T.WEBRTC_FAILED, retryable: false, progress: PROGRESS.webrtc }
  if (WEBRTC.has(name) || name.startsWith('WebRTC/'))
    return { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
  if (name === 'ConnectionFailedError' && /RTCPeerConnection/.test(message))
    return { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
  if (CONNECTION_LOST.has(name))
    return { type: T.NETWORK_ERROR, retryable: true, progress: inWebRtc(step) ? PROGRESS.peer : PROGRESS.network }
  return undefined
}

function judge(error: unknown, step: ConnectStep | undefined, depth: number): Verdict {
  if (isObject(error)) {
    const inner = Array.isArray(error.errors) ? (error.errors as readonly unknown[]) : []
    if (inner.length > 0 && depth < MAX_DEPTH) {
      return furthest(inner.slice(0, MAX_ERRORS).map(e => judge(e, step, depth + 1)))
    }
    if (isDomEvent(error)) {
      // an ErrorEvent carries the real thing; the Event of a WebSocket says nothing but that it failed
      if (isObject(error.error) && depth < MAX_DEPTH) return judge(error.error, step, depth + 1)
      return {
        type: T.NETWORK_ERROR,
        retryable: true,
        progress: PROGRESS.network,
        message: `network event "${text(error.type)}"`,
      }
    }
    const name = text(error.name)
    const code = text(error.code)
    const message = text(error.message) || name || 'unknown error'
    const named = byName(name, message, step) ?? byName(code, message, step) ?? byStatusWord(code, step)
    // a timeout's name never says NO_RESERVATION; a general error's text does
    const verdict = named ?? byStatusWord(message, step) ?? byStep(step)
    return { ...verdict, message: message.slice(0, MESSAGE_LIMIT) }
  }
  const message = text(error) || 'unknown error'
  return { ...(byStatusWord(message, step) ?? byStep(step)), message: message.slice(0, MESSAGE_LIMIT) }
}

/** An error that says nothing by itself: between offer and channel it is a WebRTC failure, elsewhere the network's. */
const byStep = (step?: ConnectStep): Omit<Verdict, 'message'> =>
  inWebRtc(step)
    ? { type: T.WEBRTC_FAILED, retryable: true, progress: PROGRESS.webrtc }
    : { type: T.NETWORK_ERROR, retryable: true, progress: PROGRESS.network }

function furthest(verdicts: readonly Verdict[]): Verdict {
  let best: Verdict | undefined
  for (const v of verdicts) if (!best || v.progress > best.progress) best = v
  return best ?? { type: T.NETWORK_ERROR, retryable: true, progress: 0, message: 'unknown error' }
}

const result = (peerId: PeerId, v: Verdict, step?: ConnectStep): ConnectivityError => ({
  type: v.type,
  peerId,
  message: v.message,
  retryable: v.retryable,
  ...(step === undefined || v.answered === true ? {} : { step }),
})

/**
 * Classifies any error of the network (docs/connectivity.md, "Error types"): name, code, `step` first, text last; of an
 * `AggregateError` the attempt that got furthest decides; a DOM `Event` and a plain string are taken too. Total: never
 * throws.
 */
export function classifyConnectivityError(peerId: PeerId, error: unknown, step?: ConnectStep): ConnectivityError {
  return result(peerId, judge(error, step, 0), step)
}

/** The same for several tries of one peer, each with its own step; no try at all is a missing address. */
export function classifyAttempts(peerId: PeerId, attempts: readonly FailedAttempt[]): ConnectivityError {
  if (attempts.length === 0)
    return classifyConnectivityError(peerId, netError('NoRelayAddressError', 'No relay address available for peer'))
  const verdicts = attempts.map(a => judge(a.error, a.step, 0))
  const best = furthest(verdicts)
  return result(peerId, best, attempts[verdicts.indexOf(best)]?.step)
}
