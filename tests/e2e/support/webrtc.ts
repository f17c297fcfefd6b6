import { networkInterfaces } from 'node:os'
import { expect } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import { requireOrSkip } from '../../support/require'
import type { Member } from './member'

/**
 * One WebRTC connection that carries data, by the certificates of its two ends, and the kinds of the two candidates
 * that it runs between.
 */
interface Line {
  readonly local: string
  readonly remote: string
  readonly kinds: readonly string[]
}

/**
 * Two browsers of one machine find each other only over an interface beside `lo`; scripts/e2e.ts makes one where it
 * may.
 */
export const noWebrtc = requireOrSkip(
  'webrtc',
  Object.values(networkInterfaces()).some(
    addresses => addresses?.some(a => a.family === 'IPv4' && !a.internal) === true,
  ),
  'only the loopback interface is here',
)

/** Keeps every RTCPeerConnection of the pages, so that the browser's own statistics can be asked. */
export async function observePeers(context: BrowserContext) {
  await context.addInitScript(() => {
    const kept: RTCPeerConnection[] = []
    Object.assign(window, { keptPeers: kept })
    window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
      construct(target, args: [RTCConfiguration?]) {
        const peer = new target(...args)
        kept.push(peer)
        return peer
      },
    })
  })
}

function lines(member: Member): Promise<Line[]> {
  return member.page.evaluate(async () => {
    const found: Line[] = []
    for (const peer of (window as unknown as { keptPeers: RTCPeerConnection[] }).keptPeers) {
      if (peer.connectionState !== 'connected') continue
      const stats = new Map<string, Record<string, unknown>>()
      ;(await peer.getStats()).forEach((value: { id: string }) => stats.set(value.id, value as never))
      for (const transport of stats.values()) {
        if (transport.type !== 'transport' || transport.dtlsState !== 'connected') continue
        const pair = stats.get(String(transport.selectedCandidatePairId))
        const print = (id: unknown) => String(stats.get(String(id))?.fingerprint)
        if (pair?.state === 'succeeded' && Number(pair.bytesSent) > 0 && Number(pair.bytesReceived) > 0) {
          const kinds = [pair.localCandidateId, pair.remoteCandidateId].map(id =>
            String(stats.get(String(id))?.candidateType),
          )
          found.push({
            local: print(transport.localCertificateId),
            remote: print(transport.remoteCertificateId),
            kinds,
          })
        }
      }
    }
    return found
  })
}

/**
 * Both browsers say that a WebRTC connection joins them, and that data went both ways over it. `kind`: what each side's
 * own statistics say of one of its two ends at least, or of `both`.
 */
export async function expectJoined(one: Member, other: Member, kind?: 'relay', ends: 'one' | 'both' = 'one') {
  const fits = ({ kinds }: Line) =>
    kind === undefined || (ends === 'both' ? kinds.every(k => k === kind) : kinds.includes(kind))
  await expect
    .poll(
      async () => {
        const [mine, theirs] = await Promise.all([lines(one), lines(other)])
        return mine.some(a => fits(a) && theirs.some(b => fits(b) && a.local === b.remote && a.remote === b.local))
      },
      { message: `${one.name} and ${other.name} are joined by WebRTC${kind === undefined ? '' : ` (${kind})`}` },
    )
    .toBe(true)
}
