import { describe, expect, it } from 'vitest'
import { ConnectivityErrorType as T, type ConnectStep } from '../../../services/core/domain/connectivity'
import { classifyAttempts, classifyConnectivityError, netError } from '../../../services/core/net/classify'

const named = (name: string, message = ''): Error => Object.assign(new Error(message), { name })
const relaySays = (status: string): Error =>
  named('InvalidMessageError', `failed to connect via relay with status ${status}`)

/** docs/connectivity.md, "Error types", over the errors that were seen in browsers */
const table: Array<[what: string, error: unknown, step: ConnectStep | undefined, type: T, retryable: boolean]> = [
  ['peer without reservation', relaySays('NO_RESERVATION'), 'relay', T.PEER_NOT_FOUND, true],
  [
    'the same inside an aggregate',
    new AggregateError([relaySays('NO_RESERVATION')], 'All multiaddr dials failed'),
    undefined,
    T.PEER_NOT_FOUND,
    true,
  ],
  [
    'aggregate in aggregate',
    new AggregateError([new AggregateError([relaySays('NO_RESERVATION')])]),
    undefined,
    T.PEER_NOT_FOUND,
    true,
  ],
  [
    'no addresses',
    named('NoValidAddressesError', 'The dial request has no valid addresses'),
    undefined,
    T.NO_RELAY_ADDRESS,
    false,
  ],
  ['no relay left', netError('NoRelayAddressError', 'x'), undefined, T.NO_RELAY_ADDRESS, false],
  [
    'own relay full',
    named('UnsupportedListenAddressesError', 'Some configured addresses failed (RESERVATION_REFUSED)'),
    undefined,
    T.NO_RELAY_ADDRESS,
    true,
  ],
  [
    'own reservation refused, bare',
    new Error('reservation failed with status RESERVATION_REFUSED'),
    undefined,
    T.NO_RELAY_ADDRESS,
    true,
  ],
  ['ICE impossible', new DOMException('The operation timed out', 'TimeoutError'), 'ice', T.WEBRTC_FAILED, true],
  ['offer not answered', new DOMException('The operation timed out', 'TimeoutError'), 'sdp', T.WEBRTC_FAILED, true],
  ['handshake refused', named('SDPHandshakeFailedError', 'x'), 'relay', T.WEBRTC_FAILED, true],
  ['data channel', named('WebRTC/DataChannelError', 'x'), undefined, T.WEBRTC_FAILED, true],
  [
    'peer connection failed',
    named('ConnectionFailedError', 'RTCPeerConnection connection state became "failed"'),
    undefined,
    T.WEBRTC_FAILED,
    true,
  ],
  ['anything unnamed during ICE', new Error('boom'), 'ice', T.WEBRTC_FAILED, true],
  [
    'no RTCPeerConnections left in this page',
    netError('PeerConnectionsSpentError', 'x'),
    'resolve',
    T.WEBRTC_FAILED,
    false,
  ],
  ['timeout elsewhere', new DOMException('The operation timed out', 'TimeoutError'), 'relay', T.TIMEOUT, true],
  ['timeout without a step', named('TimeoutError'), undefined, T.TIMEOUT, true],
  ['silent ping', named('TimeoutError'), 'ping', T.TIMEOUT, true],
  ['our deadline, even during ICE', netError('DeadlineError', 'Timeout'), 'ice', T.TIMEOUT, true],
  ['frozen peer', relaySays('MALFORMED_MESSAGE'), 'relay', T.TIMEOUT, true],
  ['relay does not get through', relaySays('CONNECTION_FAILED'), 'relay', T.NETWORK_ERROR, true],
  ['dial denied', named('DialDeniedError', 'The connection gater denied all addresses'), undefined, T.REJECTED, false],
  ['peer speaks no such protocol', named('UnsupportedProtocolError', 'x'), 'ping', T.REJECTED, false],
  ['relay speaks no such protocol', named('UnsupportedProtocolError', 'x'), 'relay', T.NETWORK_ERROR, true],
  ['permission denied', relaySays('PERMISSION_DENIED'), 'relay', T.REJECTED, false],
  ['WebSocket event', new Event('error'), 'relay', T.NETWORK_ERROR, true],
  ['connection lost', named('ConnectionClosedError', 'timeout while closing'), undefined, T.NETWORK_ERROR, true],
  ['limited connection', named('LimitedConnectionError', 'WebRTC'), undefined, T.NETWORK_ERROR, true],
  ['all else', new Error('boom'), undefined, T.NETWORK_ERROR, true],
  ['text: timeout', 'Connection timeout', undefined, T.TIMEOUT, true],
  ['text: no relay', 'No relay address', undefined, T.NO_RELAY_ADDRESS, false],
  ['text: WebRTC', 'WebRTC negotiation failed', undefined, T.WEBRTC_FAILED, true],
  ['text: else', 'boom', undefined, T.NETWORK_ERROR, true],
  [
    'an address in the text',
    named(
      'TransportUnavailableError',
      'No transport available for address /ip4/1.2.3.4/tcp/1/ws/p2p/x/p2p-circuit/webrtc/p2p/y',
    ),
    'resolve',
    T.NETWORK_ERROR,
    true,
  ],
  ['a word that only contains ICE', 'NOTICE: device gone', undefined, T.NETWORK_ERROR, true],
  ['nothing', undefined, undefined, T.NETWORK_ERROR, true],
  ['null', null, undefined, T.NETWORK_ERROR, true],
]

describe('classifyConnectivityError', () => {
  it.each(table)('%s', (_, error, step, type, retryable) => {
    expect(classifyConnectivityError('p', error, step)).toMatchObject({ type, retryable, peerId: 'p' })
  })

  it('takes a minified class by its name property and a bare code by `code`', () => {
    class a extends Error {
      override name = 'NoValidAddressesError'
    }
    expect(classifyConnectivityError('p', new a('x')).type).toBe(T.NO_RELAY_ADDRESS)
    expect(classifyConnectivityError('p', Object.assign(new Error('x'), { code: 'DialDeniedError' })).type).toBe(
      T.REJECTED,
    )
  })

  it('of several tries the one that got furthest decides', () => {
    const tries = [relaySays('NO_RESERVATION'), new DOMException('t', 'TimeoutError'), new Event('error')]
    expect(
      classifyAttempts('p', [
        { error: tries[0], step: 'relay' },
        { error: tries[1], step: 'ice' },
        { error: tries[2], step: 'relay' },
      ]).type,
    ).toBe(T.WEBRTC_FAILED)
    expect(
      classifyAttempts('p', [
        { error: new Event('error'), step: 'relay' },
        { error: tries[0], step: 'relay' },
      ]).type,
    ).toBe(T.PEER_NOT_FOUND)
    expect(classifyAttempts('p', []).type).toBe(T.NO_RELAY_ADDRESS)
  })

  it('keeps the step, but not that of a relay which has answered', () => {
    expect(classifyConnectivityError('p', new Event('error'), 'relay').step).toBe('relay')
    for (const status of ['CONNECTION_FAILED', 'MALFORMED_MESSAGE'])
      expect(classifyConnectivityError('p', relaySays(status), 'relay')).not.toHaveProperty('step')
    expect(
      classifyAttempts('p', [
        { error: new Event('error'), step: 'relay' },
        { error: new DOMException('t', 'TimeoutError'), step: 'ice' },
      ]).step,
    ).toBe('ice')
  })

  it('is total and bounded', () => {
    const loop: { name: string; errors: unknown[] } = { name: 'AggregateError', errors: [] }
    loop.errors.push(loop, loop)
    expect(classifyConnectivityError('p', loop).type).toBe(T.NETWORK_ERROR)
    expect(classifyConnectivityError('p', new Error('x'.repeat(1e6))).message.length).toBeLessThanOrEqual(500)
  })
})
