import { multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'

/**
 * Bounds of one relay. They are there so that a stranger cannot use it up, and are chosen so that nobody who signs a
 * transaction ever meets them: a whole session of 15 members is well below 1 MiB and ends within minutes.
 */
export interface RelayLimits {
  /** peers that may be reachable through this relay at once (the library's default is 15) */
  readonly reservations: number
  /** milliseconds until a reservation must be renewed; clients renew by themselves 5 minutes before */
  readonly reservationTtlMs: number
  /** bytes that one relayed connection may carry, both ways together */
  readonly circuitBytes: number
  /** milliseconds that one relayed connection may live */
  readonly circuitMs: number
  /** gossip topics forwarded at once */
  readonly topics: number
}

export const DEFAULT_LIMITS: RelayLimits = {
  reservations: 1024,
  reservationTtlMs: 60 * 60_000,
  circuitBytes: 64 * 1024 * 1024,
  circuitMs: 24 * 60 * 60_000,
  topics: 4096,
}

export interface RelayOptions {
  /** address to listen on; 0.0.0.0 for all */
  readonly host: string
  /** WebSocket port; a taken one moves to the next; 0 takes any */
  readonly port: number
  /** port of /health; default the WebSocket port + 1 */
  readonly healthPort?: number
  /** folder of the identity key; without it the identity lasts as long as the process */
  readonly dataDir?: string
  /** forget the kept identity */
  readonly fresh?: boolean
  /** multiaddrs under which the outside reaches this relay, e.g. /dns4/relay.example/tcp/443/wss behind a TLS proxy */
  readonly announce?: readonly string[]
  readonly limits?: Partial<RelayLimits>
}

export interface RelayCommand extends RelayOptions {
  readonly json: boolean
  readonly help: boolean
}

export const RELAY_USAGE = `Usage: npm run relay -- [options]
  --port N          WebSocket port, default 9401 (a taken one moves to the next)
  --health-port N   port of /health, default port + 1
  --host ADDRESS    IP address to listen on, default 127.0.0.1
  --data DIR        folder of the identity key, default .tandem/relay
  --fresh           start with a new identity
  --announce ADDR   multiaddr under which others reach this relay; may be given several times
  --reservations N  peers that may hold a place, default ${DEFAULT_LIMITS.reservations}
  --ttl SECONDS     life of a place, default ${DEFAULT_LIMITS.reservationTtlMs / 1000}
  --circuit-bytes N bytes of one relayed connection, default ${DEFAULT_LIMITS.circuitBytes}
  --circuit-seconds N  life of one relayed connection, default ${DEFAULT_LIMITS.circuitMs / 1000}
  --topics N        gossip topics forwarded at once, default ${DEFAULT_LIMITS.topics}
  --json            print one line of JSON when ready
Each option but --fresh, --json and --help can also be set as TANDEM_RELAY_<NAME>, e.g. TANDEM_RELAY_PORT.`

type Parsed = { readonly ok: true; readonly value: RelayCommand } | { readonly ok: false; readonly error: string }

const FLAGS = {
  'port': { type: 'string' }, 'health-port': { type: 'string' }, 'host': { type: 'string' }, 'data': { type: 'string' },
  'announce': { type: 'string', multiple: true }, 'reservations': { type: 'string' }, 'ttl': { type: 'string' },
  'circuit-bytes': { type: 'string' }, 'circuit-seconds': { type: 'string' }, 'topics': { type: 'string' },
  'fresh': { type: 'boolean' }, 'json': { type: 'boolean' }, 'help': { type: 'boolean' },
} as const

class Misconfigured extends Error {}

/** Flags first, then the environment, then defaults. A bad one gives one line that names it. */
export function parseRelayCommand(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Parsed {
  try {
    const { values } = parseArgs({ args: [...argv], options: FLAGS, allowPositionals: false })
    const text = (name: 'port' | 'health-port' | 'host' | 'data' | 'reservations' | 'ttl' | 'circuit-bytes' | 'circuit-seconds' | 'topics'): string | undefined =>
      values[name] ?? env[`TANDEM_RELAY_${name.toUpperCase().replaceAll('-', '_')}`]
    const whole = (name: Parameters<typeof text>[0], min: number, max: number): number | undefined => {
      const given = text(name)
      if (given === undefined) return undefined
      const n = Number(given)
      if (!/^\d+$/.test(given) || n < min || n > max) {
        throw new Misconfigured(`--${name} must be a whole number from ${min} to ${max}, not "${given}"`)
      }
      return n
    }
    const host = text('host') ?? '127.0.0.1'
    if (isIP(host) === 0) throw new Misconfigured(`--host must be an IP address, not "${host}"`)
    const announce = values.announce ?? env.TANDEM_RELAY_ANNOUNCE?.split(',').filter((a) => a !== '') ?? []
    for (const address of announce) checkAddress(address)
    const ttl = whole('ttl', 600, 86_400)
    const circuitSeconds = whole('circuit-seconds', 60, 604_800)
    const healthPort = whole('health-port', 0, 65_535)
    return {
      ok: true,
      value: {
        host,
        port: whole('port', 0, 65_535) ?? 9401,
        ...(healthPort === undefined ? {} : { healthPort }),
        dataDir: text('data') ?? '.tandem/relay',
        fresh: values.fresh ?? false,
        announce,
        limits: {
          reservations: whole('reservations', 1, 100_000) ?? DEFAULT_LIMITS.reservations,
          reservationTtlMs: ttl === undefined ? DEFAULT_LIMITS.reservationTtlMs : ttl * 1000,
          circuitBytes: whole('circuit-bytes', 1024 * 1024, Number.MAX_SAFE_INTEGER) ?? DEFAULT_LIMITS.circuitBytes,
          circuitMs: circuitSeconds === undefined ? DEFAULT_LIMITS.circuitMs : circuitSeconds * 1000,
          topics: whole('topics', 1, 1_000_000) ?? DEFAULT_LIMITS.topics,
        },
        json: values.json ?? false,
        help: values.help ?? false,
      },
    }
  } catch (error) {
    // parseArgs tells about unknown flags in one sentence, sometimes with a hint after it
    const message = error instanceof Error ? error.message.split(/[\n.] /)[0] ?? error.message : String(error)
    return { ok: false, error: message }
  }
}

function checkAddress(address: string): void {
  try {
    multiaddr(address)
  } catch {
    throw new Misconfigured(`--announce must be a multiaddr like /dns4/relay.example/tcp/443/wss, not "${address}"`)
  }
}
