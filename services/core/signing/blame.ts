import { equalBytes } from '../domain/bytes'
import type { MemberIndex } from '../domain/ids'
import type { Proposal } from '../domain/proposal'
import { aggregateNonces } from '../crypto/aggregate'
import { messageHash, pubnoncesHash, verifySignedMessage } from '../crypto/message-hash'
import { musigSession, partialVerify } from '../crypto/musig2'
import { signingJob } from '../crypto/proposal-id'
import type { WalletContext } from '../crypto/wallet-context'
import { decodeSigned, encodeSigned } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import type { SignBody, SignedMessage } from '../wire/messages'
import { isBody, sameAttempt, type SignedOf } from './state'

/** A `fail` that names a culprit, with what proves it; evidence that does not fit is left out, and then it reads "the hub reports". */
export function blame(code: string, culprit: MemberIndex | undefined, input: number | undefined, messages: readonly SignedMessage[]): SignBody {
  const encoded = messages.map(encodeSigned)
  const fits = encoded.length <= LIMITS.evidenceItems && encoded.reduce((sum, e) => sum + e.length, 0) <= LIMITS.evidenceBytes
  return { type: 'fail', code, culprit, input, evidence: fits ? encoded : [] }
}

/**
 * Does the evidence of a `fail` prove, without trust in who sent it, that `culprit` spoiled the attempt? All items must be of
 * this session and attempt and carry their senders' signatures. Three things are proofs:
 * - a `pubnonces` of the culprit that is no points, or of the wrong number;
 * - two different messages of one kind by the culprit for the same attempt;
 * - a `partials` of the culprit with the `nonces` that it names and the culprit's own `pubnonces` whose hash stands in it,
 *   where a partial signature does not verify (BIP327 PartialSigVerify needs nothing of the others).
 * `nonces-without-mine` is checked by the one who was left out: only it can know what it sent.
 * Total: anything else is simply not proven.
 */
export function provesBlame(wallet: WalletContext, proposal: Proposal, claim: { readonly session: string; readonly attempt: { readonly counter: number; readonly hub: MemberIndex }; readonly culprit: MemberIndex; readonly evidence: readonly Uint8Array[] }): boolean {
  const culprit = wallet.members[claim.culprit]?.accountKey
  const messages: SignedMessage[] = []
  for (const bytes of claim.evidence) {
    const decoded = decodeSigned(bytes)
    if (!decoded.ok) return false
    const message = decoded.value
    if (message.session !== claim.session || message.walletId !== wallet.id || !sameAttempt(message.attempt, claim.attempt)) return false
    if (!wallet.members.some(m => m.accountKey === message.sender) || !verifySignedMessage(message)) return false
    messages.push(message)
  }
  const theirs = messages.filter(m => m.sender === culprit)
  for (const [i, one] of theirs.entries()) {
    if (theirs.slice(i + 1).some(other => other.body.type === one.body.type && !equalBytes(messageHash(other), messageHash(one)))) return true
  }
  const pubnonces = theirs.find((m): m is SignedOf<'pubnonces'> => isBody(m, 'pubnonces'))
  const job = signingJob(wallet, proposal)
  if (!pubnonces || !job.ok) return false
  if (pubnonces.body.pubnonces.length !== job.value.inputs.length) return true
  const valid = aggregateNonces(wallet, wallet.members.map(() => pubnonces.body.pubnonces)).ok
  if (!valid) return true
  const partials = theirs.find((m): m is SignedOf<'partials'> => isBody(m, 'partials'))
  const nonces = messages.find((m): m is SignedOf<'nonces'> => isBody(m, 'nonces'))
  if (!partials || !nonces || nonces.sender !== wallet.members[claim.attempt.hub]?.accountKey) return false
  if (!equalBytes(partials.body.noncesHash, messageHash(nonces))) return false
  const hash = nonces.body.hashes[claim.culprit]
  if (!hash || !equalBytes(hash, pubnoncesHash(pubnonces.body.pubnonces))) return false
  if (partials.body.partials.length !== job.value.inputs.length) return true
  if (nonces.body.aggregates.length !== job.value.inputs.length) return false
  return job.value.inputs.some((input, i) => {
    const partial = partials.body.partials[i]
    const pubnonce = pubnonces.body.pubnonces[i]
    const aggregate = nonces.body.aggregates[i]
    if (!partial || !pubnonce || !aggregate) return false
    // an aggregate that is no pair of points is the hub's fault, not the culprit's
    try {
      return !partialVerify(musigSession(input.agg, aggregate, input.message), claim.culprit, partial, pubnonce)
    }
    catch {
      return false
    }
  })
}
