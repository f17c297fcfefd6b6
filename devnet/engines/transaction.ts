/** Transactions as the local chain holds them: parsed once at the edge, never changed after. */
import { RawOldTx, RawTx } from '@scure/btc-signer/script.js'
import { displayHash, equalBytes, sha256d, toHex } from './bytes'

export interface TxInput {
  /** Transaction spent, display order. */
  readonly txid: string
  readonly vout: number
  readonly scriptSig: Uint8Array
  readonly sequence: number
  readonly witness: readonly Uint8Array[]
}

export interface TxOutput {
  /** satoshis */
  readonly value: bigint
  readonly script: Uint8Array
}

export interface ChainTx {
  readonly txid: string
  readonly wtxid: string
  readonly raw: Uint8Array
  readonly version: number
  readonly lockTime: number
  readonly inputs: readonly TxInput[]
  readonly outputs: readonly TxOutput[]
  /** bytes, witness included */
  readonly size: number
  /** bytes without the witness */
  readonly strippedSize: number
  /** weight units (BIP141) */
  readonly weight: number
  /** virtual bytes, rounded up */
  readonly vsize: number
}

export const NULL_TXID = '00'.repeat(32)
const NULL_VOUT = 0xffffffff

/** Key of an output in a map. */
export const outpointKey = (txid: string, vout: number): string => `${txid}:${vout}`

/** True for the one transaction of a block that makes new coins. */
export function isCoinbase(tx: ChainTx): boolean {
  const first = tx.inputs[0]
  return tx.inputs.length === 1 && first !== undefined && first.txid === NULL_TXID && first.vout === NULL_VOUT
}

/**
 * Reads a serialised transaction (BIP144). Trailing bytes, non-canonical counts and a witness marker without any
 * witness are errors.
 * @returns the transaction, or undefined when the bytes are none
 */
export function parseTx(raw: Uint8Array): ChainTx | undefined {
  try {
    const tx = RawTx.decode(raw)
    if (!equalBytes(RawTx.encode(tx), raw)) return undefined
    const stripped = tx.segwitFlag ? RawOldTx.encode(tx) : raw
    const weight = stripped.length * 3 + raw.length
    return {
      txid: displayHash(sha256d(stripped)),
      wtxid: displayHash(sha256d(raw)),
      raw: raw.slice(),
      version: tx.version,
      lockTime: tx.lockTime,
      inputs: tx.inputs.map((input, i) => ({
        txid: toHex(input.txid),
        vout: input.index,
        scriptSig: input.finalScriptSig,
        sequence: input.sequence,
        witness: tx.witnesses?.[i] ?? [],
      })),
      outputs: tx.outputs.map(({ amount, script }) => ({ value: amount, script })),
      size: raw.length,
      strippedSize: stripped.length,
      weight,
      vsize: Math.ceil(weight / 4),
    }
  } catch {
    return undefined
  }
}
