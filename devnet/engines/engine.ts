/**
 * What the REST server needs of a chain. The embedded regtest (`./regtest`) is the first engine; a real node over RPC
 * can stand behind the same interface, which is why every call is asynchronous and the indexer lives on events only.
 */
import type { ChainBlock } from './block'
import type { ChainTx } from './transaction'

/** A refusal in the words and RPC codes of Bitcoin Core's `sendrawtransaction`. */
export interface Rejection {
  /** -22 not a transaction, -25 inputs missing or fee above the cap, -26 refused by rules, -27 already in the chain */
  readonly code: -22 | -25 | -26 | -27
  readonly message: string
}

export type SubmitResult =
  { readonly ok: true; readonly txid: string } | { readonly ok: false; readonly rejection: Rejection }

/**
 * Facts in the order in which they became true. A transaction that is mined leaves the mempool by `connected` alone;
 * `left` is for one that was replaced or became impossible. `disconnected` takes the transactions out; those that go
 * back to the mempool are told by `entered` afterwards.
 */
export type EngineEvent =
  | { readonly kind: 'connected'; readonly block: ChainBlock }
  | { readonly kind: 'disconnected'; readonly block: ChainBlock }
  | { readonly kind: 'entered'; readonly tx: ChainTx }
  | { readonly kind: 'left'; readonly txid: string }

export interface ReorgResult {
  /** New tip. */
  readonly tip: string
  readonly height: number
  /** Transactions of the abandoned blocks that are unconfirmed again. */
  readonly kept: readonly string[]
  /** Transactions that exist no more, with those that depended on them. */
  readonly dropped: readonly string[]
}

export interface Engine {
  /** Hash of block 0. */
  readonly genesis: string
  /** Tells everything so far, from block 0 on, before it returns, then each new fact. Returns the way to stop. */
  subscribe(listener: (event: EngineEvent) => void): () => void
  /** Offers a transaction. What the rules refuse comes back as a rejection, never as an exception. */
  submit(raw: Uint8Array): Promise<SubmitResult>
  /** Mines blocks with what the mempool holds, to `script` or to the engine's own miner wallet; gives their hashes. */
  mine(blocks: number, script?: Uint8Array): Promise<readonly string[]>
  /** Replaces the last `depth` blocks by `depth + 1` others without transactions. */
  reorg(depth: number, keepTxs: boolean): Promise<ReorgResult>
  /** Pays from the engine's own miner wallet by a signed transaction into the mempool. */
  pay(script: Uint8Array, sats: bigint): Promise<SubmitResult>
  /** The miner wallet: its script and what it could pay with now, in satoshis. */
  minerWallet(): Promise<{ readonly script: Uint8Array; readonly sats: bigint }>
  close(): Promise<void>
}
