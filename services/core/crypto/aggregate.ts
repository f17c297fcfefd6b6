/**
 * What a hub computes of other members' public contributions. Needs no trust (BIP327): a wrong aggregate gives a
 * signature that does not verify, never a leak. The whole is checked first; single contributions only to find who is to
 * blame.
 */
import type { Proposal } from '../domain/proposal'
import { err, ok, type Result } from '../domain/result'
import { verifySignature } from './signature'
import {
  InvalidContribution,
  MusigError,
  musigSession,
  nonceAgg,
  partialSigAgg,
  partialVerify,
  xOnlyKey,
} from './musig2'
import { signingJob, type SigningInput } from './proposal-id'
import { serializeTx, withKeyPathWitnesses } from './transaction'
import type { WalletContext } from './wallet-context'

/** By member (roster order), each one entry per input. */
type Contributions = ReadonlyArray<readonly Uint8Array[]>

/** `member` is absent when nobody in particular is at fault. */
export interface Culprit {
  readonly member?: number
  readonly input: number
}

/** True when the error is one of the two that the curve code throws for bad contributions. */
const isMusig = (error: unknown): error is InvalidContribution | MusigError =>
  error instanceof InvalidContribution || error instanceof MusigError

const columns = (rows: Contributions, input: number): Uint8Array[] => rows.map(row => row[input] ?? new Uint8Array())

/** The first member whose list has another length than there are inputs. */
function shortRow(rows: Contributions, members: number, inputs: number): number | undefined {
  if (rows.length < members) return rows.length
  const index = rows.findIndex(row => row.length !== inputs)
  return rows.length > members ? members : index < 0 ? undefined : index
}

/**
 * Per input the aggregate of all members' pubnonces, 66 bytes; else the member and input whose nonce is no pair of
 * points.
 */
export function aggregateNonces(
  wallet: WalletContext,
  pubnonces: Contributions,
): Result<Uint8Array[], { member: number; input: number }> {
  const inputs = pubnonces[0]?.length ?? 0
  const short = shortRow(pubnonces, wallet.members.length, inputs)
  if (short !== undefined || inputs === 0) return err({ member: short ?? 0, input: 0 })
  const out: Uint8Array[] = []
  for (let input = 0; input < inputs; input++) {
    try {
      out.push(nonceAgg(columns(pubnonces, input)))
    } catch (error) {
      if (error instanceof InvalidContribution) return err({ member: error.index ?? 0, input })
      throw error
    }
  }
  return ok(out)
}

/** One input: final signature, or who spoiled it. */
function aggregateInput(
  part: SigningInput,
  input: number,
  pubnonces: readonly Uint8Array[],
  partials: readonly Uint8Array[],
): Result<Uint8Array, Culprit> {
  try {
    const session = musigSession(part.agg, nonceAgg(pubnonces), part.message)
    const signature = partialSigAgg(session, partials)
    if (verifySignature(signature, part.message, xOnlyKey(part.agg))) return ok(signature)
    const member = partials.findIndex(
      (partial, i) => !partialVerify(session, i, partial, pubnonces[i] ?? new Uint8Array()),
    )
    return err(member < 0 ? { input } : { member, input })
  } catch (error) {
    if (!isMusig(error)) throw error
    return err(
      error instanceof InvalidContribution && error.index !== undefined ? { member: error.index, input } : { input },
    )
  }
}

/** Per input a verified BIP340 signature. Partials are looked at one by one only when the whole fails. */
export function aggregatePartials(
  wallet: WalletContext,
  proposal: Proposal,
  pubnonces: Contributions,
  partials: Contributions,
): Result<Uint8Array[], Culprit> {
  const job = signingJob(wallet, proposal)
  if (!job.ok) return err({ input: job.error.input ?? 0 })
  const inputs = job.value.inputs
  const short =
    shortRow(pubnonces, wallet.members.length, inputs.length) ??
    shortRow(partials, wallet.members.length, inputs.length)
  if (short !== undefined) return err({ member: short, input: 0 })
  const out: Uint8Array[] = []
  for (const [input, part] of inputs.entries()) {
    const signature = aggregateInput(part, input, columns(pubnonces, input), columns(partials, input))
    if (!signature.ok) return signature
    out.push(signature.value)
  }
  return ok(out)
}

/** Verifies one 64-byte signature per input; the signed transaction, or for a practice the signatures' bytes. */
export function finalize(
  wallet: WalletContext,
  proposal: Proposal,
  signatures: readonly Uint8Array[],
): Result<Uint8Array, { input: number }> {
  const job = signingJob(wallet, proposal)
  if (!job.ok) return err({ input: job.error.input ?? 0 })
  const { inputs, spend } = job.value
  if (signatures.length !== inputs.length) return err({ input: Math.min(signatures.length, inputs.length) })
  const wrong = inputs.findIndex(
    (part, i) => !verifySignature(signatures[i] ?? new Uint8Array(), part.message, xOnlyKey(part.agg)),
  )
  if (wrong >= 0) return err({ input: wrong })
  return ok(
    spend === undefined ? (signatures[0] ?? new Uint8Array()) : serializeTx(withKeyPathWitnesses(spend.tx, signatures)),
  )
}
