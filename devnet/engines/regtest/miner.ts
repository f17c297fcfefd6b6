/** Builds the next block: coinbase with height and witness commitment, merkle root, proof of work. */
import { RawTx } from '@scure/btc-signer/script.js'
import { encodeHeader, merkleRoot, targetOf } from '../block'
import { concatBytes, displayHash, internalHash, sha256d } from '../bytes'
import { NULL_TXID, parseTx, type ChainTx } from '../transaction'
import { COMMITMENT_PREFIX, witnessCommitment, type Chain } from './chain'
import type { MempoolEntry } from './mempool'
import { BLOCK_VERSION, MAX_BLOCK_WEIGHT, REGTEST_BITS, RESERVED_BLOCK_WEIGHT, subsidyAt } from './params'
import { scriptNumber } from './script-number'

export interface BlockTemplate {
  readonly headerBytes: Uint8Array
  readonly txs: readonly ChainTx[]
}

/** Entries that fit, parents before children as the mempool holds them; a child without its parent stays out. */
function choose(entries: Iterable<MempoolEntry>): MempoolEntry[] {
  const chosen: MempoolEntry[] = []
  const left = new Set<string>()
  let weight = RESERVED_BLOCK_WEIGHT
  for (const entry of entries) {
    const orphaned = entry.tx.inputs.some(({ txid }) => left.has(txid))
    if (orphaned || weight + entry.tx.weight > MAX_BLOCK_WEIGHT) {
      left.add(entry.tx.txid)
      continue
    }
    weight += entry.tx.weight
    chosen.push(entry)
  }
  return chosen
}

function makeCoinbase(
  height: number,
  value: bigint,
  script: Uint8Array,
  extra: Uint8Array,
  others: readonly ChainTx[],
): ChainTx {
  const reserved = new Uint8Array(32)
  const build = (commitment: Uint8Array): ChainTx => {
    const tx = parseTx(
      RawTx.encode({
        version: 2,
        segwitFlag: true,
        inputs: [
          {
            txid: internalHash(NULL_TXID),
            index: 0xffffffff,
            finalScriptSig: concatBytes(scriptNumber(height), Uint8Array.of(extra.length), extra),
            sequence: 0xffffffff,
          },
        ],
        outputs: [
          { amount: value, script },
          { amount: 0n, script: concatBytes(COMMITMENT_PREFIX, commitment) },
        ],
        witnesses: [[reserved]],
        lockTime: 0,
      }),
    )
    if (tx === undefined) throw new Error('a coinbase that does not parse')
    return tx
  }
  // The commitment leaves out the coinbase's own id, so a first version without it is enough to compute it.
  return build(witnessCommitment([build(new Uint8Array(32)), ...others], reserved))
}

/**
 * The next block on a chain.
 * @param extra random bytes for the coinbase: two blocks of one height differ, and so do the first blocks of two chains
 * @param now seconds; moved forward when the median time demands it
 */
export function buildBlock(
  chain: Chain,
  entries: Iterable<MempoolEntry>,
  script: Uint8Array,
  extra: Uint8Array,
  now: number,
): BlockTemplate {
  const height = chain.tip.height + 1
  const chosen = choose(entries)
  const fees = chosen.reduce((sum, { fee }) => sum + fee, 0n)
  const others = chosen.map(({ tx }) => tx)
  const txs = [makeCoinbase(height, subsidyAt(height) + fees, script, extra, others), ...others]
  const header = {
    version: BLOCK_VERSION,
    previous: chain.tip.hash,
    merkleRoot: merkleRoot(txs.map(({ txid }) => txid)),
    time: Math.max(now, chain.tip.medianTime + 1),
    bits: REGTEST_BITS,
  }
  const target = targetOf(header.bits)
  for (let nonce = 0; ; nonce += 1) {
    const headerBytes = encodeHeader({ ...header, nonce })
    if (BigInt(`0x${displayHash(sha256d(headerBytes))}`) <= target) return { headerBytes, txs }
  }
}
