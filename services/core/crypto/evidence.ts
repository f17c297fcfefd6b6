/** Whether what a hub sends along with a `fail` proves it (docs/protocol.md, "Blame"). */
import type { Accusation } from '../domain/statement'
import { equalBytes } from '../domain/bytes'
import { sameAttempt, type Proposal } from '../domain/proposal'
import { decodeSigned } from '../wire/codec'
import type { SignBody, SignedMessage } from '../wire/messages'
import { contradict, messageHash, pubnoncesHash } from './message-hash'
import { verifySignedMessage } from './signature'
import { musigSession, nonceAgg, partialVerify } from './musig2'
import { signingJob, type SigningJob } from './proposal-id'
import type { WalletContext } from './wallet-context'

type Of<T extends SignBody['type']> = Extract<SignBody, { readonly type: T }>

/** The first body of a kind. */
const bodyOf = <T extends SignBody['type']>(messages: readonly SignedMessage[], type: T): Of<T> | undefined =>
  messages.map(m => m.body).find((body): body is Of<T> => body.type === type)

/**
 * Does the evidence of a `fail` prove, without trust in who sent it, that `culprit` spoiled the attempt? All items must
 * be of this session and attempt and carry their senders' signatures. Three things are proofs:
 * - a `pubnonces` of the culprit that is no points (at the named input), or of the wrong number;
 * - two contributions by the culprit that contradict each other (`contradict`); what else an attempt names, a complaint
 *   or a state, an honest member
 *   may say twice in different words, and it makes a second `pubnonces` after its disk was set back;
 * - a `partials` of the culprit with the `nonces` that it names and the culprit's own `pubnonces` whose hash stands in
 *   it,
 * where the partial signature of the named input does not verify (BIP327 PartialSigVerify needs nothing of the others).
 * `nonces-without-mine` is checked by the one who was left out: only it can know what it sent. Total: anything else is
 * simply not proven. Only the named input is looked at.
 */
export function checkEvidence(wallet: WalletContext, proposal: Proposal, claim: Accusation): boolean {
  const job = signingJob(wallet, proposal)
  if (!job.ok) return false
  const messages: SignedMessage[] = []
  for (const bytes of claim.evidence) {
    const decoded = decodeSigned(bytes)
    if (!decoded.ok) return false
    const message = decoded.value
    if (
      message.session !== job.value.sessionId ||
      message.walletId !== wallet.id ||
      !sameAttempt(message.attempt, claim.attempt)
    )
      return false
    if (!wallet.members.some(member => member.accountKey === message.sender) || !verifySignedMessage(message))
      return false
    messages.push(message)
  }
  return proves(wallet, job.value, claim, messages)
}

function proves(
  wallet: WalletContext,
  job: SigningJob,
  claim: Accusation,
  messages: readonly SignedMessage[],
): boolean {
  const by = (member: number): readonly SignedMessage[] =>
    messages.filter(m => m.sender === wallet.members[member]?.accountKey)
  const theirs = by(claim.culprit)
  for (const [i, one] of theirs.entries()) {
    if (theirs.slice(i + 1).some(other => contradict(one, other))) return true
  }
  const index = claim.input ?? 0
  const input = job.inputs[index]
  const pubnonces = bodyOf(theirs, 'pubnonces')?.pubnonces
  if (!pubnonces) return false
  if (pubnonces.length !== job.inputs.length) return true
  const pubnonce = pubnonces[index]
  if (!pubnonce || !input) return false
  if (!isPoints(pubnonce)) return true
  const partials = bodyOf(theirs, 'partials')
  const nonces = by(claim.attempt.hub).find(m => m.body.type === 'nonces')
  if (!partials || nonces?.body.type !== 'nonces' || !equalBytes(partials.noncesHash, messageHash(nonces))) return false
  const hash = nonces.body.hashes[claim.culprit]
  if (!hash || !equalBytes(hash, pubnoncesHash(pubnonces))) return false
  if (partials.partials.length !== job.inputs.length) return true
  const aggregate = nonces.body.aggregates[index]
  const partial = partials.partials[index]
  if (!aggregate || !partial) return false
  try {
    return !partialVerify(musigSession(input.agg, aggregate, input.message), claim.culprit, partial, pubnonce)
  } catch {
    // an aggregate that is no pair of points is the hub's fault, not the culprit's
    return false
  }
}

function isPoints(pubnonce: Uint8Array): boolean {
  try {
    nonceAgg([pubnonce])
    return true
  } catch {
    return false
  }
}
