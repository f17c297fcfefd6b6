import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../core/domain/ids'

/** Whom an address reaches: the last peer id in it. */
export const peerOf = (address: Multiaddr): PeerId =>
  address
    .getComponents()
    .filter(c => c.name === 'p2p')
    .at(-1)?.value ?? ''
