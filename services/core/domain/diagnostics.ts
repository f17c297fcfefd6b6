import type { CandidateFact, CandidateKind, NatHint } from './candidate'
import type { ConnectionKind, ConnectStep } from './connectivity'
import type { PeerId } from './ids'

/** The steps of one attempt, in the order in which they are taken. A relayed one has no `sdp`, `ice`, `dtls`. */
export type AttemptStepName = ConnectStep | 'dtls'

/** What a dial, or an answer to one, shows of itself while it goes on. */
export type AttemptFact =
  | { readonly type: 'candidate'; readonly side: 'local' | 'remote'; readonly candidate: CandidateFact }
  | { readonly type: 'step'; readonly step: AttemptStepName }
  /** the line is open; of an answer also: it ended without */
  | { readonly type: 'open' }
  | { readonly type: 'failed'; readonly error: string }

export interface AttemptStep {
  readonly step: AttemptStepName
  /** unix milliseconds */
  readonly at: number
  /** how long it took, milliseconds; undefined while it runs */
  readonly ms?: number
}

/** How many candidates of each kind. */
export type CandidateCount = Readonly<Partial<Record<CandidateKind, number>>>

/** One try to reach a member, or to be reached. */
export interface Attempt {
  readonly id: number
  readonly direction: 'outbound' | 'inbound'
  readonly via: 'webrtc' | 'relay'
  /** peer id of the relay that it went through */
  readonly relay?: PeerId
  /** unix milliseconds */
  readonly at: number
  readonly ms?: number
  readonly state: 'running' | 'connected' | 'failed'
  readonly steps: readonly AttemptStep[]
  readonly local: CandidateCount
  readonly remote: CandidateCount
  readonly nat: NatHint
  /** as the library said it; shown in details only */
  readonly error?: string
}

/** What is known of the line to one member now. */
export interface LinkReport {
  readonly peerId: PeerId
  readonly kind: ConnectionKind | 'none'
  /** peer id of the relay that carries it, if one does */
  readonly relay?: PeerId
  readonly rttMs?: number
  /** bytes since the connection opened; of a relayed one those of the app's own messages */
  readonly bytesSent?: number
  readonly bytesReceived?: number
  /** unix milliseconds */
  readonly openedAt?: number
  readonly localCandidate?: string
  readonly remoteCandidate?: string
  readonly nat: NatHint
  /** newest first */
  readonly attempts: readonly Attempt[]
}
