import { equalBytes } from '../domain/bytes'
import type { MemberIndex } from '../domain/ids'
import type { AttemptName } from '../domain/proposal'
import { messageHash, pubnoncesHash } from '../crypto/message-hash'
import { musigSession, nonceAgg, partialVerify } from '../crypto/musig2'
import { signingJob } from '../crypto/proposal-id'
import type { WalletContext } from '../crypto/wallet-context'
import type { Aggregator } from '../../ports/signer'
import { decodeSigned, encodeSigned } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import type { SignBody, SignedMessage } from '../wire/messages'
import { isBody, sameAttempt, signatureCount, type Session, type SignedOf } from './state'

/** A `fail` that names a culprit, with what proves it; evidence that does not fit is left out, and then it reads "the hub reports". */
export function blame(code: string, culprit: MemberIndex | undefined, input: number | undefined, messages: readonly SignedMessage[]): SignBody {
  const encoded = messages.map(encodeSigned)
  const fits = encoded.length <= LIMITS.evidenceItems && encoded.reduce((sum, e) => sum + e.length, 0) <= LIMITS.evidenceBytes
  return { type: 'fail', code, culprit, input, evidence: fits ? encoded : [] }
}

/** A `fail` as it came in, with the attempt that it ended. */
export interface Accusation {
  readonly attempt: AttemptName
  readonly culprit: MemberIndex
  readonly input?: number
  readonly evidence: readonly Uint8Array[]
}

/**
 * Does the evidence of a `fail` prove, without trust in who sent it, that `culprit` spoiled the attempt? All items must be of
 * this session and attempt and carry their senders' signatures. Three things are proofs:
 * - a `pubnonces` of the culprit that is no points (at the named input), or of the wrong number;
 * - two different contributions of one kind by the culprit for the same attempt (what else an attempt names, a complaint or a state,
 *   an honest member may say twice in different words);
 * - a `partials` of the culprit with the `nonces` that it names and the culprit's own `pubnonces` whose hash stands in it,
 *   where the partial signature of the named input does not verify (BIP327 PartialSigVerify needs nothing of the others).
 * `nonces-without-mine` is checked by the one who was left out: only it can know what it sent.
 * Total: anything else is simply not proven. Only the named input is looked at. `wallet` has derived the places of the proposal already
 * (a fresh one would derive up to 256 of them here, a second of this thread).
 */
export async function checkEvidence(session: Session, claim: Accusation, aggregator: Pick<Aggregator, 'verifyMessage'>, wallet: WalletContext | undefined): Promise<boolean> {
  const messages: SignedMessage[] = []
  for (const bytes of claim.evidence) {
    const decoded = decodeSigned(bytes)
    if (!decoded.ok) return false
    const message = decoded.value
    if (message.session !== session.id || message.walletId !== session.walletId || !sameAttempt(message.attempt, claim.attempt)) return false
    if (!session.members.includes(message.sender) || !await aggregator.verifyMessage(message)) return false
    messages.push(message)
  }
  return wallet !== undefined && proves(wallet, session, claim, messages)
}

/** What an honest member makes once for an attempt. */
const ONCE: ReadonlySet<SignBody['type']> = new Set(['pubnonces', 'nonces', 'partials'])

function proves(wallet: WalletContext, session: Session, claim: Accusation, messages: readonly SignedMessage[]): boolean {
  const theirs = messages.filter(m => m.sender === session.members[claim.culprit])
  for (const [i, one] of theirs.entries()) {
    if (ONCE.has(one.body.type) && theirs.slice(i + 1).some(other => other.body.type === one.body.type && !equalBytes(messageHash(other), messageHash(one)))) return true
  }
  const count = signatureCount(session.proposal)
  const pubnonces = theirs.find((m): m is SignedOf<'pubnonces'> => isBody(m, 'pubnonces'))
  if (!pubnonces) return false
  if (pubnonces.body.pubnonces.length !== count) return true
  const index = claim.input ?? 0
  const pubnonce = pubnonces.body.pubnonces[index]
  if (!pubnonce) return false
  if (!isPoints(pubnonce)) return true
  const partials = theirs.find((m): m is SignedOf<'partials'> => isBody(m, 'partials'))
  const nonces = messages.find((m): m is SignedOf<'nonces'> => isBody(m, 'nonces') && m.sender === session.members[claim.attempt.hub])
  if (!partials || !nonces || !equalBytes(partials.body.noncesHash, messageHash(nonces))) return false
  const hash = nonces.body.hashes[claim.culprit]
  if (!hash || !equalBytes(hash, pubnoncesHash(pubnonces.body.pubnonces))) return false
  if (partials.body.partials.length !== count) return true
  const aggregate = nonces.body.aggregates[index]
  const partial = partials.body.partials[index]
  const job = signingJob(wallet, session.proposal)
  const input = job.ok ? job.value.inputs[index] : undefined
  if (!input || !aggregate || !partial) return false
  try {
    return !partialVerify(musigSession(input.agg, aggregate, input.message), claim.culprit, partial, pubnonce)
  }
  catch {
    // an aggregate that is no pair of points is the hub's fault, not the culprit's
    return false
  }
}

function isPoints(pubnonce: Uint8Array): boolean {
  try {
    nonceAgg([pubnonce])
    return true
  }
  catch {
    return false
  }
}
