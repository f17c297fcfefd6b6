import type { CandidateFact } from '../core/domain/candidate'
import type { IceSettings } from '../core/domain/ice'
import type { PeerId } from '../core/domain/ids'

/** What a stranger learned of one relay. */
export interface RelayProbe {
  readonly state: 'reserved' | 'refused' | 'unreachable'
  /** round trip to the relay, milliseconds; undefined when it was not reached or does not answer pings */
  readonly latencyMs?: number
  readonly error?: unknown
}

/** What two RTCPeerConnections of this browser made of a configuration. */
export interface RtcProbe {
  readonly candidates: readonly CandidateFact[]
  /** data went from one to the other */
  readonly connected: boolean
  readonly error?: string
}

interface ProbeOptions {
  readonly signal: AbortSignal
}

/**
 * Tries of the network that touch no connection in use. Trouble is a result; a method rejects only when its signal
 * aborts.
 */
export interface Probe {
  /** Connects as a stranger with a key of its own and asks for a place, which is given back. */
  relay(address: string, options: ProbeOptions): Promise<RelayProbe>
  /**
   * Connects as a stranger and calls `peerId` through the relay, as any member would: milliseconds of a round trip, or
   * the error.
   */
  circuit(
    relay: string,
    peerId: PeerId,
    options: ProbeOptions,
  ): Promise<{ readonly rttMs: number } | { readonly error: unknown }>
  /** Undefined where the platform has no WebRTC. */
  rtc(settings: IceSettings, options: ProbeOptions): Promise<RtcProbe | undefined>
}
