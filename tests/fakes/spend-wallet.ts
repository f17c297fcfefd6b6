import type { Coin } from '../../services/core/domain/wallet'
import { outPointKey } from '../../services/core/domain/ids'
import { makeDescriptor } from '../../services/core/crypto/public-wallet'
import { openWallet, type WalletContext } from '../../services/core/crypto/wallet-context'
import { serializeTx, txidOf, type Tx } from '../../services/core/crypto/transaction'
import { Keys, entropyOf } from '../../services/adapters/keyworker/keys'
import type { ProposalFacts } from '../../services/core/spend/verify-proposal'
import { TEST_WORDS } from './vault'

/** A real 3-of-3 wallet with coins that real (unsigned) parents pay to it: the check re-reads every byte. */
const accounts = await Promise.all(
  [0, 1, 2].map(async i => (await Keys.fromEntropy(entropyOf(TEST_WORDS[i] ?? ''), '')).accountAt('regtest', 7 + i)),
)
const descriptor = makeDescriptor('regtest', accounts)
if (!descriptor.ok) throw new Error(descriptor.error.code)
const opened = openWallet('regtest', descriptor.value)
if (!opened.ok) throw new Error(opened.error.code)
export const wallet: WalletContext = opened.value
export const NOW = 1_800_000_000
export const TIP = 500

export interface Funded {
  readonly coin: Coin
  readonly parent: Tx
}

/** A parent that pays `sats` to receive address `index` at output 1. */
export function fund(
  index: number,
  sats: bigint,
  options: { height?: number | null; ours?: boolean; coinbase?: boolean; nonce?: number } = {},
): Funded {
  const script = wallet.output(0, index)?.script ?? new Uint8Array()
  const parent: Tx = {
    version: 2,
    locktime: 0,
    inputs: [
      {
        txid: options.coinbase ? '00'.repeat(32) : (options.nonce ?? index).toString(16).padStart(64, '5'),
        vout: 0,
        script: new Uint8Array(),
        sequence: 0xffffffff,
        witness: [],
      },
    ],
    outputs: [
      { sats: 777n, script: Uint8Array.of(0x51) },
      { sats, script },
    ],
  }
  const height = options.height === null ? undefined : (options.height ?? 100)
  return {
    parent,
    coin: { txid: txidOf(parent), vout: 1, amountSats: sats, branch: 0, index, height, ours: options.ours ?? false },
  }
}

export function factsFor(funded: readonly Funded[], change: Partial<ProposalFacts> = {}): ProposalFacts {
  return {
    now: NOW,
    tip: { height: TIP },
    parents: new Map(funded.map(f => [f.coin.txid, { raw: serializeTx(f.parent), height: f.coin.height }])),
    outspends: new Map(funded.map(f => [outPointKey(f.coin), { spent: false, confirmed: false }])),
    usedChange: new Set<number>(),
    lastUsedChange: -1,
    changeInUse: new Set<string>(),
    replaced: undefined,
    ...change,
  }
}
