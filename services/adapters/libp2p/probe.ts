import { parseCandidate, type CandidateFact } from '../../core/domain/candidate'
import type { IceSettings } from '../../core/domain/ice'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Probe, RelayProbe, RtcProbe } from '../../ports/probe'
import type { RelayStatus, Transport } from '../../ports/transport'
import { relayPeer } from './addresses'
import { pagePeerConnections } from './peer-connections'
import { rtcConfiguration } from './rtc'
import { createLibp2pTransport } from './transport'

export interface ProbeInit {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
}

/**
 * a browser waits some ten seconds for a STUN server that does not answer; what was gathered until then is told,
 * milliseconds
 */
const GATHER_MS = 5_000

/**
 * Tries with a node that lives for one question and has a key of its own: what it is told is what any stranger would
 * be.
 */
export function createLibp2pProbe(init: ProbeInit): Probe {
  /** Runs one question with a stranger, who is gone when it is answered or the signal aborts. */
  async function stranger<T>(
    relays: readonly string[],
    signal: AbortSignal,
    ask: (node: Transport) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const node = createLibp2pTransport({ ...init, peerKey: init.entropy.bytes(32), relays, webrtc: false })
    try {
      return await ask(node)
    } finally {
      await node.stop()
    }
  }

  return {
    relay: (address, { signal }) =>
      stranger([address], signal, async (node): Promise<RelayProbe> => {
        const verdict = settled(node, signal)
        await node.start()
        const relay = await verdict
        const connection = node.connections(relayPeer(address)).find(c => c.kind === 'direct')
        const latencyMs =
          connection === undefined ? undefined : await node.ping(connection.id, { signal }).catch(() => undefined)
        return {
          state: relay.state,
          ...(latencyMs === undefined ? {} : { latencyMs }),
          ...(relay.error === undefined ? {} : { error: relay.error }),
        }
      }),
    circuit: (relay, peerId, { signal }) =>
      stranger([], signal, async node => {
        await node.start()
        try {
          const { id } = await node.dial(peerId, `${relay}/p2p-circuit/p2p/${peerId}`, { signal })
          return { rttMs: await node.ping(id, { signal }) }
        } catch (error) {
          signal.throwIfAborted()
          return { error }
        }
      }),
    rtc: async (settings, { signal }) =>
      typeof globalThis.RTCPeerConnection === 'function' ? loopback(settings, signal, init.clock) : undefined,
  }
}

/** The first final word on the node's one relay. */
function settled(node: Transport, signal: AbortSignal): Promise<RelayStatus & { readonly state: RelayProbe['state'] }> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      off()
      reject(signal.reason as Error)
    }
    const off = node.onEvent(event => {
      if (event.type !== 'relay') return
      const { state } = event.relay
      if (state !== 'reserved' && state !== 'refused' && state !== 'unreachable') return
      off()
      signal.removeEventListener('abort', onAbort)
      resolve({ ...event.relay, state })
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Two ends in this browser: the first gathers with the given servers, and a message goes from one to the other. The
 * second is never shown to anybody, and both are closed before this returns.
 */
async function loopback(settings: IceSettings, signal: AbortSignal, clock: Clock): Promise<RtcProbe> {
  const candidates: CandidateFact[] = []
  const late = new AbortController()
  const cancel = clock.after(GATHER_MS, () => late.abort())
  const enough = AbortSignal.any([signal, late.signal])
  const ends: RTCPeerConnection[] = []
  const end = (): RTCPeerConnection => {
    pagePeerConnections.dial(() => {
      pagePeerConnections.take()
    })
    const peer = new RTCPeerConnection(rtcConfiguration(settings))
    ends.push(peer)
    return peer
  }
  try {
    const [near, far] = [end(), end()]
    const gathered = new Promise<void>(resolve => {
      near.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate === null || candidate.candidate === '') return resolve()
        const fact = parseCandidate(candidate.candidate)
        if (fact !== undefined) candidates.push(fact)
      })
    })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate !== null) to.addIceCandidate(candidate).catch(() => undefined)
      })
    }
    const joined = new Promise<boolean>(resolve => {
      far.addEventListener('datachannel', ({ channel }) => {
        channel.addEventListener('message', () => resolve(true))
      })
      near.addEventListener('connectionstatechange', () => {
        if (near.connectionState === 'failed') resolve(false)
      })
    })
    const channel = near.createDataChannel('test')
    channel.addEventListener('open', () => channel.send('x'))
    await near.setLocalDescription()
    if (near.localDescription !== null) await far.setRemoteDescription(near.localDescription)
    await far.setLocalDescription()
    if (far.localDescription !== null) await near.setRemoteDescription(far.localDescription)
    // a STUN server that is silent holds up the gathering for as long as the browser likes: what is there then counts
    const connected = await orAborted(joined, enough, false)
    await orAborted(gathered, enough, undefined)
    signal.throwIfAborted()
    return { candidates, connected }
  } catch (error) {
    signal.throwIfAborted()
    return {
      candidates,
      connected: false,
      error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
    }
  } finally {
    cancel()
    for (const peer of ends) peer.close()
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal, otherwise: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(otherwise)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
