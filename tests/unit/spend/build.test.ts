import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Address, OutScript, Transaction } from '@scure/btc-signer'
import { outPointKey } from '../../../services/core/domain/ids'
import { addressToScript } from '../../../services/core/crypto/address'
import { nameProposal } from '../../../services/core/crypto/proposal-id'
import { parseTx, vsizeOf, withKeyPathWitnesses } from '../../../services/core/crypto/transaction'
import { buildSpend, type BuildRequest } from '../../../services/core/spend/build'
import { describeProposal } from '../../../services/core/spend/describe'
import {
  bumpFee,
  dustLimit,
  feeFault,
  feeFor,
  parseFeeRate,
  rateFor,
  spendVsize,
} from '../../../services/core/spend/fees'
import { selectCoins } from '../../../services/core/spend/selection'
import { verifyProposal } from '../../../services/core/spend/verify-proposal'
import { createFakeEntropy } from '../../fakes/entropy'
import { factsFor, fund, NOW, TIP, wallet, type Funded } from '../../fakes/spend-wallet'

const P2TR = wallet.output(0, 90)!.script
const script = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!.map(b => Number.parseInt(b, 16)))
const P2WPKH = script(`0014${'ab'.repeat(20)}`)
/** by an independent library */
const P2WPKH_ADDRESS = Address({ bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef }).encode(
  OutScript.decode(P2WPKH),
)

function request(funded: readonly Funded[], change: Partial<BuildRequest> = {}): BuildRequest {
  return {
    wallet,
    coins: funded.map(f => f.coin),
    held: new Set(),
    recipients: [{ script: P2WPKH, amountSats: 50_000n }],
    feeRate: 2,
    changeIndex: 3,
    tip: TIP,
    entropy: createFakeEntropy(),
    proposer: wallet.members[1]!.accountKey,
    expiresAt: NOW + 86_400,
    note: 'rent',
    ...change,
  }
}
const built = (r: BuildRequest) => {
  const out = buildSpend(r)
  if (!out.ok) throw new Error(`${out.error.field}: ${out.error.code}`)
  return out.value
}
const refused = (r: BuildRequest) => {
  const out = buildSpend(r)
  return out.ok ? undefined : out.error
}
const txOf = (raw: Uint8Array) => {
  const parsed = parseTx(raw)
  if (!parsed.ok) throw new Error(parsed.error.code)
  return parsed.value
}

describe('fees', () => {
  it('rounds the fee up, not the rate', () => {
    expect(feeFor(111, 1.001)).toBe(112n)
    expect(feeFor(100, 1.5)).toBe(150n)
    expect(feeFor(57.5, 1)).toBe(58n)
    expect(feeFor(1, 0.001)).toBe(1n)
  })
  it('size of a signed spend equals the estimate, for any number of inputs and outputs', () => {
    for (const [inputs, outputs] of [
      [1, 1],
      [2, 2],
      [3, 7],
      [252, 2],
      [253, 2],
      [256, 63],
    ] as const) {
      const tx = {
        version: 2,
        locktime: 0,
        outputs: Array.from({ length: outputs }, () => ({ sats: 1_000n, script: P2TR })),
        inputs: Array.from({ length: inputs }, (_, vout) => ({
          txid: '11'.repeat(32),
          vout,
          script: new Uint8Array(),
          sequence: 0,
          witness: [],
        })),
      }
      const signed = withKeyPathWitnesses(
        tx,
        tx.inputs.map(() => new Uint8Array(64)),
      )
      expect(
        spendVsize(
          inputs,
          tx.outputs.map(o => o.script),
        ),
      ).toBe(vsizeOf(signed))
    }
    // known from BIP341 wallets: one input, one P2TR output is 111 vB
    expect(spendVsize(1, [P2TR])).toBe(111)
  })
  it('dust by script type, as Core has it', () => {
    expect(dustLimit(P2TR)).toBe(330n)
    expect(dustLimit(P2WPKH)).toBe(294n)
    expect(dustLimit(script(`0020${'ab'.repeat(32)}`))).toBe(330n)
    expect(dustLimit(script(`76a914${'ab'.repeat(20)}88ac`))).toBe(546n)
    expect(dustLimit(script(`a914${'ab'.repeat(20)}87`))).toBe(540n)
  })
  it('named bounds', () => {
    expect(feeFault(199n, 200, 100_000n)).toBe('fee-too-low')
    expect(feeFault(200n, 200, 100_000n)).toBeUndefined()
    expect(feeFault(50_000n, 200, 1_000n)).toBeUndefined()
    expect(feeFault(50_001n, 200, 500_009n)).toBe('fee-too-high')
    expect(feeFault(50_001n, 200, 500_010n)).toBeUndefined()
    expect(feeFault(402_001n, 200, 10n ** 12n)).toBe('fee-too-high')
    expect(feeFault(10_000_001n, 60_000, 10n ** 12n)).toBe('fee-too-high')
  })
  it.each([
    ['1', 1],
    ['2.5', 2.5],
    [' 10 ', 10],
    ['', 'empty'],
    ['x', 'malformed'],
    ['1,5', 'ambiguous'],
    ['0.9', 'too-low'],
    ['2001', 'too-high'],
    ['1.2345', 'malformed'],
    ['-1', 'malformed'],
  ])('rate %s', (text, want) => {
    const r = parseFeeRate(text)
    expect(r.ok ? r.value : r.error.code).toBe(want)
  })
})

describe('buildSpend', () => {
  it('makes a transaction that an independent library reads, and that a co-signer accepts', () => {
    const coins = [fund(0, 40_000n), fund(1, 30_000n)]
    const { proposal, feeSats, vsize, change } = built(request(coins))
    const other = Transaction.fromRaw(proposal.tx, { allowUnknownOutputs: true })
    expect(other.inputsLength).toBe(2)
    expect(other.outputsLength).toBe(2)
    const tx = txOf(proposal.tx)
    expect(tx).toMatchObject({ version: 2, locktime: TIP })
    expect(tx.inputs.every(i => i.sequence === 0xfffffffd)).toBe(true)
    expect(feeSats).toBe(feeFor(vsize, 2))
    expect(change?.sats).toBe(70_000n - 50_000n - feeSats)
    expect(verifyProposal(wallet, proposal, factsFor(coins))).toEqual({ kind: 'ok' })
    expect(nameProposal(wallet, proposal).ok).toBe(true)
    expect(describeProposal(wallet, proposal)).toMatchObject({
      recipients: [{ address: P2WPKH_ADDRESS, sats: 50_000n }],
      change: [{ address: wallet.output(1, 3)!.address, sats: change?.sats }],
      feeSats,
      vsize,
      feeRate: 2,
      totalSats: 50_000n + feeSats,
      note: 'rent',
    })
  })

  it('dust change goes to the fee', () => {
    const { feeSats, change, proposal } = built(request([fund(0, 50_000n + 222n + 300n)]))
    expect(change).toBeUndefined()
    expect(proposal.ownOutputs).toEqual([])
    expect(feeSats).toBe(522n)
  })

  it('all: everything but what costs more than it brings; nothing left over', () => {
    const coins = [fund(0, 40_000n), fund(1, 30_000n), fund(2, 110n)]
    const { proposal, feeSats, change } = built(request(coins, { recipients: [{ script: P2TR, amountSats: 'all' }] }))
    const tx = txOf(proposal.tx)
    expect(tx.inputs).toHaveLength(2)
    expect(change).toBeUndefined()
    expect(tx.outputs.map(o => o.sats)).toEqual([70_000n - feeSats])
  })

  it('confirmed first; unconfirmed only when it is our own change; held never', () => {
    const confirmed = fund(0, 60_000n)
    const ours = fund(1, 90_000n, { height: null, ours: true })
    const foreign = fund(2, 990_000n, { height: null })
    const held = fund(3, 880_000n)
    const spends = (amountSats: bigint) =>
      built(
        request([foreign, ours, confirmed, held], {
          held: new Set([outPointKey(held.coin)]),
          recipients: [{ script: P2TR, amountSats }],
        }),
      )
        .proposal.inputs.map(i => i.index)
        .sort()
    expect(spends(50_000n)).toEqual([0])
    expect(spends(100_000n)).toEqual([0, 1])
    expect(
      refused(
        request([foreign, ours, confirmed, held], {
          held: new Set([outPointKey(held.coin)]),
          recipients: [{ script: P2TR, amountSats: 200_000n }],
        }),
      ),
    ).toMatchObject({
      field: 'amount',
      code: 'insufficient-funds',
      missingSats: 200_000n - 150_000n + feeFor(spendVsize(2, [P2TR]), 2),
      heldSats: 880_000n,
    })
  })

  it('explicit coins are spent all, and only they', () => {
    const coins = [fund(0, 40_000n), fund(1, 30_000n), fund(2, 500_000n)]
    const only = [coins[0]!.coin, coins[1]!.coin]
    expect(
      built(request(coins, { only }))
        .proposal.inputs.map(i => i.index)
        .sort(),
    ).toEqual([0, 1])
    expect(refused(request(coins, { only: [coins[0]!.coin] }))).toMatchObject({
      field: 'amount',
      code: 'insufficient-funds',
    })
    expect(refused(request(coins, { only: [{ txid: '99'.repeat(32), vout: 0 }] }))).toMatchObject({
      field: 'coins',
      code: 'unknown-coin',
    })
    expect(refused(request(coins, { only, held: new Set([outPointKey(coins[0]!.coin)]) }))).toMatchObject({
      field: 'coins',
      code: 'held',
    })
  })

  it.each([
    ['nobody', { recipients: [] }, 'recipient', 'empty'],
    [
      'a script of no address',
      { recipients: [{ script: script('6a0101'), amountSats: 1_000n }] },
      'recipient',
      'unsupported',
    ],
    ['dust', { recipients: [{ script: P2WPKH, amountSats: 293n }] }, 'amount', 'dust'],
    ['zero', { recipients: [{ script: P2WPKH, amountSats: 0n }] }, 'amount', 'zero'],
    ['a rate below relay', { feeRate: 0.5 }, 'feeRate', 'too-low'],
    ['no rate', { feeRate: Number.NaN }, 'feeRate', 'malformed'],
    ['an absurd rate', { feeRate: 1_900 }, 'feeRate', 'too-high'],
    ['a note too long', { note: 'x'.repeat(513) }, 'note', 'too-long'],
    ['no coins', { coins: [] }, 'amount', 'insufficient-funds'],
  ] as const)('refuses %s', (_what, change, field, code) => {
    expect(refused(request([fund(0, 9_000_000n)], change as Partial<BuildRequest>))).toMatchObject({ field, code })
  })

  describe('in the place of an unconfirmed payment', () => {
    const OLD = 'ab'.repeat(32)
    const coin = fund(0, 200_000n)
    const old = built(request([coin]))
    const replaces = { txid: OLD, feeSats: old.feeSats, vsize: old.vsize, coins: [coin.coin] }
    const facts = (coins: readonly Funded[]) =>
      factsFor(coins, {
        outspends: new Map(
          coins.map(c => [
            outPointKey(c.coin),
            c === coin ? { spent: true, by: OLD, confirmed: false } : { spent: false, confirmed: false },
          ]),
        ),
        replaced: {
          feeSats: old.feeSats,
          weight: old.vsize * 4,
          confirmed: false,
          inputs: new Set([outPointKey(coin.coin)]),
        },
      })
    const spent = (b: ReturnType<typeof built>) => txOf(b.proposal.tx).inputs.map(outPointKey)

    it('pays the same from the same coins, with less change; its co-signers agree', () => {
      const bump = built(request([coin, fund(1, 90_000n)], { feeRate: 5, replaces }))
      expect(bump.proposal.replaces).toBe(OLD)
      expect(spent(bump)).toEqual([outPointKey(coin.coin)])
      expect(bump.vsize).toBe(old.vsize)
      expect(bump.feeSats).toBe(feeFor(old.vsize, 5))
      expect(bump.change?.sats).toBe(200_000n - 50_000n - bump.feeSats)
      expect(verifyProposal(wallet, bump.proposal, facts([coin]))).toEqual({ kind: 'ok' })
    })

    it('a rate that would not take its place is refused with the least that does; at that one it is built', () => {
      // one input, the same outputs: 2 sat/vB became 3, by 1 sat/vB of its own size
      expect(refused(request([coin], { feeRate: 2.99, replaces }))).toMatchObject({
        field: 'feeRate',
        code: 'bump-too-low',
        minRate: 3,
        detail: '3',
      })
      const least = built(request([coin], { feeRate: 3, replaces }))
      expect(least.feeSats).toBe(old.feeSats + BigInt(old.vsize))
      expect(least.feeSats).toBe(bumpFee(old.vsize, replaces))
      expect(verifyProposal(wallet, least.proposal, facts([coin]))).toEqual({ kind: 'ok' })
    })

    it('adds confirmed coins when the change is not enough, and then pays for its own larger size', () => {
      const tight = fund(2, 50_400n)
      const without = built(request([tight]))
      expect(without.change).toBeUndefined()
      const place = { txid: OLD, feeSats: without.feeSats, vsize: without.vsize, coins: [tight.coin] }
      expect(refused(request([tight], { feeRate: 6, replaces: place }))).toEqual({
        field: 'feeRate',
        code: 'bump-no-coins',
      })
      const young = fund(3, 80_000n, { height: null, ours: true })
      expect(refused(request([tight, young], { feeRate: 6, replaces: place }))).toEqual({
        field: 'feeRate',
        code: 'bump-no-coins',
      })
      const more = fund(4, 70_000n)
      const bump = built(request([tight, young, more], { feeRate: 6, replaces: place }))
      expect(spent(bump).sort()).toEqual([outPointKey(tight.coin), outPointKey(more.coin)].sort())
      expect(bump.feeSats).toBeGreaterThanOrEqual(without.feeSats + BigInt(bump.vsize))
      const low = refused(request([tight, more], { feeRate: 3.7, replaces: place }))
      expect(low).toMatchObject({ code: 'bump-too-low' })
      expect(built(request([tight, more], { feeRate: low!.minRate!, replaces: place })).feeSats).toBeGreaterThanOrEqual(
        without.feeSats + BigInt(bump.vsize),
      )
    })

    it('taken back: all to the change address, from its own coins alone', () => {
      const back = built(request([coin, fund(1, 90_000n)], { feeRate: 4, replaces, recipients: [] }))
      expect(spent(back)).toEqual([outPointKey(coin.coin)])
      expect(txOf(back.proposal.tx).outputs).toEqual([
        { script: wallet.output(1, 3)!.script, sats: 200_000n - back.feeSats },
      ])
      expect(verifyProposal(wallet, back.proposal, facts([coin]))).toEqual({ kind: 'ok' })
      expect(describeProposal(wallet, back.proposal)).toMatchObject({
        recipients: [],
        totalSats: back.feeSats,
        feePercent: 0,
      })
      // smaller than what it replaces: the old fee and its own size are still to be paid
      const least = rateFor(bumpFee(back.vsize, replaces), back.vsize)
      expect(refused(request([coin], { feeRate: 3, replaces, recipients: [] }))).toMatchObject({
        code: 'bump-too-low',
        minRate: least,
      })
      expect(built(request([coin], { feeRate: least, replaces, recipients: [] })).feeSats).toBeGreaterThanOrEqual(
        old.feeSats + BigInt(back.vsize),
      )
      const poor = fund(5, 700n)
      expect(
        refused(
          request([poor], { feeRate: 6, replaces: { ...replaces, feeSats: 100n, coins: [poor.coin] }, recipients: [] }),
        ),
      ).toEqual({ field: 'feeRate', code: 'bump-no-coins' })
    })

    it('nobody is paid only when something is taken back', () => {
      expect(refused(request([coin], { recipients: [] }))).toEqual({ field: 'recipient', code: 'empty' })
    })
  })

  it('the same entropy gives the same transaction; another order for other entropy', () => {
    const coins = Array.from({ length: 9 }, (_, i) => fund(i, 10_000n + BigInt(i)))
    const all = { recipients: [{ script: P2TR, amountSats: 'all' as const }] }
    const order = (seed: string) =>
      built(request(coins, { ...all, entropy: createFakeEntropy(seed) }))
        .proposal.inputs.map(i => i.index)
        .join()
    expect(order('a')).toBe(order('a'))
    expect(new Set(['a', 'b', 'c', 'd'].map(order)).size).toBeGreaterThan(1)
  })

  it('any wallet and amount: a valid payment that pays exactly, or a refusal that is true', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(200n, 2_000_000n), { minLength: 1, maxLength: 12 }),
        fc.bigInt(400n, 6_000_000n),
        fc.integer({ min: 1_000, max: 60_000 }),
        (amounts, amountSats, milli) => {
          const funded = amounts.map((sats, i) => fund(i, sats))
          const feeRate = milli / 1000
          const out = buildSpend(request(funded, { feeRate, recipients: [{ script: P2TR, amountSats }] }))
          const total = amounts.reduce((a, b) => a + b, 0n)
          if (out.ok) {
            const tx = txOf(out.value.proposal.tx)
            const paid = tx.outputs.reduce((sum, o) => sum + o.sats, 0n)
            const taken = out.value.proposal.inputs.reduce((sum, i) => sum + i.amountSats, 0n)
            expect(taken - paid).toBe(out.value.feeSats)
            expect(out.value.feeSats).toBeGreaterThanOrEqual(feeFor(out.value.vsize, feeRate))
            expect(tx.outputs.some(o => o.sats === amountSats)).toBe(true)
            expect(verifyProposal(wallet, out.value.proposal, factsFor(funded))).toEqual({ kind: 'ok' })
          } else if (out.error.code === 'insufficient-funds') {
            expect(total).toBeLessThan(
              amountSats +
                feeFor(spendVsize(amounts.length, [P2TR, P2TR]), feeRate) +
                330n +
                BigInt(amounts.length) * feeFor(57.5, feeRate),
            )
          } else expect(out.error).toMatchObject({ field: 'feeRate', code: 'too-high' })
        },
      ),
      { numRuns: 150 },
    )
  })

  it('an exact set is found without change', () => {
    const target = { amountSats: 50_000n, feeRate: 1, scripts: [P2TR], changeScript: P2TR }
    const coins = [120_000n, 31_000n, 19_200n, 7_000n].map((sats, i) => fund(i, sats).coin)
    const selected = selectCoins(coins, target)
    expect(selected?.changeSats).toBeUndefined()
    expect(selected?.coins.map(c => c.amountSats)).toEqual([31_000n, 19_200n])
  })

  it('hundreds of coins are chosen from in well under a second', () => {
    const coins = Array.from({ length: 2_000 }, (_, i) => ({
      ...fund(0, 1_000n, { nonce: i }).coin,
      amountSats: 5_000n + BigInt(i % 17),
    }))
    expect(
      selectCoins(coins, { amountSats: 400_000n, feeRate: 3.7, scripts: [P2TR], changeScript: P2TR })?.coins.length,
    ).toBeGreaterThan(70)
  })

  it('the address of the review is the one that was typed', () => {
    const parsed = addressToScript(P2WPKH_ADDRESS, wallet.network)
    expect(parsed.ok && parsed.value).toEqual(P2WPKH)
  })
})
