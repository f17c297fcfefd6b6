/** Effects that only ask the vault: each is answered by a fact, which is stepped like any other. */
import type { Aggregator, Signer, SignerError, WalletKeys } from '../../../ports/signer'
import type { Result } from '../../domain/result'
import { rawTxid } from '../../domain/txid'
import type { SignedMessage } from '../../wire/messages'
import type { Effect, Fact, SignerRequest } from '../protocol/events'
import type { Session } from '../protocol/state'

type Attempt = Extract<Fact, { type: 'refused' }>['attempt']
type Question = Extract<
  Effect,
  {
    type:
      | 'sign'
      | 'approve'
      | 'make-nonces'
      | 'make-partials'
      | 'aggregate-nonces'
      | 'aggregate-partials'
      | 'finalize'
      | 'check-evidence'
  }
>

async function signed(
  request: SignerRequest,
  call: Promise<Result<SignedMessage, SignerError>>,
  made: (message: SignedMessage) => Fact,
  attempt?: Attempt,
): Promise<Fact> {
  const result = await call
  return result.ok ? made(result.value) : { type: 'refused', request, attempt, code: result.error.code }
}

/** Begins the question at once; the answer may take as long as the vault does. */
export function askVault(
  signer: Signer & Aggregator,
  keys: WalletKeys,
  session: Session,
  effect: Question,
): Promise<Fact> {
  const { id, proposal } = session
  switch (effect.type) {
    case 'sign':
      return signed(
        'sign',
        signer.signMessage(keys, id, effect.attempt, effect.body),
        message => ({ type: 'signed', message, to: effect.to }),
        effect.attempt,
      )
    case 'approve':
      return signed('approve', signer.approve(keys, proposal), message => ({ type: 'approved', message }))
    case 'make-nonces':
      return signed(
        'nonces',
        signer.makeNonces(keys, proposal, effect.attempt),
        message => ({ type: 'nonces-made', message }),
        effect.attempt,
      )
    case 'make-partials':
      return signed(
        'partials',
        signer.makePartials(keys, proposal, effect.nonces),
        message => ({ type: 'partials-made', message }),
        effect.attempt,
      )
    default:
      return askAggregator(signer, keys, session, effect)
  }
}

/** Arithmetic on what is public. */
async function askAggregator(
  signer: Aggregator,
  keys: WalletKeys,
  { proposal }: Session,
  effect: Exclude<Question, { type: SignerRequest | 'make-nonces' | 'make-partials' }>,
): Promise<Fact> {
  switch (effect.type) {
    case 'aggregate-nonces': {
      const { attempt } = effect
      const made = await signer.aggregateNonces(keys, effect.pubnonces)
      return made.ok
        ? { type: 'nonces-aggregated', attempt, aggregates: made.value }
        : { type: 'aggregation-failed', attempt, phase: 'nonces', member: made.error.member, input: made.error.input }
    }
    case 'aggregate-partials': {
      const { attempt } = effect
      const made = await signer.aggregatePartials(keys, proposal, effect.pubnonces, effect.partials)
      return made.ok
        ? { type: 'partials-aggregated', attempt, signatures: made.value }
        : { type: 'aggregation-failed', attempt, phase: 'partials', member: made.error.member, input: made.error.input }
    }
    case 'finalize': {
      const { signatures } = effect
      const made = await signer.finalize(keys, proposal, signatures)
      if (!made.ok) return { type: 'finalize-failed', from: effect.from, input: made.error.input }
      if (proposal.kind === 'practice') return { type: 'finalized', signatures }
      return { type: 'finalized', signatures, raw: made.value, txid: rawTxid(made.value) }
    }
    case 'check-evidence': {
      const { attempt, culprit, input, evidence } = effect
      const proven = await signer.checkEvidence(keys, proposal, { attempt, culprit, input, evidence })
      return { type: 'evidence-checked', attempt, proven }
    }
  }
}
