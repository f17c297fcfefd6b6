import { multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { parseTrusted } from './addresses'
import { DEFAULT_LIMITS, type RelayLimits } from './limits'
import { FLAGS, SETTINGS, SWITCHES, type SettingName } from './settings'

export { DEFAULT_LIMITS, type RelayLimits } from './limits'

export interface RelayOptions {
  /** address to listen on; 0.0.0.0 for all */
  readonly host: string
  /** WebSocket port; a taken one moves to the next; 0 takes any */
  readonly port: number
  /** a taken port is an error */
  readonly exactPort?: boolean
  /** address of /health and /metrics; default the loopback one */
  readonly healthHost?: string
  /** port of /health and /metrics; default the WebSocket port + 1 */
  readonly healthPort?: number
  /** folder of the identity key; without it and `keyFile` the identity lasts as long as the process */
  readonly dataDir?: string
  /** file of the identity key, instead of the one in `dataDir` */
  readonly keyFile?: string
  /** forget the kept identity */
  readonly fresh?: boolean
  /** multiaddrs under which the outside reaches this relay, e.g. /dns4/relay.example/tcp/443/wss behind a TLS proxy */
  readonly announce?: readonly string[]
  /** PEM files; with them the relay speaks WSS itself */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** addresses and subnets of proxies whose X-Forwarded-For is believed */
  readonly trustProxy?: readonly string[]
  readonly limits?: Partial<RelayLimits>
  readonly log?: LogOptions
}

export type LogFormat = 'text' | 'json' | 'none'

export interface LogOptions {
  readonly format: LogFormat
  /** whether lines may name IP addresses and peer ids */
  readonly addresses: boolean
}

export interface RelayCommand extends RelayOptions {
  /** how long open circuits may go on after SIGTERM, milliseconds */
  readonly drainMs: number
  readonly json: boolean
  readonly help: boolean
}

type Parsed = { readonly ok: true; readonly value: RelayCommand } | { readonly ok: false; readonly error: string }

class Misconfigured extends Error {}

const variable = (name: string): string => `TANDEM_RELAY_${name.toUpperCase().replaceAll('-', '_')}`

export function relayUsage(): string {
  const rows = [
    ...SETTINGS.map(
      ({ name, arg, help, fallback }) =>
        [`--${name} ${arg}`, fallback === undefined ? help : `${help}, default ${fallback}`] as const,
    ),
    ...SWITCHES.map(({ name, help }) => [`--${name}`, help] as const),
  ]
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    'Usage: npm run relay -- [options]',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    'Each option but --help can also be set as TANDEM_RELAY_<NAME>, e.g. TANDEM_RELAY_HEALTH_PORT; a switch by the value 1.',
    'What each limit is for and costs: docs/relay.md.',
  ].join('\n')
}

/** Flags first, then the environment, then defaults. A bad one gives one line that names it. */
export function parseRelayCommand(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Parsed {
  try {
    return { ok: true, value: parse(argv, env) }
  } catch (error) {
    // parseArgs tells about unknown flags in one sentence, sometimes with a hint after it
    const message = error instanceof Error ? (error.message.split(/[\n.] /)[0] ?? error.message) : String(error)
    return { ok: false, error: message }
  }
}

function parse(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): RelayCommand {
  const { values } = parseArgs({ args: [...argv], options: FLAGS, allowPositionals: false })
  const known = new Set([...SETTINGS, ...SWITCHES].map(({ name }) => variable(name)))
  const stray = Object.keys(env).find(name => name.startsWith('TANDEM_RELAY_') && !known.has(name))
  if (stray !== undefined) throw new Misconfigured(`${stray} is no setting of the relay`)
  const text = (name: SettingName): string | undefined => {
    const given = (values[name] as string | undefined) ?? env[variable(name)]
    return given === '' ? undefined : given
  }
  const whole = (name: SettingName): number | undefined => {
    const given = text(name)
    const { least = 0, most = Number.MAX_SAFE_INTEGER } = SETTINGS.find(setting => setting.name === name) ?? {}
    if (given === undefined) return undefined
    const n = Number(given)
    if (!/^\d+$/.test(given) || n < least || n > most) {
      throw new Misconfigured(`--${name} must be a whole number from ${least} to ${most}, not "${given}"`)
    }
    return n
  }
  const on = (name: (typeof SWITCHES)[number]['name']): boolean => {
    const set = env[variable(name)]
    if (set !== undefined && !['', '0', '1'].includes(set))
      throw new Misconfigured(`${variable(name)} must be 1 or 0, not "${set}"`)
    return values[name] === true || set === '1'
  }
  const several = (name: 'announce' | 'trust-proxy'): readonly string[] =>
    ((values[name] as string[] | undefined) ?? [env[variable(name)] ?? ''])
      .flatMap(given => given.split(','))
      .map(given => given.trim())
      .filter(given => given !== '')
  const address = (name: 'host' | 'health-host', fallback: string): string => {
    const given = text(name) ?? fallback
    if (isIP(given) === 0) throw new Misconfigured(`--${name} must be an IP address, not "${given}"`)
    return given
  }

  const host = address('host', '127.0.0.1')
  const healthPort = whole('health-port')
  const announce = several('announce')
  for (const one of announce) checkAddress(one)
  const trustProxy = several('trust-proxy')
  const doubted = trustProxy.find(one => parseTrusted([one]) === undefined)
  if (doubted !== undefined)
    throw new Misconfigured(`--trust-proxy must be an IP address or a subnet like 10.0.0.0/8, not "${doubted}"`)
  const [certFile, tlsKey, keyFile] = [text('tls-cert'), text('tls-key'), text('key')]
  if ((certFile === undefined) !== (tlsKey === undefined))
    throw new Misconfigured('--tls-cert and --tls-key belong together: give both or none')
  const format = text('log') ?? 'text'
  if (!isFormat(format)) throw new Misconfigured(`--log must be text, json or none, not "${format}"`)
  return {
    host,
    port: whole('port') ?? 9401,
    exactPort: on('exact-port'),
    healthHost: address('health-host', '127.0.0.1'),
    ...(healthPort === undefined ? {} : { healthPort }),
    dataDir: text('data') ?? '.tandem/relay',
    ...(keyFile === undefined ? {} : { keyFile }),
    fresh: on('fresh'),
    announce,
    ...(certFile === undefined || tlsKey === undefined ? {} : { tls: { certFile, keyFile: tlsKey } }),
    trustProxy,
    limits: limitsFrom(whole),
    log: { format, addresses: on('log-addresses') },
    drainMs: (whole('drain') ?? 10) * 1000,
    json: on('json'),
    help: values.help === true,
  }
}

function limitsFrom(whole: (name: SettingName) => number | undefined): RelayLimits {
  const reservations = whole('reservations') ?? DEFAULT_LIMITS.reservations
  const spare = DEFAULT_LIMITS.connections - DEFAULT_LIMITS.reservations
  return {
    reservations,
    reservationsPerIp: whole('reservations-per-ip') ?? DEFAULT_LIMITS.reservationsPerIp,
    reservationTtlMs: (whole('ttl') ?? DEFAULT_LIMITS.reservationTtlMs / 1000) * 1000,
    connections: whole('connections') ?? reservations + spare,
    connectionsPerIp: whole('connections-per-ip') ?? DEFAULT_LIMITS.connectionsPerIp,
    connectionsPerIpSecond: whole('connections-per-ip-second') ?? DEFAULT_LIMITS.connectionsPerIpSecond,
    connectionsPerPeer: whole('connections-per-peer') ?? DEFAULT_LIMITS.connectionsPerPeer,
    circuits: whole('circuits') ?? DEFAULT_LIMITS.circuits,
    circuitsPerPeer: whole('circuits-per-peer') ?? DEFAULT_LIMITS.circuitsPerPeer,
    circuitBytes: whole('circuit-bytes') ?? DEFAULT_LIMITS.circuitBytes,
    circuitMs: (whole('circuit-seconds') ?? DEFAULT_LIMITS.circuitMs / 1000) * 1000,
    topics: whole('topics') ?? DEFAULT_LIMITS.topics,
    topicsPerPeer: whole('topics-per-peer') ?? DEFAULT_LIMITS.topicsPerPeer,
    gossipPerSecond: whole('gossip-per-second') ?? DEFAULT_LIMITS.gossipPerSecond,
    gossipBytesPerSecond: whole('gossip-bytes-per-second') ?? DEFAULT_LIMITS.gossipBytesPerSecond,
  }
}

const isFormat = (text: string): text is LogFormat => ['text', 'json', 'none'].includes(text)

function checkAddress(address: string): void {
  try {
    multiaddr(address)
  } catch {
    throw new Misconfigured(`--announce must be a multiaddr like /dns4/relay.example/tcp/443/wss, not "${address}"`)
  }
}
