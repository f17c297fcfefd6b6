import { isHex } from './hex'
import { NETWORK_NAMES, NETWORKS } from './network'
import type { NetworkName } from './network'
import { err, ok } from './result'
import type { Result } from './result'

/** `./config.json`, read at start (ARCHITECTURE.md). Relays are multiaddrs that end in /p2p/<peer id>. */
export interface AppConfig {
  readonly version: 1
  readonly relays: readonly string[]
  readonly networks: Readonly<Partial<Record<NetworkName, NetworkConfig>>>
  /** ICE server URLs ("stun:host:port"); empty works on one network */
  readonly stun: readonly string[]
  /** the usual address of this app, when its port was taken and it had to move */
  readonly movedFrom?: string
}

export interface NetworkConfig {
  /** base URL of the Esplora REST API, without a trailing slash */
  readonly esplora: string
  readonly genesis: string
  /** URL that answers POST {address, sats}; local chain only */
  readonly faucet?: string
}

export interface ConfigError {
  readonly code:
    | 'unreachable'
    | 'not-json'
    | 'version'
    | 'unknown-field'
    | 'relays'
    | 'networks'
    | 'no-network'
    | 'mainnet'
    | 'genesis'
    | 'esplora'
    | 'faucet'
    | 'stun'
  /** path and value, for details */
  readonly detail: string
}

const RELAY =
  /^\/(ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5}(\/(tls|sni\/[^/\s]+))*\/wss?\/p2p\/[1-9A-HJ-NP-Za-km-z]{46,56}$/

/** Form of a relay address: a WebSocket multiaddr that names the relay's peer id. */
export function isRelayAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && RELAY.test(value)
}

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)
const isHttpUrl = (v: unknown): v is string =>
  typeof v === 'string' && v.length <= 512 && /^https?:\/\/[^\s/]+(\/\S*)?$/.test(v)
const isIceUrl = (v: unknown): v is string =>
  typeof v === 'string' && v.length <= 256 && /^(stun|stuns|turn|turns):\S+$/.test(v)

/** Checks the whole file; the first thing wrong is named. Nothing is guessed or silently dropped. */
export function parseConfig(json: unknown): Result<AppConfig, ConfigError> {
  const wrong = (code: ConfigError['code'], detail: string) => err({ code, detail })
  if (!isObject(json)) return wrong('not-json', 'the file is not a JSON object')
  if (json['version'] !== 1) return wrong('version', `version is ${JSON.stringify(json['version'])}, known is 1`)
  for (const key of Object.keys(json)) {
    if (!['version', 'relays', 'networks', 'stun', 'movedFrom'].includes(key)) return wrong('unknown-field', key)
  }
  const { relays, networks, stun, movedFrom } = json
  if (!Array.isArray(relays) || relays.length > 16)
    return wrong('relays', 'relays must be a list of at most 16 addresses')
  for (const relay of relays) if (!isRelayAddress(relay)) return wrong('relays', String(relay))
  if (!isObject(networks)) return wrong('networks', 'networks must be an object')
  const out: Partial<Record<NetworkName, NetworkConfig>> = {}
  for (const [name, value] of Object.entries(networks)) {
    if (name === 'mainnet' || name === 'bitcoin') return wrong('mainnet', name)
    const known = NETWORK_NAMES.find(n => n === name)
    if (known === undefined || !isObject(value)) return wrong('networks', name)
    const { esplora, genesis, faucet } = value
    if (!isHttpUrl(esplora)) return wrong('esplora', `${name}.esplora`)
    if (!isHex(genesis, 32) || genesis !== NETWORKS[known].genesis) return wrong('genesis', `${name}.genesis`)
    if (faucet !== undefined && !isHttpUrl(faucet)) return wrong('faucet', `${name}.faucet`)
    out[known] = { esplora: esplora.replace(/\/+$/, ''), genesis, ...(faucet === undefined ? {} : { faucet }) }
  }
  if (Object.keys(out).length === 0) return wrong('no-network', 'networks names none')
  if (!Array.isArray(stun) || stun.length > 8) return wrong('stun', 'stun must be a list of at most 8 URLs')
  for (const url of stun) if (!isIceUrl(url)) return wrong('stun', String(url))
  if (movedFrom !== undefined && !isHttpUrl(movedFrom)) return wrong('unknown-field', 'movedFrom')
  return ok({
    version: 1,
    relays: relays as string[],
    networks: out,
    stun: stun as string[],
    ...(movedFrom === undefined ? {} : { movedFrom }),
  })
}
