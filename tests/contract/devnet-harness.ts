import { startDevnet } from '../../devnet/server'
import { createEsplora } from '../../services/adapters/esplora'
import { createBrowserClock } from '../../services/adapters/system'
import { createFakeEntropy } from '../fakes/entropy'
import { createFakeLog } from '../fakes/log'
import type { ChainHarness } from './chain'

export interface DevnetHarness extends ChainHarness {
  control(call: string, body: unknown): Promise<{ txid: string; height: number }>
}

/** The real adapter over the local chain, in this process, by real HTTP. */
export async function startDevnetHarness(): Promise<DevnetHarness> {
  const devnet = await startDevnet({ port: 0 })
  const control: DevnetHarness['control'] = async (call, body) => {
    const response = await fetch(`${devnet.url}/dev/${call}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${call}: ${await response.text()}`)
    return (await response.json()) as { txid: string; height: number }
  }
  return {
    chain: createEsplora({
      base: devnet.url,
      faucet: `${devnet.url}/dev/faucet`,
      clock: createBrowserClock(),
      entropy: createFakeEntropy('devnet'),
      log: createFakeLog(),
    }),
    genesis: devnet.genesis,
    control,
    fund: async (to, sats) => (await control('faucet', { address: to.address, sats: Number(sats), mine: false })).txid,
    mine: async (blocks, to) => {
      await control('mine', { blocks, ...(to ? { address: to.address } : {}) })
    },
    reorg: async (depth, keepTxs) => {
      await control('reorg', { depth, keepTxs })
    },
    close: () => devnet.close(),
  }
}
