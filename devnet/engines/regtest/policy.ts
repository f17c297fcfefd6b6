/**
 * Rules on one transaction that need no view of the chain: validity (tx_check.cpp) and what nodes relay (policy.cpp),
 * with the reject strings of Bitcoin Core.
 */
import { dustThreshold, scriptItems, scriptKind } from '../script'
import { isCoinbase, NULL_TXID, outpointKey, type ChainTx, type TxOutput } from '../transaction'
import {
  LOCKTIME_THRESHOLD,
  MAX_BLOCK_WEIGHT,
  MAX_DATA_CARRIER,
  MAX_MONEY,
  MAX_STANDARD_SCRIPTSIG,
  MAX_STANDARD_TX_WEIGHT,
  MIN_STANDARD_TX_SIZE,
} from './params'

/** Validity that no chain state can change. @returns the reject string, or undefined */
export function checkTransaction(tx: ChainTx): string | undefined {
  if (tx.inputs.length === 0) return 'bad-txns-vin-empty'
  if (tx.outputs.length === 0) return 'bad-txns-vout-empty'
  if (tx.strippedSize * 4 > MAX_BLOCK_WEIGHT) return 'bad-txns-oversize'
  let total = 0n
  for (const { value } of tx.outputs) {
    // The wire has 64 bits; Core reads them as signed.
    if (value >= 1n << 63n) return 'bad-txns-vout-negative'
    if (value > MAX_MONEY) return 'bad-txns-vout-toolarge'
    total += value
    if (total > MAX_MONEY) return 'bad-txns-txouttotal-toolarge'
  }
  const spent = new Set(tx.inputs.map(({ txid, vout }) => outpointKey(txid, vout)))
  if (spent.size !== tx.inputs.length) return 'bad-txns-inputs-duplicate'
  if (isCoinbase(tx)) {
    const length = tx.inputs[0]?.scriptSig.length ?? 0
    return length < 2 || length > 100 ? 'bad-cb-length' : undefined
  }
  return tx.inputs.some(({ txid, vout }) => txid === NULL_TXID && vout === 0xffffffff)
    ? 'bad-txns-prevout-null'
    : undefined
}

/** What a node relays by default. @returns the reject string, or undefined */
export function checkStandard(tx: ChainTx): string | undefined {
  // Version 3 (BIP431) has rules of its own in recent nodes and is refused by others: no wallet here makes it.
  if (tx.version < 1 || tx.version > 2) return 'version'
  if (tx.weight > MAX_STANDARD_TX_WEIGHT) return 'tx-size'
  for (const { scriptSig } of tx.inputs) {
    if (scriptSig.length > MAX_STANDARD_SCRIPTSIG) return 'scriptsig-size'
    const items = scriptItems(scriptSig)
    if (items === undefined || items.some(({ op }) => op > 0x60)) return 'scriptsig-not-pushonly'
  }
  let dataOutputs = 0
  for (const { script, value } of tx.outputs) {
    const kind = scriptKind(script)
    if (kind === 'unknown' || kind === 'empty') return 'scriptpubkey'
    if (kind === 'op_return') {
      const items = scriptItems(script)
      if (items === undefined || items.slice(1).some(({ op }) => op > 0x60)) return 'scriptpubkey'
      if (script.length > MAX_DATA_CARRIER) return 'scriptpubkey'
      dataOutputs += 1
    }
    if (value < dustThreshold(script)) return 'dust'
  }
  if (dataOutputs > 1) return 'multi-op-return'
  return tx.strippedSize < MIN_STANDARD_TX_SIZE ? 'tx-size-small' : undefined
}

/** A taproot annex or a witness on a plain key hash is not relayed (IsWitnessStandard). */
export function hasStandardWitness(tx: ChainTx, spent: readonly TxOutput[]): boolean {
  return tx.inputs.every(({ witness }, i) => {
    if (witness.length === 0) return true
    const kind = scriptKind(spent[i]?.script ?? new Uint8Array())
    if (kind === 'v1_p2tr') return !(witness.length >= 2 && witness.at(-1)?.[0] === 0x50)
    if (kind === 'v0_p2wsh') {
      return (
        witness.length <= 101 &&
        (witness.at(-1)?.length ?? 0) <= 3_600 &&
        witness.slice(0, -1).every(({ length }) => length <= 80)
      )
    }
    return kind === 'v0_p2wpkh' || kind === 'p2sh' || kind === 'witness_unknown'
  })
}

/**
 * BIP113: may the transaction stand in a block of this height.
 * @param medianTime median time of the block before, seconds
 */
export function isFinal(tx: ChainTx, height: number, medianTime: number): boolean {
  if (tx.lockTime === 0) return true
  if (tx.lockTime < (tx.lockTime < LOCKTIME_THRESHOLD ? height : medianTime)) return true
  return tx.inputs.every(({ sequence }) => sequence === 0xffffffff)
}

/**
 * BIP68: have the relative locks of all inputs run out in a block of this height.
 * @param coins height of each spent coin (an unconfirmed one counts as `height`), and the median time of the block
 *   before the one that made it
 */
export function relativeLocksPassed(
  tx: ChainTx,
  coins: readonly { readonly height: number; readonly medianTimeBefore: number }[],
  height: number,
  medianTime: number,
): boolean {
  if (tx.version < 2) return true
  return tx.inputs.every(({ sequence }, i) => {
    const coin = coins[i]
    if (coin === undefined || (sequence & 0x80000000) !== 0) return true
    const value = sequence & 0xffff
    return (sequence & (1 << 22)) !== 0
      ? medianTime >= coin.medianTimeBefore + value * 512
      : height >= coin.height + value
  })
}
