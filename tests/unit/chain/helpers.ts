import { sha256 } from '@noble/hashes/sha2.js'
import { parseTx, serializeTx, txidOf, type Tx } from '../../../services/core/crypto/transaction'
import { syncWallet, type SyncOptions, type SyncOutcome } from '../../../services/core/chain/sync'
import { EMPTY_STATE, type ChainState } from '../../../services/core/chain/state'
import { fromHex, toHex, utf8ToBytes, type Hex } from '../../../services/core/domain/bytes'
import type { Branch, OutPoint, ScriptPlace, Txid } from '../../../services/core/domain/ids'
import type { FakeChain } from '../../fakes/chain'

/** A taproot-shaped script per branch and index; no key behind it is needed here. */
export const scriptAt = (branch: Branch, index: number): Hex =>
  `5120${toHex(sha256(utf8ToBytes(`${branch}/${index}`)))}`
export const scriptsAt = async (places: readonly ScriptPlace[]): Promise<Hex[]> =>
  places.map(({ branch, index }) => scriptAt(branch, index))
export const FOREIGN = `0014${'bb'.repeat(20)}`

/** Spends outpoints to outputs, with a dummy signature; returns the raw bytes and the txid. */
export function spend(
  inputs: readonly OutPoint[],
  outputs: ReadonlyArray<readonly [script: Hex, sats: bigint]>,
): { raw: Uint8Array; txid: Txid; tx: Tx } {
  const tx: Tx = {
    version: 2,
    locktime: 0,
    inputs: inputs.map(input => ({
      ...input,
      script: new Uint8Array(),
      sequence: 0xfffffffd,
      witness: [new Uint8Array(64).fill(7)],
    })),
    outputs: outputs.map(([script, sats]) => ({ script: fromHex(script), sats })),
  }
  const raw = serializeTx(tx)
  if (!parseTx(raw).ok) throw new Error('helper made no transaction')
  return { raw, txid: txidOf(tx), tx }
}

export async function send(chain: FakeChain, ...args: Parameters<typeof spend>): Promise<Txid> {
  const done = await chain.broadcast(spend(...args).raw)
  if (!done.ok) throw new Error(done.error.detail)
  return done.value
}

/** Syncs and insists on success. */
export async function sync(
  chain: SyncOptions['chain'],
  state: ChainState = EMPTY_STATE,
  more: Partial<SyncOptions> = {},
): Promise<SyncOutcome> {
  const done = await syncWallet({ chain, scriptsAt, state, ...more })
  if (!done.ok) throw new Error(`${done.error.code}: ${done.error.detail}`)
  return done.value
}
