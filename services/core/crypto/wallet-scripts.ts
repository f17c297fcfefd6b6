/**
 * The public half of a wallet on a thread that does no curve arithmetic: output scripts are derived elsewhere, a few at
 * a time, and kept. Who needs some asks for them first (`at`) and gets a wallet that knows just these; what is computed
 * of it then needs no waiting.
 */
import { BoundedMap } from '../domain/bounded-map'
import { fromHex } from '../domain/bytes'
import { placeKey, type ScriptPlace } from '../domain/ids'
import { NETWORKS, type NetworkName } from '../domain/network'
import type { AccountInfo } from '../domain/wallet'
import { scriptToAddress } from './address'
import { OUTPUTS_KEPT, walletIdOf, type OutputScript, type PublicWallet } from './public-wallet'

/** Places of one question: a signature that is asked for meanwhile waits for no more than these, about 10 ms. */
const ASKED_AT_ONCE = 32

export interface WalletScripts extends Omit<PublicWallet, 'output'> {
  /** Its `output` throws `RangeError` for a place that is not among these. */
  at(places: readonly ScriptPlace[]): Promise<PublicWallet>
}

/** `derive` answers in the order of the places; undefined where there is no output. */
export function createWalletScripts(p: {
  readonly network: NetworkName
  readonly descriptor: string
  readonly members: readonly AccountInfo[]
  derive(places: readonly ScriptPlace[]): Promise<ReadonlyArray<Uint8Array | undefined>>
}): WalletScripts {
  const network = NETWORKS[p.network]
  const facts = {
    id: walletIdOf(network.genesis, p.descriptor),
    network,
    descriptor: p.descriptor,
    members: p.members.map(member => ({ ...member, publicKey: fromHex(member.accountKey) })),
  }
  const kept = new BoundedMap<string, OutputScript>(OUTPUTS_KEPT)

  return {
    ...facts,
    async at(places) {
      const found = new Map<string, OutputScript | undefined>()
      const missing = new Map<string, ScriptPlace>()
      for (const { branch, index } of places) {
        const key = placeKey(branch, index)
        const output = kept.get(key)
        if (output === undefined) missing.set(key, { branch, index })
        else found.set(key, output)
      }
      const due = [...missing]
      for (let i = 0; i < due.length; i += ASKED_AT_ONCE) {
        const batch = due.slice(i, i + ASKED_AT_ONCE)
        const scripts = await p.derive(batch.map(([, place]) => place))
        for (const [j, [key]] of batch.entries()) {
          const script = scripts[j]
          const output = script && { script, address: scriptToAddress(script, network) ?? '' }
          found.set(key, output)
          if (output !== undefined) kept.set(key, output)
        }
      }
      return {
        ...facts,
        output(branch, index) {
          const key = placeKey(branch, index)
          if (!found.has(key)) throw new RangeError(`output ${key} was not asked for`)
          return found.get(key)
        },
      }
    },
  }
}
