import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../core/domain/ids'

/** Whom an address reaches: the last peer id in it. */
export const peerOf = (address: Multiaddr): PeerId =>
  address
    .getComponents()
    .filter(c => c.name === 'p2p')
    .at(-1)?.value ?? ''

/** The relay's own peer id: the last one of its address. */
export const relayPeer = (address: string): PeerId => peerOf(multiaddr(address))

/** What to listen on to be reachable through a relay. */
export const listenAddress = (relay: string): string => `${relay}/p2p-circuit`

/**
 * Peer id of the relay that carries a connection, as its address tells: `.../p2p/<relay>/p2p-circuit/p2p/<peer>` on
 * both sides.
 */
export function relayOf(connection: Pick<Connection, 'remoteAddr'>): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(connection.remoteAddr.toString())?.[1]
}
