/**
 * The signing door (docs/protocol.md; docs/connectivity.md). It connects before it proposes, runs the sessions of the
 * open profile, and reports plain views. Module functions act on the one instance that `initMuSig2` made; what they do
 * stands in core/signing.
 */
import type { Clock } from './ports/clock'
import type { PeerId } from './core/domain/ids'
import { createThrottle, SCREEN_MS, type Throttle } from './core/domain/throttle'
import type { GateOptions, GateResult } from './core/net/gate'
import type {
  CreateSessionOptions,
  CreateSessionResult,
  PrivateKey,
  PublicKey,
  SessionMetadata,
} from './core/signing/propose'
import type { SessionCard } from './core/signing/rules/cards'
import { SigningService, type SigningServiceDeps } from './core/signing/service'

export { ConnectivityErrorType } from './core/domain/connectivity'
export type { ConnectivityError } from './core/domain/connectivity'
export { classifyConnectivityError } from './core/net/classify'
export type { SessionCard } from './core/signing/rules/cards'
export type {
  CreateSessionOptions,
  CreateSessionResult,
  PrivateKey,
  ProposeOptions,
  ProposeResult,
  PublicKey,
  SessionMetadata,
} from './core/signing/propose'
/**
 * amounts in satoshis; `recipient` as typed. With `replaces` it takes the place of an earlier payment, with `again` it
 * is one anew.
 */
export type { SpendRequest as SpendProposalParams } from './core/spend/requests'

export interface MuSig2Events {
  sessions(cards: SessionCard[]): void
}

export interface MuSig2Deps extends SigningServiceDeps {
  readonly clock: Clock
  readonly events: MuSig2Events
  /** Called when sessions have something new to show; `now`: somebody is asked something. */
  onSessions(listener: (now?: 'now') => void): () => void
}

/** Signing of the open profile, with what it tells the screens. */
export class MuSig2 extends SigningService {
  readonly #changed: Throttle
  readonly #release: () => void

  constructor({ clock, events, onSessions, ...signing }: MuSig2Deps) {
    super(signing)
    this.#changed = createThrottle(clock, SCREEN_MS, () => events.sessions(this.cards()))
    this.#release = onSessions(now => (now === undefined ? this.#changed() : this.#changed.now()))
  }

  stop(): void {
    this.#release()
    this.#changed.stop()
  }
}

export const createMuSig2 = (deps: MuSig2Deps): MuSig2 => new MuSig2(deps)

let current: MuSig2 | null = null

/** Sets the one current instance. */
export function initMuSig2(deps: MuSig2Deps): MuSig2 {
  current = createMuSig2(deps)
  return current
}

const NOT_INITIALIZED = 'MuSig2 not initialized'

/**
 * Connects to every participant and proves it by a live ping; never rejects for network trouble. `TypeError`: an empty
 * list.
 */
export async function ensureSessionParticipantsConnected(
  participantPeerIds: readonly PeerId[],
  excludeSelf = true,
  options?: GateOptions,
): Promise<GateResult> {
  if (current !== null) return current.ensureConnected(participantPeerIds, excludeSelf, options)
  const { ConnectivityErrorType } = await import('./core/domain/connectivity')
  return {
    allConnected: false,
    connected: [],
    failed: participantPeerIds.map(peerId => ({
      peerId,
      error: 'P2P not initialized',
      errorType: ConnectivityErrorType.NETWORK_ERROR,
      retryable: true,
    })),
  }
}

/** Creates a session once everybody is connected. `TypeError` names the wrong parameter. */
export function createSigningSession(
  signerPublicKeys: readonly PublicKey[],
  myPrivateKey: PrivateKey,
  message: Uint8Array | readonly Uint8Array[],
  metadata?: SessionMetadata,
  participantPeerIds?: readonly PeerId[],
): Promise<CreateSessionResult> {
  return createSigningSessionWithOptions({
    signerPublicKeys,
    myPrivateKey,
    message,
    ...(metadata === undefined ? {} : { metadata }),
    ...(participantPeerIds === undefined ? {} : { participantPeerIds }),
  })
}

/** The same with options: partial connectivity, deadline, status of each participant. */
export async function createSigningSessionWithOptions(options: CreateSessionOptions): Promise<CreateSessionResult> {
  return current === null ? { sessionId: null, error: NOT_INITIALIZED } : current.createWithOptions(options)
}

/** The instance for the calls that screens make. */
export function musig2(): MuSig2 {
  if (current === null) throw new TypeError(NOT_INITIALIZED)
  return current
}
