/** The chain's own miner wallet: a P2TR key that earns the first blocks and pays whoever asks the faucet. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { p2tr, Transaction } from '@scure/btc-signer'
import { REGTEST_ADDRESSES } from '../address'
import { equalBytes, fromHex } from '../bytes'
import { dustThreshold } from '../script'
import { outpointKey } from '../transaction'
import type { Chain, Coin } from './chain'
import type { Mempool } from './mempool'
import { COINBASE_MATURITY } from './params'

interface Spendable extends Coin {
  readonly txid: string
  readonly vout: number
  /** Unconfirmed transactions that it hangs on. */
  readonly depth: number
}

/** satoshis per virtual byte */
const FEE_RATE = 2
/** Virtual bytes of a P2TR key-path input (41 + 66 / 4), and of what is there without inputs. */
const INPUT_VSIZE = 57.5
const FRAME_VSIZE = 10.5
const P2TR_OUTPUT_VSIZE = 43
/** More inputs than this would not be one small payment any more. */
const MAX_INPUTS = 500

export class MinerWallet {
  readonly script: Uint8Array
  private readonly key: Uint8Array

  /** @param secret 32 bytes in hex */
  constructor(secret: string) {
    this.key = fromHex(secret)
    this.script = p2tr(schnorr.getPublicKey(this.key), undefined, REGTEST_ADDRESSES).script
  }

  /** What can be spent now, satoshis. */
  balance(chain: Chain, mempool: Mempool): bigint {
    return this.spendable(chain, mempool).reduce((sum, { value }) => sum + value, 0n)
  }

  /** A signed payment, or undefined when the wallet has too little that can be spent now. */
  pay(script: Uint8Array, sats: bigint, chain: Chain, mempool: Mempool): Uint8Array | undefined {
    const coins = this.spendable(chain, mempool)
    const chosen: Spendable[] = []
    let total = 0n
    const feeFor = (inputs: number, outputs: number): bigint =>
      BigInt(Math.ceil(FRAME_VSIZE + inputs * INPUT_VSIZE + 9 + script.length + outputs * P2TR_OUTPUT_VSIZE) * FEE_RATE)
    for (const coin of coins.slice(0, MAX_INPUTS)) {
      if (chosen.length > 0 && total >= sats + feeFor(chosen.length, 0)) break
      chosen.push(coin)
      total += coin.value
    }
    if (total < sats + feeFor(chosen.length, 0)) return undefined
    const change = total - sats - feeFor(chosen.length, 1)
    const tx = new Transaction({ allowUnknownOutputs: true })
    const tapInternalKey = schnorr.getPublicKey(this.key)
    for (const { txid, vout, value } of chosen) {
      tx.addInput({
        txid,
        index: vout,
        sequence: 0xfffffffd,
        tapInternalKey,
        witnessUtxo: { script: this.script, amount: value },
      })
    }
    tx.addOutput({ script, amount: sats })
    if (change >= dustThreshold(this.script)) tx.addOutput({ script: this.script, amount: change })
    tx.sign(this.key)
    tx.finalize()
    return tx.extract()
  }

  /** Own coins, those with the shortest chain of unconfirmed ones behind them first, large ones first. */
  private spendable(chain: Chain, mempool: Mempool): Spendable[] {
    const found: Spendable[] = []
    const own = (script: Uint8Array): boolean => equalBytes(script, this.script)
    const next = chain.tip.height + 1
    for (const [key, coin] of chain.unspent()) {
      if (!own(coin.script) || mempool.spenderOf(key) !== undefined) continue
      if (coin.coinbase && next - coin.height < COINBASE_MATURITY) continue
      const [txid = '', vout = ''] = key.split(':')
      found.push({ ...coin, txid, vout: Number(vout), depth: 0 })
    }
    for (const { tx } of mempool.all()) {
      const depth = mempool.withAncestors([tx.txid]).size
      tx.outputs.forEach((output, vout) => {
        if (!own(output.script) || mempool.spenderOf(outpointKey(tx.txid, vout)) !== undefined) return
        found.push({ ...output, height: next, coinbase: false, txid: tx.txid, vout, depth })
      })
    }
    return found.sort((a, b) => a.depth - b.depth || (a.value < b.value ? 1 : a.value > b.value ? -1 : 0))
  }
}
