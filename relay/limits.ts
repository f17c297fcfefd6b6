/**
 * Bounds of one relay. They are there so that a stranger cannot use it up, and are chosen so that nobody who signs a
 * transaction ever meets them: a whole session of 15 members is well below 1 MiB and ends within minutes.
 *
 * "IP" is one IPv4 address, or the /64 of an IPv6 one: that is what one customer of a provider has.
 */
export interface RelayLimits {
  /** peers that may be reachable through this relay at once (the library's default is 15) */
  readonly reservations: number
  /** of these, from one IP: a household, an office, or many behind one carrier's NAT */
  readonly reservationsPerIp: number
  /** milliseconds until a reservation must be renewed; clients renew by themselves 5 minutes before */
  readonly reservationTtlMs: number
  /** WebSockets open at once: those that hold a place, and people who only dial through */
  readonly connections: number
  readonly connectionsPerIp: number
  /** new WebSockets of one IP per second; twice as many at once */
  readonly connectionsPerIpSecond: number
  /** WebSockets of one peer id: tabs and devices of one profile */
  readonly connectionsPerPeer: number
  /** relayed connections open at once */
  readonly circuits: number
  /** relayed connections that one peer may have asked for; a member of a circle of 100 needs 99 */
  readonly circuitsPerPeer: number
  /** bytes that one relayed connection may carry, both ways together */
  readonly circuitBytes: number
  /** milliseconds that one relayed connection may live */
  readonly circuitMs: number
  /** gossip topics forwarded at once; one for each wallet of which somebody is here */
  readonly topics: number
  /** gossip topics that one peer may follow */
  readonly topicsPerPeer: number
  /** gossip messages of one peer per second, ten times as many at once; presence is one in 30 s for each wallet */
  readonly gossipPerSecond: number
  /** the same in bytes; an announcement has at most 4 KiB */
  readonly gossipBytesPerSecond: number
}

export const DEFAULT_LIMITS: RelayLimits = {
  reservations: 1024,
  reservationsPerIp: 256,
  reservationTtlMs: 60 * 60_000,
  connections: 1280,
  connectionsPerIp: 384,
  connectionsPerIpSecond: 50,
  connectionsPerPeer: 16,
  circuits: 4096,
  circuitsPerPeer: 256,
  circuitBytes: 64 * 1024 * 1024,
  circuitMs: 24 * 60 * 60_000,
  topics: 4096,
  topicsPerPeer: 256,
  gossipPerSecond: 20,
  gossipBytesPerSecond: 64 * 1024,
}
