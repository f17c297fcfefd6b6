import { err, ok, type Result } from '../domain/result'
import type { TxOut } from '../crypto/transaction'

/**
 * Fee arithmetic. Rates are sat/vB and may be fractional (to a thousandth); the fee is rounded up, never the rate, so a
 * transaction never pays less than its rate says.
 */

/** Refusals by name, the same for who builds and for who checks. */
export const FEE_BOUNDS = {
  /** sat/vB: the minimum relay fee of nodes before Core 29.1; less may not travel */
  minRate: 1,
  /** sat/vB: a fifth of Core's `maxfeerate` (0.1 BTC/kvB = 10 000); blocks have never asked for it */
  maxRate: 2_000,
  /** satoshis: Core's `maxtxfee`, 0.1 BTC */
  maxSats: 10_000_000n,
  /**
   * sat/vB that a replacement pays for its own size on top of the fee of what it replaces (BIP125 rule 4):
   * `incrementalrelayfee` of nodes before Core 29.1
   */
  incrementalRate: 1,
  /** of what the recipients get, in per cent ... */
  maxPercent: 10n,
  /** ... unless the fee is below this many satoshis: a small payment in a busy hour is not refused */
  alwaysAllowedSats: 50_000n,
} as const

/**
 * weight units of one P2TR key-path input: 41 bytes x 4, and a witness of count, length and 64-byte signature (BIP341)
 */
const INPUT_WEIGHT = 230
/** vbytes to spend a P2TR output later: 57.5 */
export const INPUT_VBYTES = INPUT_WEIGHT / 4

const countBytes = (n: number): number => (n < 0xfd ? 1 : 3)

/** Bytes of an output: amount, script length, script. */
export const outputBytes = (script: Uint8Array): number => 8 + countBytes(script.length) + script.length

/** Virtual size of a finished spend of `inputs` P2TR key-path inputs to these scripts, rounded up (BIP141). */
export function spendVsize(inputs: number, scripts: readonly Uint8Array[]): number {
  const base =
    4 +
    countBytes(inputs) +
    countBytes(scripts.length) +
    scripts.reduce((sum, script) => sum + outputBytes(script), 0) +
    4
  return Math.ceil((base * 4 + 2 + inputs * INPUT_WEIGHT) / 4)
}

/** Fee in satoshis for `vsize` vbytes at `rate` sat/vB, rounded up. */
export function feeFor(vsize: number, rate: number): bigint {
  const milli = BigInt(Math.round(rate * 1000)) * BigInt(Math.ceil(vsize * 2))
  return (milli + 1999n) / 2000n
}

/**
 * The least fee at which a transaction of `vsize` vbytes takes the place of `old` everywhere: BIP125 rules 3 and 4, and
 * more per vbyte, as nodes and co-signers ask for.
 */
export function bumpFee(vsize: number, old: { readonly feeSats: bigint; readonly vsize: number }): bigint {
  const total = old.feeSats + feeFor(vsize, FEE_BOUNDS.incrementalRate)
  const perByte = (old.feeSats * BigInt(vsize)) / BigInt(old.vsize) + 1n
  return total > perByte ? total : perByte
}

/** The least rate, to a hundredth, at which `vsize` vbytes pay `feeSats`. */
export const rateFor = (feeSats: bigint, vsize: number): number =>
  Number((feeSats * 100n + BigInt(vsize) - 1n) / BigInt(vsize)) / 100

/** sat/vB with two decimals, rounded down so that it is never shown higher than it is. */
export const rateOf = (feeSats: bigint, vsize: number): number => Number((feeSats * 100n) / BigInt(vsize)) / 100

/**
 * The least amount that a standard output may hold: three sat/vB for itself and for the input that would spend it
 * (`GetDustThreshold` of Bitcoin Core at its default): P2TR and P2WSH 330, P2WPKH 294, P2PKH 546, P2SH 540.
 */
export function dustLimit(script: Uint8Array): bigint {
  const witness =
    script.length >= 4 &&
    script.length <= 42 &&
    (script[0] === 0 || ((script[0] ?? 0) >= 0x51 && (script[0] ?? 0) <= 0x60)) &&
    script[1] === script.length - 2
  return BigInt(3 * (outputBytes(script) + (witness ? 67 : 148)))
}

/** `sentSats`: what goes to recipients; for a transaction that only pays ourselves, all its outputs. */
export function feeFault(feeSats: bigint, vsize: number, sentSats: bigint): 'fee-too-low' | 'fee-too-high' | undefined {
  if (feeSats < feeFor(vsize, FEE_BOUNDS.minRate)) return 'fee-too-low'
  // one vbyte of tolerance: the fee is rounded up
  if (feeSats > feeFor(vsize + 1, FEE_BOUNDS.maxRate) || feeSats > FEE_BOUNDS.maxSats) return 'fee-too-high'
  return feeSats > FEE_BOUNDS.alwaysAllowedSats && feeSats * 100n > sentSats * FEE_BOUNDS.maxPercent
    ? 'fee-too-high'
    : undefined
}

export interface FeeRateError {
  readonly code: 'empty' | 'malformed' | 'ambiguous' | 'too-low' | 'too-high'
}

/** Reads a fee rate in sat/vB: digits with at most three decimals after a dot. */
export function parseFeeRate(text: string): Result<number, FeeRateError> {
  const trimmed = text.trim()
  if (trimmed === '') return err({ code: 'empty' })
  if (/^\d+,\d+$/.test(trimmed)) return err({ code: 'ambiguous' })
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(trimmed)) return err({ code: 'malformed' })
  return checkFeeRate(Number(trimmed))
}

export function checkFeeRate(rate: number): Result<number, FeeRateError> {
  if (!Number.isFinite(rate)) return err({ code: 'malformed' })
  if (rate < FEE_BOUNDS.minRate) return err({ code: 'too-low' })
  return rate > FEE_BOUNDS.maxRate ? err({ code: 'too-high' }) : ok(rate)
}

export const sumOf = (outputs: readonly Pick<TxOut, 'sats'>[]): bigint =>
  outputs.reduce((sum, out) => sum + out.sats, 0n)
