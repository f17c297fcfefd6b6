import type { NetworkName } from './network'

/** `./config.json`, read at start (architecture.md). Relays are multiaddrs that end in /p2p/<peer id>. */
export interface AppConfig {
  readonly version: 1
  readonly relays: readonly string[]
  readonly networks: Readonly<Partial<Record<NetworkName, NetworkConfig>>>
  /** ICE server URLs ("stun:host:port"); empty works on one network */
  readonly stun: readonly string[]
}

export interface NetworkConfig {
  /** base URL of the Esplora REST API, without a trailing slash; relative URLs are resolved against the page */
  readonly esplora: string
  readonly genesis: string
  /** base URL that answers POST <faucet> {address, sats}; local chain only */
  readonly faucet?: string
}
