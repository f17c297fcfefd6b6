/** Names of people's browsers and relays: libp2p peer ids. */
const PEER_ID = /\b(?:12D3KooW|16Uiu2HA|Qm)[1-9A-HJ-NP-Za-km-z]{20,}/g
/** An address behind a name that one network knows: RFC 6762, and the names browsers make up for ICE. */
const MDNS = /\b[A-Za-z0-9-]+\.local\b/g
const IPV4 = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g
/** Two colons at least, so that a time of day or a port stays. */
const IPV6 = /(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?![0-9A-Za-z:])/g
/** Keys, hashes, signatures and invites, whatever a text holds them for. */
const LONG = /\b[0-9a-fA-F]{32,}\b|[A-Za-z0-9+_-]{43,}={0,2}/g

function kindOfIpv4(address: string): string {
  const [a = 0, b = 0] = address.split('.').map(Number)
  if (a === 127) return 'loopback'
  if (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  )
    return 'private IPv4'
  return 'public IPv4'
}

const kindOfIpv6 = (address: string): string =>
  address === '::1' ? 'loopback' : /^(fe[89ab]|f[cd])/i.test(address) ? 'private IPv6' : 'public IPv6'

/**
 * A text that may be shown to strangers: addresses are replaced by their kind, peer ids and what may be a key are taken
 * out.
 */
export function redactAddresses(text: string): string {
  return text
    .replace(PEER_ID, id => `[peer …${id.slice(-4)}]`)
    .replace(LONG, '[long text]')
    .replace(MDNS, '[mDNS name]')
    .replace(IPV4, address => `[${kindOfIpv4(address)}]`)
    .replace(IPV6, address => `[${kindOfIpv6(address)}]`)
}
