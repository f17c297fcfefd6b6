/**
 * Guards: nothing; it shows the ICE pair of a connection. The library keeps the RTCPeerConnection inside of the muxer.
 * Upstream: @libp2p/webrtc 6.0.33, dist/src/muxer.js (`peerConnection`); libp2p 3.3.11, dist/src/connection.js
 * (`muxer`).
 * Needless when: a connection tells statistics, or its RTCPeerConnection.
 * Held by: tests/unit/libp2p-internals/upstream.test.ts, tests/contract/transport-webrtc.test.ts ("localProtocol").
 */
import type { Connection } from '@libp2p/interface'

type Stats = Record<string, string | number>

interface Inside {
  readonly muxer?: { readonly peerConnection?: RTCPeerConnection }
}

interface Report {
  readonly id: string
  readonly type: string
  readonly [key: string]: unknown
}

/**
 * Bytes, round trip and candidates of the ICE pair in use; empty where the connection is no WebRTC or does not tell.
 */
export async function rtcStats(connection: Connection): Promise<Stats> {
  const peerConnection = (connection as unknown as Inside).muxer?.peerConnection
  if (typeof peerConnection?.getStats !== 'function') return {}
  const reports = new Map<string, Report>()
  const raw = await peerConnection.getStats().catch(() => undefined)
  raw?.forEach((report: Report) => {
    reports.set(report.id, report)
  })
  const all = [...reports.values()]
  const transport = all.find(r => r.type === 'transport')
  const selected = transport?.selectedCandidatePairId
  const pair =
    (typeof selected === 'string' ? reports.get(selected) : undefined) ??
    all.find(r => r.type === 'candidate-pair' && r.nominated === true && r.state === 'succeeded')
  const stats: Stats = { iceState: peerConnection.iceConnectionState }
  if (pair === undefined) return stats
  // of the transport, not of the pair: ICE may move to another pair, whose count begins anew
  take(stats, 'bytesSent', transport?.bytesSent)
  take(stats, 'bytesReceived', transport?.bytesReceived)
  take(stats, 'rttMs', typeof pair.currentRoundTripTime === 'number' ? pair.currentRoundTripTime * 1000 : undefined)
  for (const [side, id] of [
    ['local', pair.localCandidateId],
    ['remote', pair.remoteCandidateId],
  ] as const) {
    const candidate = typeof id === 'string' ? reports.get(id) : undefined
    take(stats, `${side}Candidate`, candidate?.candidateType)
    take(stats, `${side}Protocol`, candidate?.protocol)
  }
  return stats
}

function take(stats: Stats, key: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number') stats[key] = value
}
