/**
 * Script validation. The verdict is that of bitcore-lib's interpreter (legacy, BIP141/143, BIP341/342); the equation of
 * a Schnorr signature is checked by libsecp256k1, the code that Bitcoin Core runs, compiled to WebAssembly.
 */
import bitcore from 'bitcore-lib'
import { verifySchnorr } from 'tiny-secp256k1'
import type { ChainTx, TxOutput } from '../transaction'

const { Interpreter } = bitcore.Script
const { Input } = bitcore.Transaction

// The interpreter's own verification loses leading zero bytes of a key, so one key in 256 could never spend
// (bitcore-lib 11.5.1: `BN.toBuffer({ size })` of a coordinate ignores the size), and takes ten milliseconds.
bitcore.crypto.Schnorr.verify = (key, message, signature) => {
  const bytes = signature instanceof Uint8Array ? signature : signature.toBuffer()
  try {
    // with a hash type behind it the interpreter hands over 65 bytes
    return verifySchnorr(message, key, bytes.subarray(0, 64))
  } catch {
    // no point of the curve, or a number out of range
    return false
  }
}

/** Consensus rules and the standardness rules that a node applies to its mempool. */
const FLAGS =
  Interpreter.SCRIPT_VERIFY_P2SH |
  Interpreter.SCRIPT_VERIFY_STRICTENC |
  Interpreter.SCRIPT_VERIFY_DERSIG |
  Interpreter.SCRIPT_VERIFY_LOW_S |
  Interpreter.SCRIPT_VERIFY_NULLDUMMY |
  Interpreter.SCRIPT_VERIFY_MINIMALDATA |
  Interpreter.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS |
  Interpreter.SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY |
  Interpreter.SCRIPT_VERIFY_CHECKSEQUENCEVERIFY |
  Interpreter.SCRIPT_VERIFY_WITNESS |
  Interpreter.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM |
  Interpreter.SCRIPT_VERIFY_MINIMALIF |
  Interpreter.SCRIPT_VERIFY_NULLFAIL |
  Interpreter.SCRIPT_VERIFY_WITNESS_PUBKEYTYPE |
  Interpreter.SCRIPT_VERIFY_TAPROOT |
  Interpreter.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |
  Interpreter.SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS |
  Interpreter.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE

/** Core's words (script_error.cpp) for what the interpreter reports by name; its Schnorr failure has no name. */
const REASONS: Readonly<Record<string, string>> = {
  '': 'Invalid Schnorr signature',
  SCRIPT_ERR_SCHNORR_SIG: 'Invalid Schnorr signature',
  SCRIPT_ERR_SCHNORR_SIG_SIZE: 'Invalid Schnorr signature size',
  SCRIPT_ERR_SCHNORR_SIG_HASHTYPE: 'Invalid Schnorr signature hash type',
  SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY: 'Witness program was passed an empty witness',
  SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH: 'Witness program hash mismatch',
  SCRIPT_ERR_WITNESS_MALLEATED: 'Witness requires empty scriptSig',
  SCRIPT_ERR_WITNESS_UNEXPECTED: 'Witness provided for non-witness script',
  SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE: 'Invalid Taproot control block size',
  SCRIPT_ERR_SIG_NULLFAIL: 'Signature must be zero for failed CHECK(MULTI)SIG operation',
  SCRIPT_ERR_SIG_DER_INVALID_FORMAT: 'Non-canonical DER signature',
  SCRIPT_ERR_EVAL_FALSE_IN_STACK: 'Script evaluated without error but finished with a false/empty top stack element',
}

/**
 * Checks every input of a transaction against the outputs that it spends.
 * @param spent one output per input, in order; the amounts and scripts that the signatures must commit to
 * @returns undefined when all scripts hold, else the reason in Core's words
 */
export function scriptFault(tx: ChainTx, spent: readonly TxOutput[]): string | undefined {
  const judged = new bitcore.Transaction(Buffer.from(tx.raw))
  // The BIP341 hash covers all spent outputs, so each must be in place before the first input is judged.
  judged.inputs = tx.inputs.map((input, i) => {
    const output = spent[i]
    if (output === undefined) throw new RangeError(`no spent output for input ${i}`)
    return new Input({
      prevTxId: input.txid,
      outputIndex: input.vout,
      sequenceNumber: input.sequence,
      script: Buffer.from(input.scriptSig),
      output: { satoshis: Number(output.value), script: Buffer.from(output.script) },
    })
  })
  for (const [i, input] of tx.inputs.entries()) {
    const output = spent[i]
    if (output === undefined) throw new RangeError(`no spent output for input ${i}`)
    const interpreter = new Interpreter()
    let valid = false
    try {
      valid = interpreter.verify(
        new bitcore.Script(Buffer.from(input.scriptSig)),
        new bitcore.Script(Buffer.from(output.script)),
        judged,
        i,
        FLAGS,
        input.witness.map(item => Buffer.from(item)),
        Number(output.value),
      )
    } catch {
      // A script that the interpreter cannot even read is not a valid one.
      return 'unknown error'
    }
    if (valid !== true) return REASONS[interpreter.errstr] ?? interpreter.errstr
  }
  return undefined
}
