import type { Log } from '../../../ports/log'
import type { Storage } from '../../../ports/storage'
import type { WalletId } from '../../domain/ids'
import type { EndReason } from '../../domain/signing-state'
import type { Result } from '../../domain/result'
import { err, ok } from '../../domain/result'
import { decodeProposal, decodeSigned, encodeProposal, encodeSigned } from '../../wire/codec'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import {
  array,
  bool,
  bytes,
  bytesUpTo,
  decodeWith,
  encodeWith,
  field,
  hexBytes,
  optional,
  struct,
  text,
  uint,
  type DecodeError,
  type Schema,
} from '../../wire/schema'
import { accountKey, attempt, hash } from '../../wire/shapes'
import { freshRun, isBody, type AttemptFailure, type Session, type SignedOf } from '../protocol/state'
import { isSessionState } from '../protocol/table'

/**
 * A session at rest: its durable part in deterministic CBOR. Nothing in it is secret, and nothing of the run
 * (connections, live attempt, timers) is in it: a session that is read back is one whose attempt was broken off.
 * Reading is total.
 */
interface Stored {
  readonly version: number
  readonly id: string
  readonly digest: string
  readonly proposal: Uint8Array
  readonly members: readonly string[]
  readonly self: number
  readonly state: string
  readonly propose?: Uint8Array
  readonly votes: readonly Uint8Array[]
  readonly cancel?: Uint8Array
  readonly last?: { readonly counter: number; readonly hub: number }
  readonly seen: number
  readonly releasedNonces?: Uint8Array
  readonly releasedPartials?: Uint8Array
  readonly signatures?: readonly Uint8Array[]
  readonly raw?: Uint8Array
  readonly txid?: string
  readonly final?: Uint8Array
  readonly height?: number
  readonly end?: EndReason
  readonly failures: number
  readonly failure?: {
    readonly code: string
    readonly by: number
    readonly culprit?: number
    readonly input?: number
    readonly proven: boolean
  }
}

const VERSION = 1
const message = bytesUpTo(LIMITS.frameBytes, 1)
const member = uint(LIMITS.members - 1)
const input = uint(LIMITS.inputs - 1)
const reason = text(LIMITS.noteBytes)

const stored: Schema<Stored> = struct<Stored>({
  version: field('v', uint(VERSION, VERSION)),
  id: field('id', hash),
  digest: field('digest', hash),
  proposal: field('proposal', message),
  members: field('members', array(accountKey, LIMITS.members, 1)),
  self: field('self', member),
  state: field('state', reason),
  propose: optional('propose', message),
  votes: field('votes', array(message, LIMITS.members)),
  cancel: optional('cancel', message),
  last: optional('last', attempt),
  seen: field('seen', uint(LIMITS.attempts)),
  releasedNonces: optional('nonces', message),
  releasedPartials: optional('partials', message),
  signatures: optional('sigs', array(bytes(64), LIMITS.inputs)),
  raw: optional('raw', bytesUpTo(LIMITS.frameBytes, 1)),
  txid: optional('txid', hash),
  final: optional('final', message),
  height: optional('height', uint(2 ** 32 - 1)),
  end: optional(
    'end',
    struct<EndReason>({
      code: field('code', reason),
      by: optional('by', accountKey),
      txid: optional('txid', hexBytes(32)),
      input: optional('input', input),
    }),
  ),
  failures: field('failures', uint(LIMITS.attempts)),
  failure: optional(
    'failure',
    struct<NonNullable<Stored['failure']>>({
      code: field('code', reason),
      by: field('by', member),
      culprit: optional('culprit', member),
      input: optional('input', input),
      proven: field('proven', bool),
    }),
  ),
})

const opt = (m: SignedMessage | undefined): Uint8Array | undefined => m && encodeSigned(m)

/**
 * The durable part of a session. Throws `RangeError` only for a session that breaks its own bounds (a fault of the
 * program).
 */
export function encodeSession(s: Session): Uint8Array {
  return encodeWith(
    stored,
    {
      version: VERSION,
      id: s.id,
      digest: s.digest,
      proposal: encodeProposal(s.proposal),
      members: s.members,
      self: s.self,
      state: s.state,
      propose: opt(s.propose),
      votes: s.votes.filter(v => v !== undefined).map(encodeSigned),
      cancel: opt(s.cancel),
      last: s.last,
      seen: s.seen,
      releasedNonces: opt(s.released?.nonces),
      releasedPartials: opt(s.released?.partials),
      signatures: s.signed?.signatures,
      raw: s.signed?.raw,
      txid: s.signed?.txid,
      final: opt(s.final),
      height: s.height,
      end: s.end,
      failures: Math.min(s.failures, LIMITS.attempts),
      failure: s.lastFailure,
    },
    LIMITS.sessionBytes,
  )
}

export type SessionFault = DecodeError | { readonly code: 'inconsistent'; readonly path: string }

/** A stored session, ready for its first event, `resumed`. */
export function decodeSession(data: Uint8Array): Result<Session, SessionFault> {
  const read = decodeWith(stored, data, LIMITS.sessionBytes)
  if (!read.ok) return read
  const r = read.value
  const proposal = decodeProposal(r.proposal)
  if (!proposal.ok) return proposal
  if (!isSessionState(r.state) || r.self >= r.members.length) return err({ code: 'inconsistent', path: 'state' })
  const votes: Array<SignedOf<'vote'> | undefined> = r.members.map(() => undefined)
  for (const bytesOfVote of r.votes) {
    const vote = decodeSigned(bytesOfVote)
    if (!vote.ok) return vote
    const index = r.members.indexOf(vote.value.sender)
    if (index < 0 || !isBody(vote.value, 'vote')) return err({ code: 'inconsistent', path: 'votes' })
    votes[index] = vote.value
  }
  const messages: Record<
    'propose' | 'cancel' | 'releasedNonces' | 'releasedPartials' | 'final',
    SignedMessage | undefined
  > = {
    propose: undefined,
    cancel: undefined,
    releasedNonces: undefined,
    releasedPartials: undefined,
    final: undefined,
  }
  for (const key of ['propose', 'cancel', 'releasedNonces', 'releasedPartials', 'final'] as const) {
    const encoded = r[key]
    if (!encoded) continue
    const decoded = decodeSigned(encoded)
    if (!decoded.ok) return decoded
    messages[key] = decoded.value
  }
  const { releasedNonces: nonces, releasedPartials: partials } = messages
  const failure = r.failure
  return ok({
    walletId: proposal.value.walletId,
    id: r.id,
    digest: r.digest,
    proposal: proposal.value,
    members: r.members,
    self: r.self,
    state: r.state,
    propose: messages.propose,
    votes,
    cancel: messages.cancel,
    last: r.last,
    seen: r.seen,
    released: nonces && partials ? { nonces, partials } : undefined,
    signed: r.signatures ? { signatures: r.signatures, raw: r.raw, txid: r.txid } : undefined,
    final: messages.final,
    height: r.height,
    end: r.end,
    failures: r.failures,
    lastFailure:
      failure &&
      ({
        code: failure.code,
        by: failure.by,
        culprit: failure.culprit,
        input: failure.input,
        proven: failure.proven,
      } satisfies AttemptFailure),
    ...freshRun,
  })
}

/**
 * The stored sessions by wallet. One that cannot be read is reported and left where it is: a later build may read it.
 */
export async function readStoredSessions(
  storage: Pick<Storage, 'all'>,
  log: Log,
): Promise<ReadonlyMap<WalletId, readonly Session[]>> {
  const found = new Map<WalletId, Session[]>()
  for (const { key, value } of await storage.all('sessions')) {
    const session = decodeSession(value)
    if (session.ok) {
      const { walletId } = session.value
      found.set(walletId, [...(found.get(walletId) ?? []), session.value])
    } else log.write('error', 'signing.unreadable-session', { key: key.slice(0, 8), code: session.error.code })
  }
  return found
}
