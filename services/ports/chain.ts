import type { Result } from '../core/domain/result'
import type { Txid } from '../core/domain/ids'

/** Trouble with the chain server; the sentence for people is made from `code`. */
export interface ChainError {
  readonly code:
    /** no answer, CORS refusal, bare TypeError */
    | 'unreachable'
    | 'rate-limited'
    /** 5xx after all retries */
    | 'server-error'
    /** an answer that is not what the API promises (HTML, wrong types, hash mismatch) */
    | 'bad-answer'
    /** genesis hash differs from the wallet's network */
    | 'wrong-network'
    /** the server refused a transaction; `detail` holds its reason */
    | 'rejected'
    | 'aborted'
  readonly detail: string
  readonly retryable: boolean
}

export interface Tip {
  readonly height: number
  readonly hash: string
}

export interface ChainTx {
  readonly txid: Txid
  readonly vin: ReadonlyArray<{
    readonly txid: Txid
    readonly vout: number
    readonly coinbase: boolean
    readonly sequence: number
    readonly prevoutScript?: string
    readonly prevoutSats?: bigint
  }>
  /** `script` is hex of the scriptPubKey */
  readonly vout: ReadonlyArray<{ readonly script: string; readonly sats: bigint }>
  readonly feeSats: bigint
  /** weight units (BIP141) */
  readonly weight: number
  readonly confirmed?: { readonly height: number; readonly hash: string; readonly time: number }
}

/**
 * A chain server. Reads are retried inside; a broadcast never is: ask for the txid afterwards.
 * Every answer is validated; nothing that a server sends throws.
 */
export interface Chain {
  /** compares block 0 with the wanted genesis hash */
  check(genesis: string, signal?: AbortSignal): Promise<Result<Tip, ChainError>>
  tip(signal?: AbortSignal): Promise<Result<Tip, ChainError>>
  /** hash of the block at `height`; undefined when the chain is shorter */
  blockHash(height: number, signal?: AbortSignal): Promise<Result<string | undefined, ChainError>>
  /** Whole history of an output script (hex), newest first, deduplicated, paged to the end. */
  history(script: string, signal?: AbortSignal): Promise<Result<ChainTx[], ChainError>>
  /** undefined when the server does not know it (404, asked twice) */
  tx(txid: Txid, signal?: AbortSignal): Promise<Result<ChainTx | undefined, ChainError>>
  /** raw bytes, checked: they hash to `txid` (witness excluded); undefined when unknown */
  rawTx(txid: Txid, signal?: AbortSignal): Promise<Result<Uint8Array | undefined, ChainError>>
  /** who spends the output, if anybody */
  outspend(
    txid: Txid,
    vout: number,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly spent: boolean; readonly by?: Txid; readonly confirmed: boolean }, ChainError>>
  /** blocks -> sat/vB, at least 1 each; empty when the server has none */
  feeEstimates(signal?: AbortSignal): Promise<Result<ReadonlyMap<number, number>, ChainError>>
  /** "already in mempool" and "already in block chain" are success */
  broadcast(raw: Uint8Array): Promise<Result<Txid, ChainError>>
  /** test coins; only where the configuration names a faucet */
  faucet?(address: string, sats: bigint): Promise<Result<Txid, ChainError>>
}
