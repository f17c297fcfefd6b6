/**
 * Spending from one wallet: builds a payment once for review and proposal, runs the co-signer's check on the own chain
 * view, and describes what stands in a proposal.
 */
import type { Chain } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Aggregator } from '../../ports/signer'
import { outPointKey, type SessionId, type Txid, type WalletId } from '../domain/ids'
import type { Proposal, SpendProposal } from '../domain/proposal'
import { err, ok, type Result } from '../domain/result'
import type { Verdict } from '../domain/signing-state'
import type { ReplacedView, ReviewView } from '../domain/views'
import type { WalletRecord } from '../domain/wallet'
import { gatherSpendFacts } from '../chain/facts'
import type { ChainCoin, WalletChain } from '../chain/view'
import { placesOf, readProposal, type ProposalFault, type ReadProposal } from '../crypto/proposal-id'
import { parseTx } from '../crypto/transaction'
import type { WalletScripts } from '../crypto/wallet-scripts'
import { LIMITS } from '../wire/limits'
import { buildSpend, type BuildRequest, type BuiltSpend, type ReplacedSpend } from './build'
import { describeProposal, describeReplaced } from './describe'
import { recipientsOf, replacedSpend, seenFacts, signedFacts } from './earlier'
import { readRecipient } from './recipient'
import type {
  EarlierSpend,
  PaymentRequest,
  ReplacementRequest,
  ReviewedSpend,
  SpendRefusal,
  SpendRequest,
} from './requests'
import { factsNeeded, verifyProposal, type SessionFacts } from './verify-proposal'

/** What building and checking a spend needs of its wallet (core/wallet/open-wallet.ts). */
export interface SpendingWallet {
  readonly id: WalletId
  readonly record: WalletRecord
  readonly scripts: WalletScripts
  /** undefined: the configuration names no server for this network */
  readonly chain: Chain | undefined
  /** everybody has confirmed and saved: coins may come and go */
  readonly active: boolean
  /** the own chain view; undefined without a chain server */
  readonly view: WalletChain | undefined
  /** spendable now and in no hold */
  coins(): ChainCoin[]
  /** the next change index that is neither used nor taken by a live session */
  nextChange(): number | undefined
  /** sat/vB */
  normalFeeRate(): Promise<number>
}

export interface SpendServiceDeps {
  readonly wallet: SpendingWallet
  readonly signer: Pick<Aggregator, 'isXCoordinate'>
  readonly clock: Clock
  readonly entropy: Entropy
}

type CommonRequest = Omit<BuildRequest, 'recipients' | 'note'>

/** bytes of raw parents kept between checks; which transactions they are a proposer chooses */
const PARENT_BYTES = 8 * 1024 * 1024

/** One text for equal requests, whatever was reviewed. */
const nameOf = (request: SpendRequest): string =>
  JSON.stringify({ ...request, reviewed: undefined }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )

export class SpendService {
  /** the last reviewed payment: what is proposed is what was reviewed, to the byte */
  #reviewed: { readonly request: string; readonly spend: ReviewedSpend } | undefined
  readonly #reviews = new WeakMap<Proposal, ReviewView>()
  /** raw parents by txid: they cannot change, so a session asks for each once */
  readonly #parents = new Map<Txid, Uint8Array>()

  constructor(private readonly d: SpendServiceDeps) {}

  /**
   * The same request gives the same payment as long as its coins are free. With `reviewed` it gives that payment or
   * none: what a person has looked at is never replaced by another behind his back. Refusals name the field.
   */
  async build(request: SpendRequest, earlier?: EarlierSpend): Promise<Result<ReviewedSpend, SpendRefusal>> {
    const { wallet, entropy, clock } = this.d
    if (!wallet.active) return err({ field: 'wallet', code: 'unknown-wallet' })
    const { view } = wallet
    const changeIndex = wallet.nextChange()
    if (view?.tip === undefined) return err({ field: 'wallet', code: 'chain-unreachable' })
    if (changeIndex === undefined) return err({ field: 'coins', code: 'no-change-address' })
    const coins = wallet.coins()
    const before = earlier && replacedSpend(earlier.proposal)
    const standing = this.#standing(request, [...coins, ...(before?.coins ?? [])].map(outPointKey), changeIndex)
    if (standing !== undefined) return ok(standing)
    if (request.reviewed !== undefined) return err({ field: 'coins', code: 'review-again' })
    const common: CommonRequest = {
      wallet: await wallet.scripts.at([{ branch: 1, index: changeIndex }]),
      coins,
      held: new Set<string>(),
      feeRate: request.feeRate ?? (await wallet.normalFeeRate()),
      changeIndex,
      tip: view.tip.height,
      entropy,
      proposer: wallet.record.self,
      expiresAt: Math.floor(clock.now() / 1000) + LIMITS.defaultExpiryS,
    }
    const built =
      'replaces' in request
        ? await this.#replacement(request, common, earlier?.proposal, before)
        : 'again' in request
          ? this.#repeated(common, earlier?.proposal, before, view)
          : await this.#payment(request, common)
    if (!built.ok) return built
    const reviewed = await this.#review(built.value.proposal, earlier)
    if (reviewed === undefined) return err({ field: 'recipient', code: 'unsupported' })
    this.#reviewed = { request: nameOf(request), spend: reviewed }
    return ok(reviewed)
  }

  /** The payment that was built for this request, while all of its coins are free and its change place is unused. */
  #standing(request: SpendRequest, free: readonly string[], changeIndex: number): ReviewedSpend | undefined {
    const known = this.#reviewed
    if (known?.request !== nameOf(request)) return undefined
    const { review, draft } = known.spend
    const coins = new Set(free)
    const stands =
      review.inputs.every(i => coins.has(outPointKey(i))) && draft.ownOutputs.every(o => o.index >= changeIndex)
    return stands && (request.reviewed === undefined || request.reviewed === review.txid) ? known.spend : undefined
  }

  async #review(proposal: SpendProposal, earlier?: EarlierSpend): Promise<ReviewedSpend | undefined> {
    const described = describeProposal(await this.d.wallet.scripts.at(placesOf(proposal)), proposal)
    if (described === undefined) return undefined
    if (proposal.replaces === undefined) return { review: described, draft: proposal }
    if (earlier !== undefined) await Promise.all([this.prepare(earlier.proposal), this.prepare(proposal)])
    return { review: { ...described, replaces: this.replacedView(proposal, earlier) }, draft: proposal }
  }

  async #payment(request: PaymentRequest, common: CommonRequest): Promise<Result<BuiltSpend, SpendRefusal>> {
    const { wallet, coins } = common
    const script = await this.readRecipient(request.recipient)
    if (!script.ok) return script
    const only = request.coins === undefined ? undefined : coins.filter(c => request.coins?.includes(outPointKey(c)))
    if (only !== undefined && only.length !== request.coins?.length)
      return err({ field: 'coins', code: 'unknown-coin' })
    return buildSpend({
      ...common,
      wallet,
      recipients: [{ script: script.value, amountSats: request.all === true ? 'all' : request.amountSats }],
      ...(only === undefined ? {} : { only }),
      note: request.note ?? '',
    })
  }

  /** The output script of a recipient as typed, or why no coins may be sent there. */
  readRecipient(address: string): ReturnType<typeof readRecipient> {
    return readRecipient(address, this.d.wallet.scripts.network, key => this.d.signer.isXCoordinate(key))
  }

  /**
   * The chain is asked whether somebody has built on the earlier payment. Who replaces it would have to pay for all of
   * that too, and a recipient who has passed his coins on would lose them. Such a payment is left as it is.
   */
  async #replacement(
    request: ReplacementRequest,
    common: CommonRequest,
    earlier: SpendProposal | undefined,
    replaces: ReplacedSpend | undefined,
  ): Promise<Result<BuiltSpend, SpendRefusal>> {
    const { chain } = this.d.wallet
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
    const build = {
      ...common,
      recipients: request.takeBack === true ? [] : recipientsOf(earlier, tx.value),
      replaces,
      note: request.takeBack === true ? '' : earlier.note,
    }
    const built = buildSpend(build)
    const least = built.ok || request.feeRate !== undefined ? undefined : built.error.minRate
    return least === undefined ? built : buildSpend({ ...build, feeRate: least })
  }

  /** Its coins as the own chain view has them: one that is gone says that something of theirs is on its way already. */
  #repeated(
    common: CommonRequest,
    earlier: SpendProposal | undefined,
    before: ReplacedSpend | undefined,
    view: WalletChain,
  ): Result<BuiltSpend, SpendRefusal> {
    const tx = earlier && parseTx(earlier.tx)
    if (earlier === undefined || before === undefined || tx?.ok !== true)
      return err({ field: 'session', code: 'unknown-session' })
    const wanted = new Set(before.coins.map(outPointKey))
    const must = view.coins.filter(coin => wanted.has(outPointKey(coin)))
    if (must.length < wanted.size) return err({ field: 'session', code: 'coins-gone' })
    return buildSpend({ ...common, recipients: recipientsOf(earlier, tx.value), must, note: earlier.note })
  }

  /** What stands in a review of the payment that `proposal` is to take the place of. */
  replacedView(
    proposal: SpendProposal,
    earlier?: { readonly session: SessionId; readonly proposal: Proposal },
  ): ReplacedView | undefined {
    if (proposal.replaces === undefined) return undefined
    const before = earlier === undefined ? null : this.reviewOf(earlier.proposal)
    const now = before === null ? null : this.reviewOf(proposal)
    return earlier !== undefined && before !== null && now !== null
      ? describeReplaced(before, earlier.session, now)
      : { txid: proposal.replaces }
  }

  /**
   * The co-signer's full check, with facts asked for now; those of the own sessions are taken last, when the server has
   * answered. Trouble with the server blames nobody: "not yet seen".
   */
  async verify(proposal: Proposal, sessions: () => SessionFacts): Promise<Verdict> {
    const { scripts, chain, view } = this.d.wallet
    if (chain === undefined || view === undefined) return { kind: 'not-yet-seen', what: 'chain' }
    const now = Math.floor(this.d.clock.now() / 1000)
    const needed = factsNeeded(proposal)
    const [facts, wallet] = await Promise.all([
      gatherSpendFacts({ chain, inputs: needed.inputs, rawTxs: this.#parents, synced: view }),
      scripts.at(placesOf(proposal)),
    ])
    this.#trimParents()
    if (!facts.ok) return { kind: 'not-yet-seen', what: 'chain' }
    const seen = needed.replaces === undefined ? undefined : await seenFacts(chain, needed.replaces)
    const own = sessions()
    const replaced = seen ?? (own.replaced && signedFacts(own.replaced.proposal, own.replaced.confirmed))
    return verifyProposal(wallet, proposal, {
      now,
      tip: facts.value.tip,
      parents: facts.value.parents,
      outspends: facts.value.outspends,
      usedChange: view.used[1],
      lastUsedChange: view.lastUsed[1],
      changeInUse: own.changeInUse,
      equivocates: own.equivocates,
      replaced,
      ...(own.replacedBefore === undefined ? {} : { replacedBefore: own.replacedBefore }),
    })
  }

  /** The oldest go first. */
  #trimParents(): void {
    let bytes = 0
    for (const raw of this.#parents.values()) bytes += raw.length
    for (const [txid, raw] of this.#parents) {
      if (bytes <= PARENT_BYTES) return
      this.#parents.delete(txid)
      bytes -= raw.length
    }
  }

  /**
   * Before anything else is done with a proposal: its names and hashes, or what is wrong with its form. Its review is
   * kept for the screens.
   */
  async prepare(proposal: Proposal): Promise<Result<ReadProposal, ProposalFault>> {
    // its places belong to another wallet
    if (proposal.walletId !== this.d.wallet.id) return err({ rule: 'not-ours' })
    const wallet = await this.d.wallet.scripts.at(placesOf(proposal))
    const review = this.#reviews.has(proposal) ? undefined : describeProposal(wallet, proposal)
    if (review !== undefined) this.#reviews.set(proposal, review)
    return readProposal(wallet, proposal)
  }

  /** The review of a prepared proposal; null before, and for a practice text. */
  reviewOf(proposal: Proposal): ReviewView | null {
    return this.#reviews.get(proposal) ?? null
  }
}
