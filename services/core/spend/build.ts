import type { AccountKey, OutPoint, Txid } from '../domain/ids'
import { outPointKey } from '../domain/ids'
import type { OwnOutput, SpendProposal } from '../domain/proposal'
import { toHex } from '../domain/bytes'
import { err, ok, type Result } from '../domain/result'
import { isCleanText, utf8Length } from '../domain/text'
import type { FieldError } from '../domain/views'
import type { Coin } from '../domain/wallet'
import { scriptToAddress } from '../crypto/address'
import { SPEND_SEQUENCE, SPEND_VERSION } from '../crypto/proposal-id'
import { MAX_SATS, serializeTx, type TxOut } from '../crypto/transaction'
import type { PublicWallet } from '../crypto/public-wallet'
import type { Entropy } from '../../ports/entropy'
import { LIMITS } from '../wire/limits'
import {
  bumpFee,
  checkFeeRate,
  dustLimit,
  FEE_BOUNDS,
  feeFault,
  feeFor,
  INPUT_VBYTES,
  rateFor,
  spendVsize,
} from './fees'
import { isSpendable, selectCoins, settle, type Selection, type SelectionTarget } from './selection'

export interface BuildRequest {
  readonly wallet: PublicWallet
  /** all coins of the wallet as the own chain view gives them */
  readonly coins: readonly Coin[]
  /** outpoint keys that other sessions hold; a bump leaves out those of the session that it replaces */
  readonly held: ReadonlySet<string>
  /** none: what `replaces` names is taken back, all of its coins to the change address */
  readonly recipients: ReadonlyArray<{ readonly script: Uint8Array; readonly amountSats: bigint | 'all' }>
  /** sat/vB, may be fractional */
  readonly feeRate: number
  /** next free index of the change branch */
  readonly changeIndex: number
  /** height of the best block */
  readonly tip: number
  readonly entropy: Entropy
  /** spent in any case, whatever holds them; others are added when they do not do */
  readonly must?: readonly Coin[]
  /** spend exactly these */
  readonly only?: readonly OutPoint[]
  readonly replaces?: ReplacedSpend
  readonly proposer: AccountKey
  /** unix seconds */
  readonly expiresAt: number
  readonly note: string
}

/** The unconfirmed transaction that a bump or cancel takes the place of. */
export interface ReplacedSpend {
  readonly txid: Txid
  readonly feeSats: bigint
  readonly vsize: number
  /**
   * its inputs, as coins again: the new transaction spends them all, and so does whatever replaces that one: of a row
   * of them one can be mined
   */
  readonly coins: readonly Coin[]
}

export interface SpendError extends FieldError {
  readonly field: 'recipient' | 'amount' | 'feeRate' | 'coins' | 'note'
  /** `insufficient-funds`: satoshis that are missing, fee included */
  readonly missingSats?: bigint
  /** coins in other live payments: with them it would be enough */
  readonly heldSats?: bigint
  /** `dust`: the least that this recipient can be sent */
  readonly minSats?: bigint
  /** `bump-too-low`: the least rate that takes the place of the earlier payment */
  readonly minRate?: number
  /** `insufficient-funds`: the most that could be sent at this rate */
  readonly maxSats?: bigint
}

export interface BuiltSpend {
  readonly proposal: SpendProposal
  readonly feeSats: bigint
  readonly vsize: number
  readonly change?: OwnOutput & { readonly sats: bigint }
}

/**
 * Builds a finished, unsigned payment: version 2, sequence 0xfffffffd (BIP125, BIP68 off), locktime at the tip (a
 * payment that reorganises the last block gains nothing: anti fee sniping, as in Bitcoin Core), inputs and outputs in
 * random order, change below dust left to the fee. Refusals name the field where a person can mend them. Nothing is
 * held by building. A bump pays at the rate that was asked for, or is refused: nobody's fee is raised behind his back.
 */
export function buildSpend(request: BuildRequest): Result<BuiltSpend, SpendError> {
  const { wallet, replaces } = request
  const rate = checkFeeRate(request.feeRate)
  if (!rate.ok) return err({ field: 'feeRate', code: rate.error.code })
  if (!isCleanText(request.note) || utf8Length(request.note) > LIMITS.noteBytes)
    return err({ field: 'note', code: utf8Length(request.note) > LIMITS.noteBytes ? 'too-long' : 'bad-text' })
  const fault = recipientFault(request)
  if (fault) return err(fault)
  const changeOutput = wallet.output(1, request.changeIndex)
  if (!changeOutput) return err({ field: 'coins', code: 'no-change-address' })
  const coins = usable(request)
  if (!coins.ok) return coins
  const { must, others } = coins.value
  const scripts = request.recipients.map(r => r.script)
  const all = request.recipients.some(r => r.amountSats === 'all')
  const fixed = request.recipients.reduce((sum, r) => (r.amountSats === 'all' ? sum : sum + r.amountSats), 0n)
  const target: SelectionTarget = { amountSats: fixed, feeRate: rate.value, scripts, changeScript: changeOutput.script }
  const selected = all
    ? sendAll(
        target,
        request.only ? must : [...must, ...others.filter(c => c.amountSats > feeFor(INPUT_VBYTES, rate.value))],
      )
    : request.only
      ? settle(must, target)
      : selectCoins(others, target, must)
  const nothingLeft =
    selected && (all ? restOf(selected, fixed) <= 0n : scripts.length === 0 && selected.changeSats === undefined)
  if (!selected || nothingLeft)
    return err(
      replaces ? { field: 'feeRate', code: 'bump-no-coins' } : insufficient(request, target, [...must, ...others]),
    )
  if (selected.coins.length > LIMITS.inputs) return err({ field: 'amount', code: 'too-many-coins' })
  const rest = restOf(selected, fixed)
  const outputs = request.recipients.map((r): TxOut => ({
    script: r.script,
    sats: r.amountSats === 'all' ? rest : r.amountSats,
  }))
  const small = outputs.find(o => o.sats < dustLimit(o.script))
  if (small) return err({ field: 'amount', code: 'dust', minSats: dustLimit(small.script) })
  const sent = outputs.reduce((sum, o) => sum + o.sats, 0n) || selected.changeSats || 0n
  const bad = feeFault(selected.feeSats, selected.vsize, sent)
  if (bad)
    return err({
      field: 'feeRate',
      code: bad === 'fee-too-low' ? 'too-low' : 'too-high',
      detail: `${FEE_BOUNDS.maxPercent}%`,
    })
  const least = replaces && bumpFee(selected.vsize, replaces)
  if (least !== undefined && selected.feeSats < least) {
    const minRate = rateFor(least, selected.vsize)
    return err({ field: 'feeRate', code: 'bump-too-low', minRate, detail: String(minRate) })
  }
  return ok(assemble(request, selected, outputs, changeOutput.script))
}

function recipientFault(request: BuildRequest): SpendError | undefined {
  const { recipients, wallet, replaces } = request
  if (recipients.length === 0 && !replaces) return { field: 'recipient', code: 'empty' }
  // one place is for the change
  if (recipients.length >= LIMITS.outputs) return { field: 'recipient', code: 'too-many' }
  if (recipients.filter(r => r.amountSats === 'all').length > 1) return { field: 'amount', code: 'all-twice' }
  for (const { script, amountSats } of recipients) {
    if (scriptToAddress(script, wallet.network) === undefined) return { field: 'recipient', code: 'unsupported' }
    if (amountSats === 'all') continue
    if (amountSats <= 0n) return { field: 'amount', code: 'zero' }
    if (amountSats > MAX_SATS) return { field: 'amount', code: 'too-large' }
    if (amountSats < dustLimit(script)) return { field: 'amount', code: 'dust', minSats: dustLimit(script) }
  }
  return undefined
}

/** Coins that must be spent, and those that may be. Held ones are neither. */
function usable(
  request: BuildRequest,
): Result<{ readonly must: readonly Coin[]; readonly others: readonly Coin[] }, SpendError> {
  const { replaces, only, held } = request
  const known = new Map([...request.coins, ...(replaces?.coins ?? [])].map(coin => [outPointKey(coin), coin]))
  if (only) {
    const must: Coin[] = []
    for (const key of new Set(only.map(outPointKey))) {
      const coin = known.get(key)
      if (!coin) return err({ field: 'coins', code: 'unknown-coin', detail: key })
      if (held.has(key)) return err({ field: 'coins', code: 'held', detail: key })
      if (!isSpendable(coin)) return err({ field: 'coins', code: 'unconfirmed', detail: key })
      must.push(coin)
    }
    if (must.length === 0) return err({ field: 'coins', code: 'empty' })
    const chosen = new Set(must.map(outPointKey))
    if (replaces?.coins.some(c => !chosen.has(outPointKey(c)))) return err({ field: 'coins', code: 'no-shared-coin' })
    return ok({ must, others: [] })
  }
  // the transaction that is replaced goes away, and its change with it
  const must = [...(replaces?.coins ?? request.must ?? [])]
  const taken = new Set(must.map(outPointKey))
  // a replacement may bring in no other unconfirmed coin (BIP125 rule 2), and taking back needs none at all
  const mayAdd = (c: Coin): boolean => !replaces || (c.height !== undefined && request.recipients.length > 0)
  const others = request.coins.filter(
    c => !held.has(outPointKey(c)) && !taken.has(outPointKey(c)) && isSpendable(c) && mayAdd(c),
  )
  return ok({ must, others })
}

function sendAll(target: SelectionTarget, coins: readonly Coin[]): Selection | undefined {
  if (coins.length === 0) return undefined
  const vsize = spendVsize(coins.length, target.scripts)
  return { coins, feeSats: feeFor(vsize, target.feeRate), vsize, changeSats: undefined }
}

/** What is left for the recipient who gets all. */
const restOf = (selected: Selection, fixed: bigint): bigint => totalOf(selected.coins) - selected.feeSats - fixed
const totalOf = (coins: readonly Coin[]): bigint => coins.reduce((sum, coin) => sum + coin.amountSats, 0n)

/** How much is missing, whether held coins would do, and what could be sent at most. */
function insufficient(request: BuildRequest, target: SelectionTarget, coins: readonly Coin[]): SpendError {
  const cost = feeFor(INPUT_VBYTES, target.feeRate)
  const useful = request.only ? coins : coins.filter(c => c.amountSats > cost)
  const total = totalOf(useful)
  const fee = feeFor(spendVsize(Math.max(useful.length, 1), target.scripts), target.feeRate)
  const missing = target.amountSats + fee - total
  const held = totalOf(request.coins.filter(c => request.held.has(outPointKey(c)) && isSpendable(c)))
  return {
    field: 'amount',
    code: 'insufficient-funds',
    missingSats: missing > 0n ? missing : 1n,
    maxSats: total > fee ? total - fee : 0n,
    ...(held > 0n && !request.only && { heldSats: held }),
  }
}

function assemble(
  request: BuildRequest,
  selected: Selection,
  recipients: readonly TxOut[],
  changeScript: Uint8Array,
): BuiltSpend {
  const { entropy, changeIndex } = request
  const coins = shuffle(selected.coins, entropy)
  const change: TxOut | undefined =
    selected.changeSats === undefined ? undefined : { script: changeScript, sats: selected.changeSats }
  const outputs = shuffle(change ? [...recipients, change] : recipients, entropy)
  const own: OwnOutput | undefined = change && { vout: outputs.indexOf(change), branch: 1, index: changeIndex }
  const none = new Uint8Array()
  const tx = serializeTx({
    version: SPEND_VERSION,
    locktime: request.tip,
    outputs,
    inputs: coins.map(c => ({ txid: c.txid, vout: c.vout, script: none, sequence: SPEND_SEQUENCE, witness: [] })),
  })
  return {
    proposal: {
      kind: 'spend',
      walletId: request.wallet.id,
      proposer: request.proposer,
      expiresAt: request.expiresAt,
      note: request.note,
      salt: toHex(entropy.bytes(32)),
      tx,
      inputs: coins.map(c => ({ amountSats: c.amountSats, branch: c.branch, index: c.index })),
      ownOutputs: own ? [own] : [],
      replaces: request.replaces?.txid,
    },
    feeSats: selected.feeSats,
    vsize: selected.vsize,
    ...(own && change && { change: { ...own, sats: change.sats } }),
  }
}

/** Fisher-Yates by the entropy port; 32 bits per step over at most 256 items leave no bias that matters. */
function shuffle<T>(items: readonly T[], entropy: Entropy): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const bytes = entropy.bytes(4)
    const j =
      ((bytes[0] ?? 0) * 2 ** 24 + (bytes[1] ?? 0) * 2 ** 16 + (bytes[2] ?? 0) * 2 ** 8 + (bytes[3] ?? 0)) % (i + 1)
    const a = out[i] as T
    out[i] = out[j] as T
    out[j] = a
  }
  return out
}
