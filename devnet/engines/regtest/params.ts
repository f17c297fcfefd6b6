/** Numbers of the regtest network and of a node's default policy, each with its source in Bitcoin Core. */

/** Block 0 of regtest (chainparams.cpp): header and its one transaction. */
export const GENESIS = {
  hash: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
  header:
    '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000',
  coinbase:
    '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000',
} as const

/** Easiest target; about two hashes per block. */
export const REGTEST_BITS = 0x207fffff
/** Version bits without a deployment signalled (BIP9). */
export const BLOCK_VERSION = 0x20000000
export const COINBASE_MATURITY = 100
/** Blocks between two halvings on regtest. */
const HALVING_INTERVAL = 150
export const MAX_MONEY = 2_100_000_000_000_000n
/** weight units */
export const MAX_BLOCK_WEIGHT = 4_000_000
/** weight units; what a miner leaves for header and coinbase */
export const RESERVED_BLOCK_WEIGHT = 8_000
/** weight units */
export const MAX_STANDARD_TX_WEIGHT = 400_000
/** bytes without witness (CVE-2017-12842) */
export const MIN_STANDARD_TX_SIZE = 65
/** bytes */
export const MAX_STANDARD_SCRIPTSIG = 1_650
/** bytes of an OP_RETURN script */
export const MAX_DATA_CARRIER = 83
/** satoshis per virtual byte, for relay and as the increment of a replacement */
export const MIN_RELAY_RATE = 1n
/** satoshis per virtual byte; sendrawtransaction's default cap of 0.10 BTC/kvB */
export const MAX_FEE_RATE = 10_000n
/** Ancestors or descendants of an unconfirmed transaction, itself included. */
export const MAX_MEMPOOL_CHAIN = 25
/** Transactions that one replacement may throw out (BIP125 rule 5). */
export const MAX_REPLACED = 100
/** Below it a lock time is a height, from it on it is seconds. */
export const LOCKTIME_THRESHOLD = 500_000_000

/** New coins of a block in satoshis. */
export function subsidyAt(height: number): bigint {
  const halvings = Math.floor(height / HALVING_INTERVAL)
  return halvings >= 64 ? 0n : 5_000_000_000n >> BigInt(halvings)
}
