import type { Connection } from '@libp2p/interface'

type Stats = Record<string, string | number>

/** The library keeps the peer connection inside the multiplexer of a WebRTC connection and shows it to nobody. */
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

/**
 * Peer id of the relay that carries a connection, as its address tells: `.../p2p/<relay>/p2p-circuit/p2p/<peer>` on
 * both sides.
 */
export function relayOf(connection: Pick<Connection, 'remoteAddr'>): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(connection.remoteAddr.toString())?.[1]
}

function take(stats: Stats, key: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number') stats[key] = value
}
