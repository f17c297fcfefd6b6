import { DEFAULT_LIMITS as D } from './limits'

/** One option with a value: a flag `--name` and a variable `TANDEM_RELAY_NAME`. */
interface Setting {
  readonly name: string
  /** what the help calls its value */
  readonly arg: string
  readonly help: string
  /** as the help says it */
  readonly fallback?: number | string
  /** bounds of a number */
  readonly least?: number
  readonly most?: number
}

const setting = <N extends string>(
  name: N,
  arg: string,
  help: string,
  rest: Pick<Setting, 'fallback' | 'least' | 'most'> = {},
): Setting & { readonly name: N } => ({ name, arg, help, ...rest })
const MANY = 1_000_000

/** All that can be set, in the order of the help. */
export const SETTINGS = [
  setting('port', 'N', 'WebSocket port; a taken one moves to the next, 0 takes any', { fallback: 9401, most: 65_535 }),
  setting('host', 'ADDRESS', 'IP address to listen on', { fallback: '127.0.0.1' }),
  setting('health-port', 'N', 'port of /health and /metrics', { fallback: 'port + 1', most: 65_535 }),
  setting('health-host', 'ADDRESS', 'IP address of /health and /metrics', { fallback: '127.0.0.1' }),
  setting('data', 'DIR', 'folder of the identity key', { fallback: '.tandem/relay' }),
  setting('key', 'FILE', 'file of the identity key, instead of peer.key in that folder'),
  setting('announce', 'ADDR', 'multiaddr under which others reach this relay; several times, or by commas'),
  setting('tls-cert', 'FILE', 'certificate chain (PEM) to speak WSS with; read anew on SIGHUP'),
  setting('tls-key', 'FILE', 'its private key (PEM)'),
  setting(
    'trust-proxy',
    'ADDR',
    'IP or subnet of a reverse proxy whose X-Forwarded-For is believed; several times, or by commas',
  ),
  setting('drain', 'SECONDS', 'how long open circuits may go on after SIGTERM', { fallback: 10, most: 3600 }),
  setting('log', 'FORMAT', 'text, json or none, on stderr', { fallback: 'text' }),
  setting('reservations', 'N', 'peers that may hold a place', { fallback: D.reservations, least: 1, most: 100_000 }),
  setting('reservations-per-ip', 'N', 'places of one IP', { fallback: D.reservationsPerIp, least: 1, most: 100_000 }),
  setting('ttl', 'SECONDS', 'life of a place', { fallback: D.reservationTtlMs / 1000, least: 600, most: 86_400 }),
  setting('connections', 'N', 'WebSockets at once', { fallback: 'reservations + 256', least: 1, most: MANY }),
  setting('connections-per-ip', 'N', 'WebSockets of one IP', { fallback: D.connectionsPerIp, least: 1, most: MANY }),
  setting('connections-per-ip-second', 'N', 'new WebSockets of one IP per second', {
    fallback: D.connectionsPerIpSecond,
    least: 1,
    most: MANY,
  }),
  setting('connections-per-peer', 'N', 'WebSockets of one peer id', {
    fallback: D.connectionsPerPeer,
    least: 1,
    most: MANY,
  }),
  setting('circuits', 'N', 'relayed connections at once', { fallback: D.circuits, least: 1, most: MANY }),
  setting('circuits-per-peer', 'N', 'relayed connections that one peer asked for', {
    fallback: D.circuitsPerPeer,
    least: 1,
    most: MANY,
  }),
  setting('circuit-bytes', 'N', 'bytes of one relayed connection', { fallback: D.circuitBytes, least: 131_072 }),
  setting('circuit-seconds', 'N', 'life of one relayed connection', {
    fallback: D.circuitMs / 1000,
    least: 60,
    most: 604_800,
  }),
  setting('topics', 'N', 'gossip topics forwarded at once', { fallback: D.topics, least: 1, most: MANY }),
  setting('topics-per-peer', 'N', 'gossip topics of one peer', { fallback: D.topicsPerPeer, least: 1, most: MANY }),
  setting('gossip-per-second', 'N', 'gossip messages of one peer per second', {
    fallback: D.gossipPerSecond,
    least: 1,
    most: MANY,
  }),
  setting('gossip-bytes-per-second', 'N', 'gossip bytes of one peer per second', {
    fallback: D.gossipBytesPerSecond,
    least: 8192,
  }),
] as const

/** Options without a value. */
export const SWITCHES = [
  { name: 'exact-port', help: 'a taken port is an error' },
  { name: 'fresh', help: 'start with a new identity' },
  { name: 'log-addresses', help: 'let log lines name IP addresses and peer ids' },
  { name: 'json', help: 'print one line of JSON when ready' },
] as const

export type SettingName = (typeof SETTINGS)[number]['name']

/** As `parseArgs` wants them. */
export const FLAGS = Object.fromEntries([
  ...SETTINGS.map(({ name }) => [
    name,
    { type: 'string' as const, multiple: name === 'announce' || name === 'trust-proxy' },
  ]),
  ...SWITCHES.map(({ name }) => [name, { type: 'boolean' as const }]),
  ['help', { type: 'boolean' as const }],
]) as Record<string, { type: 'string' | 'boolean'; multiple?: boolean }>
