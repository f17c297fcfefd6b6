/**
 * From a proposal to what is signed, and to its two names (docs/protocol.md, "A spend"). Nothing here believes a hash
 * or a script that a peer supplied: scripts are re-derived from (branch, index), sighashes computed.
 */
import { concatBytes, equalBytes, fromHex, isHex, toHex, utf8ToBytes } from '../domain/bytes'
import type { Hex } from '../domain/bytes'
import { outPointKey, type ScriptPlace, type SessionId } from '../domain/ids'
import type { NamedProposal, PracticeProposal, Proposal, SpendProposal } from '../domain/proposal'
import { err, ok, type Result } from '../domain/result'
import type { ProposalRule } from '../domain/signing-state'
import { LIMITS } from '../wire/limits'
import type { KeyAgg, Tweak } from './musig2'
import { defaultSighashes } from './sighash'
import { le, sized, tagged, TAGS } from './tagged'
import { MAX_SATS, parseTx, serializeOutput, type Tx, type TxOut } from './transaction'
import { memberIndexOf, type PublicWallet } from './public-wallet'
import type { WalletContext } from './wallet-context'

/** The broken rule, with the input or output when one is at fault. */
export interface ProposalFault {
  readonly rule: ProposalRule
  readonly input?: number
  readonly output?: number
}

/** The form that every spend has; the co-signer's own chain view is consulted elsewhere. */
export const SPEND_VERSION = 2
/** BIP125 signalling, locktime enabled, no relative lock (BIP68 disabled by the high bit). */
export const SPEND_SEQUENCE = 0xfffffffd
/** Locktimes at or above it are times, which a spend never has. */
const LOCKTIME_THRESHOLD = 500_000_000

export interface SpendForm {
  readonly tx: Tx
  /** per input: claimed amount, re-derived script */
  readonly prevouts: readonly TxOut[]
}

/** What one input asks the signers for. */
export interface SigningInput {
  /** 32 bytes */
  readonly message: Uint8Array
  readonly tweaks: readonly Tweak[]
  /** the wallet's aggregation with these tweaks */
  readonly agg: KeyAgg
}

export interface SigningJob {
  readonly digest: Hex
  readonly sessionId: SessionId
  readonly inputs: readonly SigningInput[]
  /** absent for a practice text */
  readonly spend?: SpendForm
}

/** Parses a spend and checks every rule that needs no chain view. */
export function readSpend(wallet: PublicWallet, proposal: SpendProposal): Result<SpendForm, ProposalFault> {
  const parsed = parseTx(proposal.tx, LIMITS.txBytes)
  if (!parsed.ok) return err({ rule: parsed.error.code === 'no-inputs' ? 'no-inputs' : 'malformed-transaction' })
  const tx = parsed.value
  if (tx.version !== SPEND_VERSION) return err({ rule: 'version' })
  if (tx.inputs.length > LIMITS.inputs) return err({ rule: 'too-many-inputs' })
  if (tx.outputs.length === 0) return err({ rule: 'no-recipient' })
  if (tx.outputs.length > LIMITS.outputs) return err({ rule: 'malformed-transaction' })
  if (tx.locktime >= LOCKTIME_THRESHOLD) return err({ rule: 'locktime' })
  if (tx.inputs.length !== proposal.inputs.length) return err({ rule: 'inputs-mismatch' })
  const seen = new Set<string>()
  const prevouts: TxOut[] = []
  for (const [i, input] of tx.inputs.entries()) {
    if (input.sequence !== SPEND_SEQUENCE) return err({ rule: 'sequence', input: i })
    if (input.script.length > 0 || input.witness.length > 0) return err({ rule: 'malformed-transaction', input: i })
    if (seen.has(outPointKey(input))) return err({ rule: 'duplicate-input', input: i })
    seen.add(outPointKey(input))
    const claim = proposal.inputs[i]
    const output = claim && wallet.output(claim.branch, claim.index)
    if (claim === undefined || output === undefined) return err({ rule: 'not-ours', input: i })
    if (claim.amountSats <= 0n || claim.amountSats > MAX_SATS) return err({ rule: 'input-amount', input: i })
    prevouts.push({ sats: claim.amountSats, script: output.script })
  }
  for (const own of proposal.ownOutputs) {
    const output = tx.outputs[own.vout]
    const derived = wallet.output(own.branch, own.index)
    if (output === undefined || derived === undefined || !equalBytes(output.script, derived.script))
      return err({ rule: 'change-not-ours', output: own.vout })
  }
  const sum = (list: readonly TxOut[]): bigint => list.reduce((total, out) => total + out.sats, 0n)
  if (sum(tx.outputs) > sum(prevouts)) return err({ rule: 'overspend' })
  return ok({ tx, prevouts })
}

function commonFault(wallet: PublicWallet, proposal: Proposal): ProposalFault | undefined {
  if (proposal.walletId !== wallet.id) return { rule: 'not-ours' }
  if (memberIndexOf(wallet, proposal.proposer) === undefined) return { rule: 'proposer' }
  if (utf8ToBytes(proposal.note).length > LIMITS.noteBytes) return { rule: 'note-too-long' }
  if (!Number.isSafeInteger(proposal.expiresAt) || proposal.expiresAt <= 0) return { rule: 'expiry' }
  if (!isHex(proposal.salt, 32)) return { rule: 'malformed-transaction' }
  if (proposal.kind === 'spend' && proposal.replaces !== undefined && !isHex(proposal.replaces, 32))
    return { rule: 'replaces-unknown' }
  return undefined
}

/** The 32 bytes that a practice signs: never a valid sighash, because its tag is another. */
export function practiceMessage(proposal: PracticeProposal): Uint8Array {
  return tagged(TAGS.practice, fromHex(proposal.walletId), utf8ToBytes(proposal.text))
}

/** What a proposal is called and what its signatures are over. */
export interface ReadProposal extends NamedProposal {
  /** per input, 32 bytes */
  readonly messages: readonly Uint8Array[]
  /** absent for a practice text */
  readonly spend?: SpendForm
}

/**
 * Everything of a proposal that is computed without the curve. Cost is linear in the inputs.
 * digest = H(kind 0, wallet id, sized transaction, per input sized(amount, script), per input sighash) for a spend and
 * H(kind 1, wallet id, message) for a practice.
 */
export function readProposal(wallet: PublicWallet, proposal: Proposal): Result<ReadProposal, ProposalFault> {
  const fault = commonFault(wallet, proposal)
  if (fault !== undefined) return err(fault)
  if (proposal.kind === 'practice') {
    const length = utf8ToBytes(proposal.text).length
    if (length === 0 || length > LIMITS.practiceBytes) return err({ rule: 'practice-text' })
    const message = practiceMessage(proposal)
    const digest = toHex(tagged(TAGS.digest, Uint8Array.of(1), fromHex(wallet.id), message))
    return ok({ proposal, digest, sessionId: sessionIdOf(digest, proposal), messages: [message] })
  }
  const form = readSpend(wallet, proposal)
  if (!form.ok) return form
  const { tx, prevouts } = form.value
  const messages = defaultSighashes(tx, prevouts)
  const digest = toHex(
    tagged(
      TAGS.digest,
      Uint8Array.of(0),
      fromHex(wallet.id),
      sized(proposal.tx),
      concatBytes(...prevouts.map(prevout => sized(serializeOutput(prevout)))),
      concatBytes(...messages),
    ),
  )
  return ok({ proposal, digest, sessionId: sessionIdOf(digest, proposal), messages, spend: form.value })
}

/** Everything that signers and verifiers compute of a proposal. */
export function signingJob(wallet: WalletContext, proposal: Proposal): Result<SigningJob, ProposalFault> {
  const read = readProposal(wallet, proposal)
  if (!read.ok) return read
  const { digest, sessionId, messages, spend } = read.value
  const inputs: SigningInput[] = []
  for (const [i, message] of messages.entries()) {
    const claim = proposal.kind === 'spend' ? proposal.inputs[i] : undefined
    const output = claim === undefined ? { tweaks: [], agg: wallet.agg } : wallet.output(claim.branch, claim.index)
    if (output === undefined) return err({ rule: 'not-ours', input: i })
    inputs.push({ message, tweaks: output.tweaks, agg: output.agg })
  }
  return ok({ digest, sessionId, inputs, ...(spend && { spend }) })
}

/**
 * The outputs of the wallet that a proposal names: what must be known of it before anything is computed of the
 * proposal.
 */
export const placesOf = (proposal: Proposal): readonly ScriptPlace[] =>
  proposal.kind === 'spend' ? [...proposal.inputs, ...proposal.ownOutputs] : []

/** Digest and session id. */
export function nameProposal(wallet: PublicWallet, proposal: Proposal): Result<NamedProposal, ProposalFault> {
  const read = readProposal(wallet, proposal)
  return read.ok ? ok({ proposal, digest: read.value.digest, sessionId: read.value.sessionId }) : read
}

/** Votes name this id, so they commit to proposer, expiry (u64 LE), note, `replaces` and salt beside the digest. */
export function sessionIdOf(digest: Hex, proposal: Proposal): SessionId {
  const replaces = proposal.kind === 'spend' ? proposal.replaces : undefined
  return toHex(
    tagged(
      TAGS.sessionId,
      fromHex(digest),
      fromHex(proposal.proposer),
      le(proposal.expiresAt, 8),
      sized(utf8ToBytes(proposal.note)),
      sized(replaces === undefined ? new Uint8Array() : fromHex(replaces)),
      fromHex(proposal.salt),
    ),
  )
}
