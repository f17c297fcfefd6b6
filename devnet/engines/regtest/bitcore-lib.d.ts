/** The part of bitcore-lib 11.5.1 that the local chain uses; the package ships no types. */
declare module 'bitcore-lib' {
  interface BitcoreScript {
    toBuffer(): Buffer
  }

  interface BitcoreInput {
    readonly outputIndex: number
  }

  interface BitcoreTransaction {
    inputs: BitcoreInput[]
  }

  interface BitcoreInterpreter {
    /** Name of the failure; empty when a Schnorr signature on a key path is wrong. */
    errstr: string
    verify(
      scriptSig: BitcoreScript,
      scriptPubkey: BitcoreScript,
      tx: BitcoreTransaction,
      inputIndex: number,
      flags: number,
      witness: Buffer[],
      satoshis: number,
    ): boolean
  }

  type InterpreterFlag =
    | 'SCRIPT_VERIFY_P2SH'
    | 'SCRIPT_VERIFY_STRICTENC'
    | 'SCRIPT_VERIFY_DERSIG'
    | 'SCRIPT_VERIFY_LOW_S'
    | 'SCRIPT_VERIFY_NULLDUMMY'
    | 'SCRIPT_VERIFY_MINIMALDATA'
    | 'SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS'
    | 'SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY'
    | 'SCRIPT_VERIFY_CHECKSEQUENCEVERIFY'
    | 'SCRIPT_VERIFY_WITNESS'
    | 'SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM'
    | 'SCRIPT_VERIFY_MINIMALIF'
    | 'SCRIPT_VERIFY_NULLFAIL'
    | 'SCRIPT_VERIFY_WITNESS_PUBKEYTYPE'
    | 'SCRIPT_VERIFY_TAPROOT'
    | 'SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION'
    | 'SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS'
    | 'SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE'

  const bitcore: {
    readonly crypto: {
      /** BIP340; keys of 32 bytes, hashes of 32 bytes */
      readonly Schnorr: {
        verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array | { toBuffer(): Uint8Array }) => boolean
      }
    }
    readonly Script: {
      new (bytes: Buffer): BitcoreScript
      readonly Interpreter: { new (): BitcoreInterpreter } & Readonly<Record<InterpreterFlag, number>>
    }
    readonly Transaction: {
      new (raw: Buffer): BitcoreTransaction
      readonly Input: new (fields: {
        prevTxId: string
        outputIndex: number
        sequenceNumber: number
        script: Buffer
        output: { satoshis: number; script: Buffer }
      }) => BitcoreInput
    }
  }
  export default bitcore
}
