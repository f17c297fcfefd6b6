/**
 * The spending desk of the open profile: builds a payment once for review and proposal, runs the co-signer's check on
 * the own chain view, and describes what stands in a proposal. Wallets and chain come in by `DeskWallets`.
 */
import type { Chain } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Aggregator } from '../../ports/signer'
import type { SessionId, Txid, WalletId } from '../domain/ids'
import { outPointKey } from '../domain/ids'
import type { NamedProposal, Proposal, SpendProposal } from '../domain/proposal'
import { err, ok } from '../domain/result'
import type { Result } from '../domain/result'
import type { Verdict } from '../domain/signing-state'
import type { FieldError, ReplacedView, ReviewView } from '../domain/views'
import type { WalletRecord } from '../domain/wallet'
import { gatherSpendFacts } from '../chain/facts'
import type { ChainCoin, WalletChain } from '../chain/view'
import { nameProposal, placesOf, signedHashes } from '../crypto/proposal-id'
import type { ProposalFault } from '../crypto/proposal-id'
import { parseTx, txidOf } from '../crypto/transaction'
import type { Tx } from '../crypto/transaction'
import type { WalletScripts } from '../crypto/wallet-scripts'
import { LIMITS } from '../wire/limits'
import { buildSpend } from './build'
import type { BuiltSpend, ReplacedSpend, SpendError, BuildRequest } from './build'
import { describeProposal, describeReplaced } from './describe'
import { sumOf } from './fees'
import { readRecipient } from './recipient'
import { factsNeeded, signedVsize, verifyProposal } from './verify-proposal'
import type { ReplacedFacts } from './verify-proposal'

export interface DeskWallets {
  record(walletId: WalletId): WalletRecord | undefined
  scripts(walletId: WalletId): WalletScripts | undefined
  isActive(walletId: WalletId): boolean
  chainOf(walletId: WalletId): Chain | undefined
  chainView(walletId: WalletId): WalletChain | undefined
  /** spendable now and in no hold */
  coins(walletId: WalletId): ChainCoin[]
  nextChange(walletId: WalletId): number | undefined
  feeEstimates(walletId: WalletId): Promise<{ readonly normal: number }>
}

/** What a person asked for; `recipient` as typed. */
export interface PaymentRequest {
  readonly walletId: WalletId
  readonly recipient: string
  readonly amountSats: bigint
  readonly all?: boolean
  readonly feeRate?: number
  readonly coins?: readonly string[]
  readonly note?: string
  /** the transaction that a person has looked at (`ReviewView.txid`): no other is proposed */
  readonly reviewed?: Txid
}

/** Another payment in the place of one that is sent and not in a block. */
export interface ReplacementRequest {
  readonly walletId: WalletId
  /** of the earlier payment; recipients, amounts and note are its own */
  readonly replaces: SessionId
  /** pays nobody: all of its coins come back to the wallet */
  readonly takeBack?: boolean
  /** the least that takes its place, or the usual rate when that is higher, when omitted */
  readonly feeRate?: number
  readonly reviewed?: Txid
}

/**
 * The same payment anew, after its time is over and parts of it are out: it spends all of those coins too, so that of
 * the two one at most can be mined.
 */
export interface RepeatRequest {
  readonly walletId: WalletId
  /** of the earlier proposal; recipients, amounts and note are its own */
  readonly again: SessionId
  /** the usual rate when omitted */
  readonly feeRate?: number
  readonly reviewed?: Txid
}

export type SpendRequest = PaymentRequest | ReplacementRequest | RepeatRequest

/** What the own sessions say to a check. */
export interface SessionFacts {
  readonly changeInUse: ReadonlySet<string>
  readonly equivocates: boolean
  /** the payment that is to be replaced, when my part of it is out: what it spends and pays has been checked then */
  readonly replaced?: { readonly proposal: SpendProposal; readonly confirmed: boolean }
  readonly replacedBefore?: ReadonlySet<Txid>
}

export interface Reviewed {
  readonly review: ReviewView
  /** expiry, note and salt are made anew when it is proposed */
  readonly draft: SpendProposal
}

type DeskError = FieldError & Partial<Pick<SpendError, 'missingSats' | 'heldSats' | 'minSats' | 'maxSats' | 'minRate'>>

/** bytes of raw parents kept between checks; which transactions they are a proposer chooses */
const PARENT_BYTES = 8 * 1024 * 1024

export function createDesk(deps: {
  readonly wallets: DeskWallets
  readonly signer: Pick<Aggregator, 'isXCoordinate'>
  readonly clock: Clock
  readonly entropy: Entropy
}) {
  const { wallets, signer, clock, entropy } = deps
  /** the last reviewed payment of each wallet: what is proposed is what was reviewed, to the byte */
  const reviewed = new Map<WalletId, { readonly wish: string; readonly made: Reviewed }>()
  const reviews = new WeakMap<Proposal, ReviewView>()
  /** raw parents by txid: they cannot change, so a session asks for each once */
  const parents = new Map<Txid, Uint8Array>()

  const nameOf = (wish: SpendRequest) =>
    JSON.stringify({ ...wish, reviewed: undefined }, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )

  /**
   * The same wish gives the same payment as long as its coins are free. With `reviewed` it gives that payment or none:
   * what a person has looked at is never replaced by another behind his back. Refusals name the field. `earlier`: what
   * a `ReplacementRequest` or an `RepeatRequest` is about.
   */
  async function build(
    wish: SpendRequest,
    earlier?: { readonly session: SessionId; readonly proposal: SpendProposal },
  ): Promise<Result<Reviewed, DeskError>> {
    const record = wallets.record(wish.walletId)
    const scripts = wallets.scripts(wish.walletId)
    if (record === undefined || scripts === undefined || !wallets.isActive(wish.walletId))
      return err({ field: 'wallet', code: 'unknown-wallet' })
    const view = wallets.chainView(wish.walletId)
    const changeIndex = wallets.nextChange(wish.walletId)
    if (view?.tip === undefined) return err({ field: 'wallet', code: 'chain-unreachable' })
    if (changeIndex === undefined) return err({ field: 'coins', code: 'no-change-address' })
    const coins = wallets.coins(wish.walletId)
    const known = reviewed.get(wish.walletId)
    const before = earlier && replacedSpend(earlier.proposal)
    const free = new Set([...coins, ...(before?.coins ?? [])].map(outPointKey))
    const stands =
      known?.wish === nameOf(wish) &&
      known.made.review.inputs.every(i => free.has(outPointKey(i))) &&
      known.made.draft.ownOutputs.every(o => o.index >= changeIndex)
    if (stands && (wish.reviewed === undefined || wish.reviewed === known.made.review.txid)) return ok(known.made)
    if (wish.reviewed !== undefined) return err({ field: 'coins', code: 'review-again' })
    const common = {
      wallet: await scripts.at([{ branch: 1, index: changeIndex }]),
      coins,
      held: new Set<string>(),
      feeRate: wish.feeRate ?? (await wallets.feeEstimates(wish.walletId)).normal,
      changeIndex,
      tip: view.tip.height,
      entropy,
      proposer: record.self,
      expiresAt: Math.floor(clock.now() / 1000) + LIMITS.defaultExpiryS,
    }
    const built =
      'replaces' in wish
        ? await buildReplacement(wish, common, earlier?.proposal, before)
        : 'again' in wish
          ? buildAgain(common, earlier?.proposal, before, view)
          : await buildPayment(wish, common)
    if (!built.ok) return built
    const { proposal } = built.value
    const described = describeProposal(await scripts.at(placesOf(proposal)), proposal)
    if (described === undefined) return err({ field: 'recipient', code: 'unsupported' })
    if (earlier !== undefined && proposal.replaces !== undefined)
      await Promise.all([prepare(earlier.proposal), prepare(proposal)])
    const made = {
      review: proposal.replaces === undefined ? described : { ...described, replaces: replaced(proposal, earlier) },
      draft: proposal,
    }
    reviewed.set(wish.walletId, { wish: nameOf(wish), made })
    return ok(made)
  }

  type Common = Omit<BuildRequest, 'recipients' | 'note'>

  async function buildPayment(wish: PaymentRequest, common: Common): Promise<Result<BuiltSpend, DeskError>> {
    const { wallet, coins } = common
    const script = await readRecipient(wish.recipient, wallet.network, key => signer.isXCoordinate(key))
    if (!script.ok) return script
    const only = wish.coins === undefined ? undefined : coins.filter(c => wish.coins?.includes(outPointKey(c)))
    if (only !== undefined && only.length !== wish.coins?.length) return err({ field: 'coins', code: 'unknown-coin' })
    return buildSpend({
      ...common,
      recipients: [{ script: script.value, amountSats: wish.all === true ? 'all' : wish.amountSats }],
      ...(only === undefined ? {} : { only }),
      note: wish.note ?? '',
    })
  }

  /**
   * The chain is asked whether somebody has built on the earlier payment: who replaces it would have to pay for all of
   * that too, and a recipient who has passed his coins on would lose them, so such a payment is left as it is.
   */
  async function buildReplacement(
    wish: ReplacementRequest,
    common: Common,
    earlier: SpendProposal | undefined,
    replaces: ReplacedSpend | undefined,
  ): Promise<Result<BuiltSpend, DeskError>> {
    const chain = wallets.chainOf(wish.walletId)
    const tx = earlier && parseTx(earlier.tx)
    if (replaces === undefined || earlier === undefined || tx?.ok !== true)
      return err({ field: 'session', code: 'unknown-session' })
    if (chain === undefined) return err({ field: 'wallet', code: 'chain-unreachable' })
    const [seen, ...children] = await Promise.all([
      chain.tx(replaces.txid),
      ...tx.value.outputs.map((_, vout) => chain.outspend(replaces.txid, vout)),
    ])
    if (!seen.ok || children.some(c => !c.ok)) return err({ field: 'wallet', code: 'chain-unreachable' })
    if (seen.value?.confirmed !== undefined) return err({ field: 'session', code: 'not-sent' })
    if (children.some(c => c.ok && c.value.spent)) return err({ field: 'session', code: 'built-on' })
    const request = {
      ...common,
      recipients: wish.takeBack === true ? [] : recipientsOf(earlier, tx.value),
      replaces,
      note: wish.takeBack === true ? '' : earlier.note,
    }
    const built = buildSpend(request)
    const least = built.ok || wish.feeRate !== undefined ? undefined : built.error.minRate
    return least === undefined ? built : buildSpend({ ...request, feeRate: least })
  }

  /** Its coins as the own chain view has them: one that is gone says that something of theirs is on its way already. */
  function buildAgain(
    common: Common,
    earlier: SpendProposal | undefined,
    before: ReplacedSpend | undefined,
    view: WalletChain,
  ): Result<BuiltSpend, DeskError> {
    const tx = earlier && parseTx(earlier.tx)
    if (earlier === undefined || before === undefined || tx?.ok !== true)
      return err({ field: 'session', code: 'unknown-session' })
    const wanted = new Set(before.coins.map(outPointKey))
    const must = view.coins.filter(coin => wanted.has(outPointKey(coin)))
    if (must.length < wanted.size) return err({ field: 'session', code: 'coins-gone' })
    return buildSpend({ ...common, recipients: recipientsOf(earlier, tx.value), must, note: earlier.note })
  }

  /** Whom a payment pays, its change left out. */
  function recipientsOf({ ownOutputs }: SpendProposal, { outputs }: Tx): BuildRequest['recipients'] {
    const own = new Set(ownOutputs.map(o => o.vout))
    return outputs.filter((_, vout) => !own.has(vout)).map(({ script, sats }) => ({ script, amountSats: sats }))
  }

  /** The coins and the cost of a payment whose form was checked when its session was made. */
  function replacedSpend(proposal: SpendProposal): ReplacedSpend | undefined {
    const parsed = parseTx(proposal.tx, LIMITS.txBytes)
    if (!parsed.ok) return undefined
    const { inputs, outputs } = parsed.value
    const coins = inputs.flatMap(({ txid, vout }, i) => {
      const claim = proposal.inputs[i]
      return claim === undefined ? [] : [{ txid, vout, ...claim, ours: true }]
    })
    const spentSats = proposal.inputs.reduce((sum, { amountSats }) => sum + amountSats, 0n)
    return { txid: txidOf(parsed.value), feeSats: spentSats - sumOf(outputs), vsize: signedVsize(parsed.value), coins }
  }

  /** What stands in a review of the payment that `proposal` is to take the place of. */
  function replaced(
    proposal: SpendProposal,
    earlier?: { readonly session: SessionId; readonly proposal: Proposal },
  ): ReplacedView | undefined {
    if (proposal.replaces === undefined) return undefined
    const before = earlier === undefined ? null : drawn(earlier.proposal)
    const now = before === null ? null : drawn(proposal)
    return earlier !== undefined && before !== null && now !== null
      ? describeReplaced(before, earlier.session, now)
      : { txid: proposal.replaces }
  }

  /**
   * The co-signer's full check, with facts asked for now; those of the own sessions are taken last, when the server has
   * answered. Trouble with the server blames nobody: "not yet seen".
   */
  async function verify(proposal: Proposal, sessions: () => SessionFacts): Promise<Verdict> {
    const scripts = wallets.scripts(proposal.walletId)
    const chain = wallets.chainOf(proposal.walletId)
    const view = wallets.chainView(proposal.walletId)
    if (scripts === undefined || chain === undefined || view === undefined)
      return { kind: 'not-yet-seen', what: 'chain' }
    const now = Math.floor(clock.now() / 1000)
    const needed = factsNeeded(proposal)
    const [facts, wallet] = await Promise.all([
      gatherSpendFacts({ chain, inputs: needed.inputs, rawTxs: parents, synced: view }),
      scripts.at(placesOf(proposal)),
    ])
    trimParents()
    if (!facts.ok) return { kind: 'not-yet-seen', what: 'chain' }
    const seen = needed.replaces === undefined ? undefined : await replacedFacts(chain, needed.replaces)
    const own = sessions()
    return verifyProposal(wallet, proposal, {
      now,
      tip: facts.value.tip,
      parents: facts.value.parents,
      outspends: facts.value.outspends,
      usedChange: view.used[1],
      lastUsedChange: view.lastUsed[1],
      changeInUse: own.changeInUse,
      equivocates: own.equivocates,
      // a payment whose fee is so low that servers have let it go is just the one that needs another in its place
      replaced: seen ?? (own.replaced && signedFacts(own.replaced)),
      ...(own.replacedBefore === undefined ? {} : { replacedBefore: own.replacedBefore }),
    })
  }

  /** The oldest go first. */
  function trimParents() {
    let bytes = 0
    for (const raw of parents.values()) bytes += raw.length
    for (const [txid, raw] of parents) {
      if (bytes <= PARENT_BYTES) return
      parents.delete(txid)
      bytes -= raw.length
    }
  }

  /** Before anything else is done with a proposal: its names, or what is wrong with its form, and its picture. */
  async function prepare(proposal: Proposal): Promise<Result<NamedProposal, ProposalFault>> {
    const wallet = await wallets.scripts(proposal.walletId)?.at(placesOf(proposal))
    if (wallet === undefined) return err({ rule: 'not-ours' })
    const picture = reviews.has(proposal) ? undefined : describeProposal(wallet, proposal)
    if (picture !== undefined) reviews.set(proposal, picture)
    return nameProposal(wallet, proposal)
  }

  /** Per input the 32 bytes that a signature of this proposal is over. */
  async function hashes(proposal: Proposal): Promise<Result<readonly Uint8Array[], ProposalFault>> {
    const wallet = await wallets.scripts(proposal.walletId)?.at(placesOf(proposal))
    return wallet === undefined ? err({ rule: 'not-ours' }) : signedHashes(wallet, proposal)
  }

  async function replacedFacts(chain: Chain, txid: Txid): Promise<ReplacedFacts | undefined> {
    const [seen, raw] = await Promise.all([chain.tx(txid), chain.rawTx(txid)])
    if (!seen.ok || seen.value === undefined || !raw.ok || raw.value === undefined) return undefined
    const tx = parseTx(raw.value)
    if (!tx.ok) return undefined
    return {
      feeSats: seen.value.feeSats,
      weight: seen.value.weight,
      confirmed: seen.value.confirmed !== undefined,
      inputs: new Set(tx.value.inputs.map(outPointKey)),
    }
  }

  function signedFacts({
    proposal,
    confirmed,
  }: {
    readonly proposal: SpendProposal
    readonly confirmed: boolean
  }): ReplacedFacts | undefined {
    const spend = replacedSpend(proposal)
    return (
      spend && {
        feeSats: spend.feeSats,
        weight: spend.vsize * 4,
        confirmed,
        inputs: new Set(spend.coins.map(outPointKey)),
      }
    )
  }

  /** The picture of a prepared proposal; null for a practice text. */
  const drawn = (proposal: Proposal): ReviewView | null => reviews.get(proposal) ?? null

  return { build, prepare, hashes, verify, drawn, replaced }
}
