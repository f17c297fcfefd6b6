import type { CandidateKind, NatHint } from './candidate'

/** Whether others will be able to reach this browser, and if not, what stands in the way first. */
export type ReachVerdict =
  'reachable' | 'offline' | 'no-relay' | 'relay-unreachable' | 'relay-refused' | 'no-place' | 'not-called' | 'cancelled'

/** What to expect of direct lines; a relay carries everything where there are none. */
export type DirectVerdict =
  /** switched off: relay only */
  | 'off'
  /** switched off but for the TURN servers, which work, or do not */
  | 'turn-only'
  | 'turn-failed'
  /** no WebRTC in this browser */
  | 'missing'
  /** not even this browser's own two ends found each other: an extension or a policy forbids it */
  | 'blocked'
  /** works within one network; beyond it nothing is known without a STUN server, or none answered */
  | 'host-only'
  /** others see an address of this browser */
  | 'reflexive'
  /** a router that gives every peer another port: needs TURN, or stays on the relay */
  | 'symmetric-likely'

export interface RelayResult {
  readonly address: string
  /** `no-place`: it would take others, and this browser has no place on it yet */
  readonly state: 'reserved' | 'no-place' | 'refused' | 'unreachable'
  readonly latencyMs?: number
  /** a stranger's call through it arrived here; undefined when there was no place to call */
  readonly called?: boolean
  /** as the library said it, for details */
  readonly error?: string
}

export interface ChainResult {
  readonly network: string
  readonly ok: boolean
  readonly ms?: number
  /** code of a ChainError */
  readonly code?: string
}

export interface ConnectionTest {
  readonly verdict: ReachVerdict
  readonly direct: DirectVerdict
  readonly relays: readonly RelayResult[]
  readonly candidates: Readonly<Partial<Record<CandidateKind, number>>>
  readonly nat: NatHint
  /** a TURN server gave an address; undefined when none is set up */
  readonly turn?: boolean
  readonly chains: readonly ChainResult[]
  /** milliseconds of the whole test */
  readonly ms: number
}
