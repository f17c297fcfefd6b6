/**
 * BIP341 signature hashes of key-path spends. The parts that all inputs share are hashed once, so n inputs cost O(n).
 * Tandem signs with SIGHASH_DEFAULT only; the other types are here because the official vectors state the algorithm by
 * them.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0341.mediawiki#common-signature-message
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '../domain/bytes'
import { err, ok, type Result } from '../domain/result'
import { le, tagged } from './tagged'
import { compactSize, serializeOutpoint, serializeOutput, type Tx, type TxOut } from './transaction'

export const SIGHASH_DEFAULT = 0x00
const NONE = 0x02
const SINGLE = 0x03
const ANYONECANPAY = 0x80
const TYPES: readonly number[] = [SIGHASH_DEFAULT, 0x01, NONE, SINGLE, 0x81, 0x82, 0x83]

/** Single SHA256 hashes, 32 bytes each. */
export interface SighashMidstate {
  readonly prevouts: Uint8Array
  readonly amounts: Uint8Array
  readonly scriptPubkeys: Uint8Array
  readonly sequences: Uint8Array
  readonly outputs: Uint8Array
}

const sized = (script: Uint8Array): Uint8Array => concatBytes(compactSize(script.length), script)

/** `prevouts[i]` is the output that input i spends; lengths must be equal. */
export function sighashMidstate(tx: Tx, prevouts: readonly TxOut[]): SighashMidstate {
  if (prevouts.length !== tx.inputs.length) throw new RangeError('one prevout per input')
  return {
    prevouts: sha256(concatBytes(...tx.inputs.map(serializeOutpoint))),
    amounts: sha256(concatBytes(...prevouts.map(out => le(out.sats, 8)))),
    scriptPubkeys: sha256(concatBytes(...prevouts.map(out => sized(out.script)))),
    sequences: sha256(concatBytes(...tx.inputs.map(input => le(input.sequence, 4)))),
    outputs: sha256(concatBytes(...tx.outputs.map(serializeOutput))),
  }
}

export interface SighashFault {
  readonly code: 'bad-type' | 'no-such-input' | 'no-matching-output'
}

/** SigMsg of BIP341 without its epoch byte, for a key-path spend without annex. */
export function signatureMessage(
  tx: Tx,
  prevouts: readonly TxOut[],
  mid: SighashMidstate,
  index: number,
  type: number,
): Result<Uint8Array, SighashFault> {
  const input = tx.inputs[index]
  const prevout = prevouts[index]
  if (!TYPES.includes(type)) return err({ code: 'bad-type' })
  if (input === undefined || prevout === undefined) return err({ code: 'no-such-input' })
  const anyone = (type & ANYONECANPAY) !== 0
  const kind = type & 3
  const own = tx.outputs[index]
  if (kind === SINGLE && own === undefined) return err({ code: 'no-matching-output' })
  return ok(
    concatBytes(
      Uint8Array.of(type),
      le(tx.version, 4),
      le(tx.locktime, 4),
      ...(anyone ? [] : [mid.prevouts, mid.amounts, mid.scriptPubkeys, mid.sequences]),
      ...(kind === NONE || kind === SINGLE ? [] : [mid.outputs]),
      // spend type: no script path, no annex
      Uint8Array.of(0),
      anyone
        ? concatBytes(serializeOutpoint(input), le(prevout.sats, 8), sized(prevout.script), le(input.sequence, 4))
        : le(index, 4),
      ...(kind === SINGLE && own !== undefined ? [sha256(serializeOutput(own))] : []),
    ),
  )
}

/** The 32 bytes that BIP340 signs: tagged hash of epoch 0 and the signature message. */
export const sighashOf = (message: Uint8Array): Uint8Array => tagged('TapSighash', Uint8Array.of(0), message)

/** SIGHASH_DEFAULT hashes of all inputs in order, 32 bytes each. */
export function defaultSighashes(tx: Tx, prevouts: readonly TxOut[]): Uint8Array[] {
  const mid = sighashMidstate(tx, prevouts)
  return tx.inputs.map((_, i) => {
    const message = signatureMessage(tx, prevouts, mid, i, SIGHASH_DEFAULT)
    if (!message.ok) throw new RangeError(message.error.code)
    return sighashOf(message.value)
  })
}
