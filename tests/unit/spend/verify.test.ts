import { describe, expect, it } from 'vitest'
import { outPointKey } from '../../../services/core/domain/ids'
import type { SpendProposal } from '../../../services/core/domain/proposal'
import { PROPOSAL_RULES } from '../../../services/core/domain/signing-state'
import { parseTx, serializeTx, txidOf, type Tx } from '../../../services/core/crypto/transaction'
import { buildSpend } from '../../../services/core/spend/build'
import { factsNeeded, verifyProposal, type ProposalFacts } from '../../../services/core/spend/verify-proposal'
import { LIMITS } from '../../../services/core/wire/limits'
import { createFakeEntropy } from '../../fakes/entropy'
import { factsFor, fund, NOW, TIP, wallet } from '../../fakes/spend-wallet'

const coins = [fund(0, 40_000n), fund(1, 30_000n)]
const recipient = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0xab)])
const honest: SpendProposal = (() => {
  const r = buildSpend({
    wallet,
    coins: coins.map(c => c.coin),
    held: new Set(),
    recipients: [{ script: recipient, amountSats: 50_000n }],
    feeRate: 3,
    changeIndex: 3,
    tip: TIP,
    entropy: createFakeEntropy(),
    proposer: wallet.members[0]!.accountKey,
    expiresAt: NOW + 3_600,
    note: '',
  })
  if (!r.ok) throw new Error(r.error.code)
  return r.value.proposal
})()
const facts = factsFor(coins)
const changeVout = honest.ownOutputs[0]!.vout
const paidVout = 1 - changeVout

/** The proposal with its transaction altered. */
function altered(change: (tx: Tx) => Tx, more: Partial<SpendProposal> = {}): SpendProposal {
  const parsed = parseTx(honest.tx)
  if (!parsed.ok) throw new Error(parsed.error.code)
  return { ...honest, tx: serializeTx(change(parsed.value)), ...more }
}
const outputs =
  (change: (out: Tx['outputs'][number], vout: number) => Tx['outputs'][number]) =>
  (tx: Tx): Tx => ({ ...tx, outputs: tx.outputs.map(change) })
const inputs =
  (change: (input: Tx['inputs'][number], i: number) => Tx['inputs'][number]) =>
  (tx: Tx): Tx => ({ ...tx, inputs: tx.inputs.map(change) })
const rule = (proposal: SpendProposal, f: ProposalFacts = facts): string => {
  const v = verifyProposal(wallet, proposal, f)
  return v.kind === 'wrong' ? v.rule : v.kind === 'ok' ? 'ok' : `not-yet-seen ${v.what}`
}
const key = (i: number) => outPointKey(coins[i]!.coin)
const spentBy = (by: string | undefined, confirmed = false): ProposalFacts => ({
  ...facts,
  outspends: new Map([...facts.outspends, [key(0), { spent: true, by, confirmed }]]),
})
const own = (change: Partial<SpendProposal['ownOutputs'][number]>): SpendProposal['ownOutputs'] => [
  { ...honest.ownOutputs[0]!, ...change },
]

/** The first coin and others that nobody knows, `count` in all. */
const many = (count: number): [(tx: Tx) => Tx, Partial<SpendProposal>] => [
  tx => ({
    ...tx,
    inputs: Array.from({ length: count }, (_, vout) => ({
      ...tx.inputs[0]!,
      ...(vout > 0 ? { vout: 100 + vout } : {}),
    })),
  }),
  { inputs: Array.from({ length: count }, () => honest.inputs[0]!) },
]

/** One lie each, everything else as an honest proposer has it; and the last that is no lie yet. */
const CASES: ReadonlyArray<readonly [string, () => string]> = [
  ['version', () => rule(altered(tx => ({ ...tx, version: 1 })))],
  ['sequence', () => rule(altered(inputs(i => ({ ...i, sequence: 0xffffffff }))))],
  ['locktime', () => rule(altered(tx => ({ ...tx, locktime: TIP + 4 })))],
  ['ok', () => rule(altered(tx => ({ ...tx, locktime: TIP + 3 })))],
  ['locktime', () => rule(altered(tx => ({ ...tx, locktime: 1_700_000_000 })))],
  ['malformed-transaction', () => rule({ ...honest, tx: honest.tx.slice(1) })],
  ['malformed-transaction', () => rule(altered(inputs(i => ({ ...i, witness: [Uint8Array.of(0x50)] }))))],
  ['duplicate-input', () => rule(altered(tx => ({ ...tx, inputs: [tx.inputs[0]!, tx.inputs[0]!] })))],
  ['inputs-mismatch', () => rule({ ...honest, inputs: honest.inputs.slice(1) })],
  // as with a witness: without one an empty list of inputs reads as its marker (BIP144)
  ['no-inputs', () => rule({ ...honest, tx: Uint8Array.of(2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), inputs: [] })],
  ['too-many-inputs', () => rule(altered(...many(LIMITS.inputs + 1)))],
  // one fewer passes that rule and is stopped by another
  ['fee-too-high', () => rule(altered(...many(LIMITS.inputs)))],
  ['no-recipient', () => rule(altered(tx => ({ ...tx, outputs: [] }), { ownOutputs: [] }))],
  [
    'no-recipient',
    () =>
      rule(
        altered(tx => ({ ...tx, outputs: [tx.outputs[changeVout]!].map(o => ({ ...o, sats: 69_000n })) }), {
          ownOutputs: own({ vout: 0 }),
        }),
      ),
  ],
  [
    'input-amount',
    () => rule({ ...honest, inputs: honest.inputs.map(i => ({ ...i, amountSats: i.amountSats + 1n })) }),
  ],
  ['input-script', () => rule({ ...honest, inputs: honest.inputs.map(i => ({ ...i, index: i.index + 1 })) })],
  [
    'not-ours',
    () =>
      rule(altered(inputs(i => ({ ...i, vout: 9 }))), {
        ...facts,
        outspends: new Map(coins.map(c => [`${c.coin.txid}:9`, { spent: false, confirmed: false }])),
      }),
  ],
  [
    'input-script',
    () =>
      rule(altered(inputs(i => ({ ...i, vout: 0 }))), {
        ...facts,
        outspends: new Map(coins.map(c => [`${c.coin.txid}:0`, { spent: false, confirmed: false }])),
      }),
  ],
  ['input-spent', () => rule(honest, spentBy('ee'.repeat(32)))],
  ['input-spent', () => rule(honest, spentBy(undefined))],
  [
    'change-not-ours',
    () => rule(altered(outputs((o, v) => (v === changeVout ? { ...o, script: wallet.output(1, 4)!.script } : o)))),
  ],
  ['change-not-ours', () => rule({ ...honest, ownOutputs: own({ vout: paidVout }) })],
  ['change-not-ours', () => rule({ ...honest, ownOutputs: [...honest.ownOutputs, ...honest.ownOutputs] })],
  [
    'change-branch',
    () =>
      rule(
        altered(
          outputs((o, v) => (v === changeVout ? { ...o, script: wallet.output(0, 3)!.script } : o)),
          { ownOutputs: own({ branch: 0 }) },
        ),
      ),
  ],
  [
    'change-index',
    () =>
      rule(
        altered(
          outputs((o, v) => (v === changeVout ? { ...o, script: wallet.output(1, 20)!.script } : o)),
          { ownOutputs: own({ index: 20 }) },
        ),
      ),
  ],
  [
    'ok',
    () =>
      rule(
        altered(
          outputs((o, v) => (v === changeVout ? { ...o, script: wallet.output(1, 19)!.script } : o)),
          { ownOutputs: own({ index: 19 }) },
        ),
      ),
  ],
  ['change-reused', () => rule(honest, { ...facts, usedChange: new Set([3]), lastUsedChange: 3 })],
  ['change-reused', () => rule(honest, { ...facts, changeInUse: new Set(['1/3']) })],
  [
    'output-dust',
    () => rule(altered(outputs((o, v) => (v === paidVout ? { ...o, sats: 200n } : { ...o, sats: 69_000n })))),
  ],
  [
    'output-nonstandard',
    () => rule(altered(outputs((o, v) => (v === paidVout ? { ...o, script: Uint8Array.of(0x6a, 1, 1) } : o)))),
  ],
  ['overspend', () => rule(altered(outputs(o => ({ ...o, sats: o.sats * 2n }))))],
  ['fee-too-low', () => rule(altered(outputs((o, v) => (v === changeVout ? { ...o, sats: 19_900n } : o))))],
  ['equivocation', () => rule(honest, { ...facts, equivocates: true })],
  ['expiry', () => rule({ ...honest, expiresAt: NOW + 604_800 + 601 })],
  ['note-too-long', () => rule({ ...honest, note: 'ä'.repeat(257) })],
  ['proposer', () => rule({ ...honest, proposer: `02${'77'.repeat(32)}` })],
  ['not-ours', () => rule({ ...honest, walletId: '00'.repeat(32) })],
  [
    'replaces-unknown',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 1n, weight: 400, confirmed: true, inputs: new Set([key(0)]) } },
      ),
  ],
  [
    'replaces-no-shared-input',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 1n, weight: 400, confirmed: false, inputs: new Set(['x']) } },
      ),
  ],
  // one of two coins: another replacement may take the other one, and both be mined
  [
    'replaces-no-shared-input',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 1n, weight: 400, confirmed: false, inputs: new Set([key(0), 'x']) } },
      ),
  ],
  [
    'ok',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 1n, weight: 400, confirmed: false, inputs: new Set([key(0), key(1)]) } },
      ),
  ],
  [
    'replaces-fee',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 5_000n, weight: 400, confirmed: false, inputs: new Set([key(0)]) } },
      ),
  ],
  // more in total, less per vbyte
  [
    'replaces-fee',
    () =>
      rule(
        { ...honest, replaces: 'ab'.repeat(32) },
        { ...facts, replaced: { feeSats: 500n, weight: 400, confirmed: false, inputs: new Set([key(0)]) } },
      ),
  ],
]

describe("the co-signer's check", () => {
  it('accepts an honest proposal and says what it must look up', () => {
    expect(rule(honest)).toBe('ok')
    expect(factsNeeded(honest).inputs.map(outPointKey).sort()).toEqual([key(0), key(1)].sort())
  })

  it.each(CASES)('%s (case %#)', (want, got) => expect(got()).toBe(want))

  it('has a proposer who breaks just that rule for every rule that there is', () => {
    const below = ['input-immature', 'practice-text']
    expect([...new Set([...CASES.map(([name]) => name), ...below])].filter(name => name !== 'ok').sort()).toEqual(
      [...PROPOSAL_RULES].sort(),
    )
  })

  it('an overpaid fee is wrong for co-signers by the same bounds as for the proposer', () => {
    const rich = [fund(5, 9_000_000n)]
    const r = buildSpend({
      wallet,
      coins: rich.map(c => c.coin),
      held: new Set(),
      recipients: [{ script: recipient, amountSats: 100_000n }],
      feeRate: 3,
      changeIndex: 3,
      tip: TIP,
      entropy: createFakeEntropy(),
      proposer: wallet.members[0]!.accountKey,
      expiresAt: NOW + 3_600,
      note: '',
    })
    if (!r.ok) throw new Error(r.error.code)
    const parsed = parseTx(r.value.proposal.tx)
    if (!parsed.ok) throw new Error('unreadable')
    const greedy = {
      ...parsed.value,
      outputs: parsed.value.outputs.map((o, v) => (v === r.value.change?.vout ? { ...o, sats: o.sats - 60_000n } : o)),
    }
    expect(rule({ ...r.value.proposal, tx: serializeTx(greedy) }, factsFor(rich))).toBe('fee-too-high')
  })

  it('what is not seen blames nobody; what is certainly wrong is said even then', () => {
    expect(rule(honest, { ...facts, parents: new Map() })).toBe('not-yet-seen input')
    expect(rule(honest, { ...facts, outspends: new Map() })).toBe('not-yet-seen input')
    expect(rule(honest, { ...facts, tip: undefined })).toBe('not-yet-seen chain')
    expect(rule({ ...honest, replaces: 'ab'.repeat(32) })).toBe('not-yet-seen chain')
    expect(rule(honest, { ...facts, parents: new Map(), usedChange: new Set([3]), lastUsedChange: 3 })).toBe(
      'change-reused',
    )
  })

  it('a parent that does not hash to its txid proves nothing', () => {
    const lie = new Map([...facts.parents].map(([txid, p]) => [txid, { ...p, raw: serializeTx(coins[0]!.parent) }]))
    expect(rule(honest, { ...facts, parents: lie })).toBe('not-yet-seen input')
  })

  it('spent by this very payment is not wrong; by what it replaces neither, until that confirms', () => {
    const parsed = parseTx(honest.tx)
    expect(rule(honest, spentBy(parsed.ok ? txidOf(parsed.value) : ''))).toBe('ok')
    const bump = { ...honest, replaces: 'ab'.repeat(32) }
    const replaced = { feeSats: 100n, weight: 400, confirmed: false, inputs: new Set([key(0)]) }
    expect(rule(bump, { ...spentBy('ab'.repeat(32)), replaced })).toBe('ok')
    expect(rule(bump, { ...spentBy('ab'.repeat(32), true), replaced })).toBe('input-spent')
    // a server that still shows what that one has replaced before
    expect(rule(bump, { ...spentBy('cd'.repeat(32)), replaced })).toBe('input-spent')
    expect(
      rule(bump, {
        ...spentBy('cd'.repeat(32)),
        replaced,
        replacedBefore: new Set(['ab'.repeat(32), 'cd'.repeat(32)]),
      }),
    ).toBe('ok')
    expect(
      rule(bump, {
        ...spentBy('cd'.repeat(32), true),
        replaced,
        replacedBefore: new Set(['ab'.repeat(32), 'cd'.repeat(32)]),
      }),
    ).toBe('input-spent')
  })

  it('an immature coinbase waits for a hundred blocks', () => {
    const mined = (height: number) => {
      const coin = fund(8, 90_000n, { coinbase: true, height })
      const r = buildSpend({
        wallet,
        coins: [coin.coin],
        held: new Set(),
        recipients: [{ script: recipient, amountSats: 50_000n }],
        feeRate: 3,
        changeIndex: 0,
        tip: TIP,
        entropy: createFakeEntropy(),
        proposer: wallet.members[0]!.accountKey,
        expiresAt: NOW,
        note: '',
      })
      return r.ok ? rule(r.value.proposal, factsFor([coin])) : r.error.code
    }
    expect(mined(TIP - 98)).toBe('input-immature')
    expect(mined(TIP - 99)).toBe('ok')
  })

  it('a practice text must be there and showable', () => {
    const practice = {
      kind: 'practice' as const,
      walletId: wallet.id,
      proposer: wallet.members[0]!.accountKey,
      expiresAt: NOW,
      note: '',
      salt: '00'.repeat(32),
      text: 'we practise',
    }
    expect(verifyProposal(wallet, practice, facts)).toEqual({ kind: 'ok' })
    expect(verifyProposal(wallet, { ...practice, text: ' ' }, facts)).toMatchObject({ rule: 'practice-text' })
    expect(verifyProposal(wallet, { ...practice, text: 'a\u202eb' }, facts)).toMatchObject({ rule: 'practice-text' })
  })
})
