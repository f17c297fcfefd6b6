import { join } from 'node:path'
import { startDevnet } from '../devnet/server'
import { startRelay } from '../relay/server'

/** not 4190, which Firefox refuses as that of a mail protocol (Fetch standard, "bad ports") */
export const RELAY_PORT = 4210
export const CHAIN_PORT = 4195

export interface LocalNetworkOptions {
  readonly host: string
  /** Folder that keeps the chain and the relay's identity. */
  readonly data: string
  /** Mine a block so long after a transaction was broadcast; 0: only by hand. */
  readonly mineSeconds: number
  /** Wanted ports; a taken one moves to the next. */
  readonly relayPort?: number
  readonly chainPort?: number
}

/** A relay and a local chain, for an app on this machine. */
export interface LocalNetwork {
  readonly relays: readonly string[]
  /** Base of the chain server's Esplora API. */
  readonly esplora: string
  /** What the app finds in `config.json`. */
  readonly config: object
  close(): Promise<void>
}

export async function startLocalNetwork({
  host,
  data,
  mineSeconds,
  relayPort = RELAY_PORT,
  chainPort = CHAIN_PORT,
}: LocalNetworkOptions): Promise<LocalNetwork> {
  const devnet = await startDevnet({
    port: chainPort,
    host,
    data: join(data, 'chain'),
    ...(mineSeconds > 0 ? { autoMineMs: mineSeconds * 1000 } : {}),
  })
  const relay = await startRelay({ port: relayPort, host, dataDir: join(data, 'relay') })
  const { url, genesis } = devnet
  return {
    relays: relay.addrs,
    esplora: url,
    config: {
      version: 1,
      relays: relay.addrs,
      stun: [],
      networks: { regtest: { esplora: url, genesis, faucet: `${url}/dev/faucet` } },
    },
    async close() {
      await Promise.allSettled([relay.close(), devnet.close()])
    },
  }
}
