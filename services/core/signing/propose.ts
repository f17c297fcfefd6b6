/** From a request to a session: build, connect to everybody and prove it, and only then propose. */
import { equalBytes, toHex } from '../domain/bytes'
import type { ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId, SessionId, WalletId } from '../domain/ids'
import type { PracticeProposal, SpendProposal } from '../domain/proposal'
import { cleanText, isCleanText } from '../domain/text'
import type { FieldError } from '../domain/views'
import type { WalletRecord } from '../domain/wallet'
import { memberOfPeer } from '../roster/wallet-record'
import type { GateFailure, GateTarget } from '../net/gate'
import type { SpendRequest } from '../spend/requests'
import { LIMITS } from '../wire/limits'
import { newSession } from './protocol/state'
import { isLive } from './protocol/table'
import { admit } from './rules/between-sessions'
import type { ReadProposal } from '../crypto/proposal-id'
import { sessionField, type WalletSessions } from './wallet-sessions'

/** A 33-byte compressed public key. */
export type PublicKey = Uint8Array

/** An opaque signing handle of the vault, never secret bytes: it only names whose account signs. */
export interface PrivateKey {
  readonly kind: 'vault-account'
  readonly walletId: WalletId
  readonly accountKey: AccountKey
}

export interface SessionMetadata {
  readonly walletId: WalletId
  /** the spend to sign; every sighash is recomputed from it */
  readonly proposal?: SpendProposal
  /** or a text to practise with, shown to every member */
  readonly practice?: string
}

/** How the gate before a session is run. */
export interface ConnectFirstOptions {
  /**
   * proposes although somebody is missing; he receives it as soon as he connects, and it cannot complete without him
   */
  readonly allowPartialConnectivity?: boolean
  /** other members that must be there then; 1 when omitted */
  readonly minConnectedParticipants?: number
  /** milliseconds, 30 000 when omitted */
  readonly connectivityTimeoutMs?: number
  readonly signal?: AbortSignal
  readonly onStatus?: (status: ParticipantStatus) => void
}

export interface CreateSessionOptions extends ConnectFirstOptions {
  /** account keys of all signers, in any order */
  readonly signerPublicKeys: readonly PublicKey[]
  readonly myPrivateKey: PrivateKey
  /** one 32-byte hash, or one per input; only compared with what the proposal gives */
  readonly message: Uint8Array | readonly Uint8Array[]
  readonly metadata?: SessionMetadata
  /** everybody of the wallet when omitted */
  readonly participantPeerIds?: readonly PeerId[]
}

export interface CreateSessionResult {
  readonly sessionId: SessionId | null
  readonly error?: string
  readonly connectivityIssues?: GateFailure[]
  readonly connectedParticipants?: PeerId[]
}

export interface ProposeOptions {
  /**
   * proposes to those who are there, at least one; who is missing gets it when he comes, and it cannot complete without
   * him
   */
  readonly partial?: boolean
  /** gives the gate up: its dials end, and nothing is proposed */
  readonly signal?: AbortSignal
}

export interface ProposeResult {
  readonly success: boolean
  readonly sessionId?: SessionId
  readonly error?: string
  /** what is wrong with the form, when that is why nothing was proposed */
  readonly field?: FieldError
  readonly connectivityIssues?: readonly GateFailure[]
}

const everybody = (record: WalletRecord): GateTarget[] =>
  record.roster.map(e => ({ ...(e.peerId === '' ? {} : { peerId: e.peerId }), member: e.accountKey }))

/** Proposes what a person has asked for and reviewed. */
export async function proposeSpend(
  sessions: WalletSessions,
  request: SpendRequest,
  onStatus?: (peerId: PeerId, status: ParticipantStatus) => void,
  how: ProposeOptions = {},
): Promise<ProposeResult> {
  const built = await sessions.review(request)
  if (!built.ok) return { success: false, error: built.error.code, field: built.error }
  const { draft } = built.value
  const note = cleanText(draft.note, LIMITS.noteBytes)
  const named = await sessions.spend.prepare({ ...draft, note, expiresAt: sessions.expiry(), salt: sessions.salt() })
  if (!named.ok) return { success: false, error: named.error.rule }
  const made = await createSession(sessions, named.value, everybody(sessions.wallet.record), {
    allowPartialConnectivity: how.partial === true,
    ...(how.signal === undefined ? {} : { signal: how.signal }),
    ...(onStatus === undefined ? {} : { onStatus: status => onStatus(status.peerId, status) }),
  })
  const issues = made.connectivityIssues === undefined ? {} : { connectivityIssues: made.connectivityIssues }
  if (made.sessionId !== null) return { success: true, sessionId: made.sessionId, ...issues }
  // everybody was there: what failed is the proposal itself
  const field = made.connectivityIssues === undefined ? { field: sessionField(made.error ?? 'failed') } : {}
  return { success: false, error: made.error, ...field, ...issues }
}

/** The public form of it. Misuse throws `TypeError` with the parameter's name; network trouble is a result. */
export async function createSessionWithOptions(
  sessions: WalletSessions,
  options: CreateSessionOptions,
): Promise<CreateSessionResult> {
  const { record } = sessions.wallet
  checkOptions(record, options)
  const proposal = options.metadata?.proposal ?? practice(sessions, options.metadata?.practice)
  if (proposal === undefined) throw new TypeError('metadata.proposal: missing (nobody signs a bare hash)')
  const named = await sessions.spend.prepare(proposal)
  if (!named.ok || proposal.proposer !== record.self)
    throw new TypeError(`metadata.proposal: ${named.ok ? 'proposer' : named.error.rule}`)
  checkMessage(options.message, named.value.messages)
  const targets = options.participantPeerIds?.map((peerId): GateTarget => {
    const member = memberOfPeer(record, peerId)?.accountKey
    return { peerId, ...(member === undefined ? {} : { member }) }
  })
  return createSession(sessions, named.value, targets ?? everybody(record), options)
}

function checkOptions(record: WalletRecord, o: CreateSessionOptions): void {
  const keys = new Set(o.signerPublicKeys.map(toHex))
  if (keys.size !== record.roster.length || record.roster.some(e => !keys.has(e.accountKey)))
    throw new TypeError('signerPublicKeys: not exactly the members of the wallet')
  const mine = o.myPrivateKey
  if (mine.kind !== 'vault-account' || mine.walletId !== record.id || mine.accountKey !== record.self)
    throw new TypeError("myPrivateKey: not this profile's account in the wallet")
  if (o.participantPeerIds?.length === 0) throw new TypeError('participantPeerIds: empty')
  const min = o.minConnectedParticipants
  if (min !== undefined && (!Number.isInteger(min) || min < 0 || min >= record.roster.length))
    throw new TypeError('minConnectedParticipants: not between 0 and the number of other members')
  const timeout = o.connectivityTimeoutMs
  if (timeout !== undefined && !(Number.isFinite(timeout) && timeout > 0))
    throw new TypeError('connectivityTimeoutMs: not a positive number')
}

/** Nobody signs a hash that a caller supplied: it is compared with what the proposal gives, and that is all. */
function checkMessage(message: CreateSessionOptions['message'], hashes: readonly Uint8Array[]): void {
  const messages = message instanceof Uint8Array ? [message] : message
  const same =
    messages.length === hashes.length && hashes.every((hash, i) => equalBytes(hash, messages[i] ?? new Uint8Array()))
  if (!same) throw new TypeError('message: differs from what the proposal signs')
}

function practice(sessions: WalletSessions, text: string | undefined): PracticeProposal | undefined {
  if (text === undefined) return undefined
  if (text === '' || !isCleanText(text)) throw new TypeError('metadata.practice: empty or with invisible characters')
  const { id: walletId, self: proposer } = sessions.wallet.record
  return {
    kind: 'practice',
    walletId,
    proposer,
    expiresAt: sessions.expiry(),
    note: '',
    salt: sessions.salt(),
    text,
  }
}

/** Runs the gate; after it everybody who is wanted is connected, and the session is created and sent. */
async function createSession(
  sessions: WalletSessions,
  named: ReadProposal,
  targets: readonly GateTarget[],
  o: ConnectFirstOptions,
): Promise<CreateSessionResult> {
  const { allConnected, connected, failed } = await sessions.d.network.ensureConnected(targets, {
    ...(o.connectivityTimeoutMs === undefined ? {} : { connectivityTimeoutMs: o.connectivityTimeoutMs }),
    ...(o.signal === undefined ? {} : { signal: o.signal }),
    ...(o.onStatus === undefined ? {} : { onStatus: o.onStatus }),
  })
  const reached = {
    ...(failed.length > 0 ? { connectivityIssues: failed } : {}),
    connectedParticipants: connected,
  }
  if (!allConnected && o.allowPartialConnectivity !== true)
    return { sessionId: null, error: `Cannot reach ${failed.length} participant(s)`, ...reached }
  const required = o.minConnectedParticipants ?? 1
  if (!allConnected && connected.length < required)
    return {
      sessionId: null,
      error: `Only ${connected.length}/${required} required participants connected`,
      ...reached,
    }
  const error = await open(sessions, named)
  return error === undefined ? { sessionId: named.sessionId, ...reached } : { sessionId: null, error, ...reached }
}

/** Opens the session, and waits until the proposal is signed and on its way. Gives what kept it from that. */
async function open(sessions: WalletSessions, named: ReadProposal): Promise<string | undefined> {
  const { record } = sessions.wallet
  const { sessionId } = named
  if (sessions.stopped) return 'Wallet closed meanwhile'
  const admitted = admit(sessions.all(), record.self)
  if (!admitted.ok) return admitted.error
  const members = record.roster.map(e => e.accountKey)
  await sessions.begin(newSession(named, members, record.self))
  await sessions.runner.tell(sessionId, { type: 'opened' })
  // signed and on its way, or it has failed its own check
  const made = await sessions.reached(sessionId, s => s?.propose !== undefined || (s !== undefined && !isLive(s.state)))
  if (made === undefined) {
    await sessions.takeBack(sessionId)
    return 'storage-failed'
  }
  // who is told that it stands finds it on the screen
  sessions.d.changed('now')
  return isLive(made.state) ? undefined : (made.end?.code ?? 'failed')
}
