import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { ConnectStep } from '../../core/domain/connectivity'
import type { AttemptFact } from '../../core/domain/diagnostics'
import type { PeerId } from '../../core/domain/ids'
import type { Clock } from '../../ports/clock'
import type { Log } from '../../ports/log'
import type { ConnectionInfo, DialOptions } from '../../ports/transport'
import { named, raced } from './abortable'
import type { ConnectionTable } from './connection-table'
import { ADDRESS_DIAL_MS, type Node } from './node'
import { pagePeerConnections } from './peer-connections'
import { FACT } from './rtc'

/** Which progress of the library is which step for people. */
const STEPS: Readonly<Record<string, ConnectStep>> = {
  'webrtc:dial-relay': 'relay',
  'webrtc:reuse-relay-connection': 'relay',
  'circuit-relay:open-connection': 'relay',
  'circuit-relay:reuse-connection': 'relay',
  'websockets:open-connection': 'relay',
  'webrtc:open-signaling-stream': 'sdp',
  'webrtc:send-sdp-offer': 'sdp',
  'webrtc:read-ice-candidates': 'ice',
}
const ORDER: readonly ConnectStep[] = ['relay', 'sdp', 'ice']

/** Dials one address of one peer, and tells how far it got. */
export class Dials {
  constructor(
    private readonly table: ConnectionTable,
    private readonly platform: { readonly clock: Clock; readonly log: Log },
  ) {}

  async dial(
    node: Node,
    peerId: PeerId,
    address: string,
    { signal, onStep, onFact }: DialOptions,
  ): Promise<ConnectionInfo> {
    const target = multiaddr(address)
    if (!address.endsWith(`/p2p/${peerId}`)) throw named('InvalidMultiaddrError', 'the address is not that of the peer')
    this.dropClosing(node, peerId)
    const late = new AbortController()
    const cancel = this.platform.clock.after(ADDRESS_DIAL_MS, () =>
      late.abort(new DOMException('the address did not answer in time', 'TimeoutError')),
    )
    const either = AbortSignal.any([signal, late.signal])
    let reached = -1
    const step = (name: ConnectStep): void => {
      // each step once, and never back: a relay that is dialled inside a WebRTC dial reports its own progress
      for (; reached < ORDER.indexOf(name);) {
        const next = ORDER[++reached]
        if (next !== undefined) onStep?.(next)
      }
    }
    let offered = false
    // Straight to the transport: the library's dial queue would join dials to one peer and try the addresses of all.
    const { dialling, giveBack } = pagePeerConnections.dial(() =>
      node.services.manager.dial(target, {
        signal: either,
        onProgress: event => {
          // the types of other transports' events, and our own, are not in the union that is seen here
          const { type }: { readonly type: string } = event
          if (type === FACT) return onFact?.(event.detail as unknown as AttemptFact)
          if (type === 'webrtc:send-sdp-offer') offered = true
          const name = STEPS[type]
          if (name !== undefined) step(name)
        },
      }),
    )
    try {
      const connection = await raced(dialling, either)
      return this.table.opened(connection).info
    } catch (error) {
      // a dial that dies at the relay makes no RTCPeerConnection
      if (!offered) giveBack()
      // what comes too late is not wanted any more
      dialling.then(
        connection => {
          connection.abort(named('AbortError', 'the dial was given up'))
        },
        () => undefined,
      )
      const reason: unknown = either.aborted ? either.reason : error
      this.platform.log.write('debug', 'transport.dial.failed', {
        peerId,
        step: ORDER[reached],
        error: reason instanceof Error ? `${reason.name}: ${reason.message}` : 'event',
      })
      throw reason
    } finally {
      cancel()
    }
  }

  /**
   * A WebRTC dial makes its offer over whatever connection the library still has to the peer. One that is silent and
   * being closed (the goodbye takes seconds) would swallow it, and the dial would be counted as a failure of WebRTC.
   */
  private dropClosing(node: Node, peerId: PeerId): void {
    for (const connection of node.getConnections(peerIdFromString(peerId))) {
      if (!this.table.has(connection.id))
        connection.abort(named('ConnectionClosedError', 'the connection was being closed'))
    }
  }
}
