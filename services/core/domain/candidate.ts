/** What an ICE candidate says of itself, without the address in it. */
export interface CandidateFact {
  readonly kind: CandidateKind
  readonly protocol: 'udp' | 'tcp'
  /** IP version; undefined behind an mDNS name */
  readonly family?: 4 | 6
  /** port that the outside sees; of a host candidate the socket's own */
  readonly port: number
}

/**
 * `mdns` is a host candidate whose address the browser hides behind a name of one network; `prflx` was learned from a
 * check.
 */
export type CandidateKind = 'host' | 'mdns' | 'srflx' | 'prflx' | 'relay'

const TYPES: Readonly<Record<string, CandidateKind>> = { host: 'host', srflx: 'srflx', prflx: 'prflx', relay: 'relay' }
/** characters of a candidate line that are looked at: names are short, extensions are not needed */
const MAX_LINE = 512

/**
 * Reads a candidate line ("candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host ..."); undefined when it is none.
 * Total.
 * @see https://www.rfc-editor.org/rfc/rfc8839#section-5.1
 */
export function parseCandidate(line: string): CandidateFact | undefined {
  const [foundation, , transport, , address, port, typ, type] = line.slice(0, MAX_LINE).replace(/^a=/, '').split(' ')
  const kind = Object.hasOwn(TYPES, type ?? '') ? TYPES[type ?? ''] : undefined
  const protocol = transport?.toLowerCase()
  if (!foundation?.startsWith('candidate:') || typ !== 'typ' || kind === undefined || address === undefined)
    return undefined
  if (protocol !== 'udp' && protocol !== 'tcp') return undefined
  const number = Number(port)
  if (!Number.isInteger(number) || number < 0 || number > 65_535) return undefined
  const named = address.endsWith('.local')
  return {
    kind: named ? 'mdns' : kind,
    protocol,
    port: number,
    ...(named ? {} : { family: address.includes(':') ? 6 : 4 }),
  }
}

/** What the candidates that this browser gathered tell of the network around it. */
export type NatHint =
  /** nothing was gathered */
  | 'none'
  /** the browser knows its own network only: no STUN server was asked, or none answered */
  | 'host-only'
  /** a STUN server saw an address from which others can be answered */
  | 'reflexive'
  /** different servers saw different ports: every peer would see another one, direct lines mostly fail without TURN */
  | 'symmetric-likely'
  /** nothing but a TURN server's address */
  | 'relay-only'

/**
 * A router that maps one socket to one outside port gives one reflexive candidate per socket, however many servers were
 * asked. More ports than sockets mean a mapping per destination.
 * @see https://www.rfc-editor.org/rfc/rfc5780#section-4.3
 */
export function natHint(local: readonly CandidateFact[]): NatHint {
  const udp = local.filter(c => c.protocol === 'udp')
  const sockets = udp.filter(c => c.kind === 'host' || c.kind === 'mdns').length
  const outside = new Set(udp.filter(c => c.kind === 'srflx').map(c => `${c.family ?? ''} ${c.port}`)).size
  if (outside > Math.max(1, sockets)) return 'symmetric-likely'
  if (outside > 0) return 'reflexive'
  if (local.some(c => c.kind === 'host' || c.kind === 'mdns')) return 'host-only'
  return local.some(c => c.kind === 'relay') ? 'relay-only' : 'none'
}
