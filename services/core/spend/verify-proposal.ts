import { equalBytes } from '../domain/bytes'
import { outPointKey, type OutPoint, type Txid } from '../domain/ids'
import type { PracticeProposal, Proposal, SpendProposal } from '../domain/proposal'
import type { ProposalRule, Verdict } from '../domain/signing-state'
import { isCleanText, utf8Length } from '../domain/text'
import { scriptToAddress } from '../crypto/address'
import { readSpend, type SpendForm } from '../crypto/proposal-id'
import { parseTx, txidOf, vsizeOf, withKeyPathWitnesses, type Tx } from '../crypto/transaction'
import { memberIndexOf, type PublicWallet } from '../crypto/public-wallet'
import { LIMITS } from '../wire/limits'
import { dustLimit, feeFault, sumOf } from './fees'

/**
 * The co-signer's check (docs/protocol.md, "A spend"): a pure function of the proposal and of what the own chain view
 * says. Nothing that the proposer claims is believed: amounts and scripts come from the raw parents, which are checked
 * against their txids here again. `wrong` names the first broken rule; `not-yet-seen` blames nobody and is asked again
 * later. Rules are tried in a fixed order: form, then own view of the inputs, then outputs, then fee. What is certainly
 * wrong is said before what is not yet seen.
 */

/** What the own chain view must be asked for. */
export interface FactsNeeded {
  readonly inputs: readonly OutPoint[]
  readonly replaces: Txid | undefined
}

export interface ProposalFacts {
  /** unix seconds by the own clock */
  readonly now: number
  /** best block of the own view; undefined while it is unknown */
  readonly tip: { readonly height: number } | undefined
  /** raw parents by txid, with the height of their block; missing: not seen */
  readonly parents: ReadonlyMap<Txid, { readonly raw: Uint8Array; readonly height?: number }>
  /** by outpoint key; missing: not seen */
  readonly outspends: ReadonlyMap<string, { readonly spent: boolean; readonly by?: Txid; readonly confirmed: boolean }>
  /** indices of the change branch that occur on the chain or in the mempool */
  readonly usedChange: ReadonlySet<number>
  /** highest of them, -1 when there is none */
  readonly lastUsedChange: number
  /**
   * `branch/index` places that other live sessions with my yes pay change to (`changeInUse` in
   * signing/rules/between-sessions.ts)
   */
  readonly changeInUse: ReadonlySet<string>
  /** the transaction that `replaces` names, as the own view has it; undefined: not seen */
  readonly replaced: ReplacedFacts | undefined
  /**
   * what that one has replaced in its turn: a server that has not seen the later one may still name it as the spender
   */
  readonly replacedBefore?: ReadonlySet<Txid>
  /**
   * the proposer has another live proposal for one of these coins (`equivocates` in signing/rules/between-sessions.ts)
   */
  readonly equivocates?: boolean
}

export interface ReplacedFacts {
  readonly feeSats: bigint
  /** weight units */
  readonly weight: number
  readonly confirmed: boolean
  /** outpoint keys */
  readonly inputs: ReadonlySet<string>
}

/** What the own sessions say to a check (signing/rules/session-facts.ts). */
export interface SessionFacts {
  readonly changeInUse: ReadonlySet<string>
  readonly equivocates: boolean
  /** the payment that is to be replaced, when my part of it is out: what it spends and pays has been checked then */
  readonly replaced?: { readonly proposal: SpendProposal; readonly confirmed: boolean }
  readonly replacedBefore?: ReadonlySet<Txid>
}

/** A clock difference that is not held against a proposer, seconds. */
const CLOCK_SLACK_S = 600
/** blocks before a coinbase output may be spent */
const COINBASE_MATURITY = 100
const NULL_TXID = '0'.repeat(64)

const wrong = (rule: ProposalRule, where: { readonly input?: number; readonly output?: number } = {}): Verdict => ({
  kind: 'wrong',
  rule,
  ...where,
})

export function factsNeeded(proposal: Proposal): FactsNeeded {
  if (proposal.kind !== 'spend') return { inputs: [], replaces: undefined }
  const tx = parseTx(proposal.tx, LIMITS.txBytes)
  return {
    inputs: tx.ok ? tx.value.inputs.slice(0, LIMITS.inputs).map(({ txid, vout }) => ({ txid, vout })) : [],
    replaces: proposal.replaces,
  }
}

export function verifyProposal(wallet: PublicWallet, proposal: Proposal, facts: ProposalFacts): Verdict {
  if (proposal.walletId !== wallet.id) return wrong('not-ours')
  if (memberIndexOf(wallet, proposal.proposer) === undefined) return wrong('proposer')
  if (utf8Length(proposal.note) > LIMITS.noteBytes) return wrong('note-too-long')
  // only a life that is too long is wrong here; "expired" is tested before a yes and before partials
  if (proposal.expiresAt > facts.now + LIMITS.sessionLifeS + CLOCK_SLACK_S) return wrong('expiry')
  if (facts.equivocates === true) return wrong('equivocation')
  return proposal.kind === 'practice' ? verifyPractice(proposal) : verifySpend(wallet, proposal, facts)
}

function verifyPractice(proposal: PracticeProposal): Verdict {
  const good =
    proposal.text.trim() !== '' && utf8Length(proposal.text) <= LIMITS.practiceBytes && isCleanText(proposal.text)
  return good ? { kind: 'ok' } : wrong('practice-text')
}

function verifySpend(wallet: PublicWallet, proposal: SpendProposal, facts: ProposalFacts): Verdict {
  const form = readSpend(wallet, proposal)
  if (!form.ok) return { kind: 'wrong', ...form.error }
  const { tx } = form.value
  const inputs = verifyInputs(proposal, form.value, facts)
  if (inputs.kind === 'wrong') return inputs
  const outputs = verifyOutputs(wallet, proposal, tx, facts)
  if (outputs) return outputs
  const feeSats = sumOf(form.value.prevouts) - sumOf(tx.outputs)
  const bump = verifyReplaced(proposal, tx, feeSats, facts)
  if (bump?.kind === 'wrong') return bump
  // claimed amounts are the true ones where the inputs were seen, so this fee is the true one too
  const own = new Set(proposal.ownOutputs.map(o => o.vout))
  const paid = tx.outputs.filter((_, vout) => !own.has(vout))
  const fault = feeFault(feeSats, signedVsize(tx), sumOf(paid.length > 0 ? paid : tx.outputs))
  if (fault) return wrong(fault)
  if (inputs.kind !== 'ok') return inputs
  if (bump) return bump
  if (!facts.tip) return { kind: 'not-yet-seen', what: 'chain' }
  return tx.locktime > facts.tip.height + LIMITS.locktimeAhead ? wrong('locktime') : { kind: 'ok' }
}

/** Virtual size once it is signed. */
export const signedVsize = (tx: Tx): number =>
  vsizeOf(
    withKeyPathWitnesses(
      tx,
      tx.inputs.map(() => new Uint8Array(64)),
    ),
  )

function verifyInputs(proposal: SpendProposal, { tx, prevouts }: SpendForm, facts: ProposalFacts): Verdict {
  const ownTxid = txidOf(tx)
  const parents = new Map<Txid, Tx | undefined>()
  let unseen = false
  for (const [i, input] of tx.inputs.entries()) {
    const known = facts.parents.get(input.txid)
    const spent = facts.outspends.get(outPointKey(input))
    if (!known || !spent) {
      unseen = true
      continue
    }
    if (!parents.has(input.txid)) parents.set(input.txid, readParent(known.raw, input.txid))
    const parent = parents.get(input.txid)
    // a server that gives another transaction for this id has shown nothing
    if (!parent) {
      unseen = true
      continue
    }
    const output = parent.outputs[input.vout]
    const claimed = prevouts[i]
    if (!output || !claimed) return wrong('not-ours', { input: i })
    if (!equalBytes(output.script, claimed.script)) return wrong('input-script', { input: i })
    if (output.sats !== claimed.sats) return wrong('input-amount', { input: i })
    if (spent.spent && !isAllowedSpender(proposal, ownTxid, spent, facts)) return wrong('input-spent', { input: i })
    if (
      parent.inputs[0]?.txid === NULL_TXID &&
      facts.tip &&
      (known.height === undefined || facts.tip.height - known.height + 1 < COINBASE_MATURITY)
    )
      return wrong('input-immature', { input: i })
  }
  return unseen ? { kind: 'not-yet-seen', what: 'input' } : { kind: 'ok' }
}

/** This very payment, already out; or an unconfirmed one that it replaces. */
const isAllowedSpender = (
  proposal: SpendProposal,
  ownTxid: Txid,
  { by, confirmed }: { readonly by?: Txid; readonly confirmed: boolean },
  facts: ProposalFacts,
): boolean =>
  by === ownTxid ||
  (by !== undefined &&
    proposal.replaces !== undefined &&
    !confirmed &&
    (by === proposal.replaces || facts.replacedBefore?.has(by) === true))

function readParent(raw: Uint8Array, txid: Txid): Tx | undefined {
  const parsed = parseTx(raw)
  return parsed.ok && txidOf(parsed.value) === txid ? parsed.value : undefined
}

function verifyOutputs(
  wallet: PublicWallet,
  proposal: SpendProposal,
  tx: Tx,
  facts: ProposalFacts,
): Verdict | undefined {
  const own = new Set<number>()
  const places = new Set<number>()
  for (const { vout, branch, index } of proposal.ownOutputs) {
    // readSpend has compared the script with the re-derived one
    if (own.has(vout)) return wrong('change-not-ours', { output: vout })
    if (branch !== 1) return wrong('change-branch', { output: vout })
    if (index > facts.lastUsedChange + LIMITS.gapLimit) return wrong('change-index', { output: vout })
    if (facts.usedChange.has(index) || facts.changeInUse.has(`1/${index}`) || places.has(index))
      return wrong('change-reused', { output: vout })
    own.add(vout)
    places.add(index)
  }
  for (const [output, { script, sats }] of tx.outputs.entries()) {
    if (scriptToAddress(script, wallet.network) === undefined) return wrong('output-nonstandard', { output })
    if (sats < dustLimit(script)) return wrong('output-dust', { output })
  }
  // all of it back to us makes sense only as the cancel of another
  return own.size === tx.outputs.length && proposal.replaces === undefined ? wrong('no-recipient') : undefined
}

function verifyReplaced(proposal: SpendProposal, tx: Tx, feeSats: bigint, facts: ProposalFacts): Verdict | undefined {
  if (proposal.replaces === undefined) return undefined
  const old = facts.replaced
  if (!old) return { kind: 'not-yet-seen', what: 'chain' }
  if (old.confirmed) return wrong('replaces-unknown')
  // all of its coins, so that of a row of replacements, and of two for one payment, never more than one can be mined
  const spent = new Set(tx.inputs.map(outPointKey))
  if ([...old.inputs].some(point => !spent.has(point))) return wrong('replaces-no-shared-input')
  // more in total, and more per vbyte (cross-multiplied: no rounding)
  const vsize = BigInt(signedVsize(tx))
  const oldVsize = BigInt(Math.ceil(old.weight / 4))
  return feeSats > old.feeSats && feeSats * oldVsize > old.feeSats * vsize ? undefined : wrong('replaces-fee')
}
