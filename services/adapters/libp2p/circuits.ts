import type { ConnectionEncrypter, MessageStream, MultiaddrConnection, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Inflow } from './inflow'
import { peerOf } from './peer-of'

/**
 * Has an inflow watch relayed connections: as they come, and decrypted. The first is where they are encrypted, by the peer of the address, which
 * the relay names; the second where the muxer is made, by the peer that has proved itself. The connections to relays, which carry everybody's,
 * are not watched.
 */
export function watchCircuits(encrypter: ConnectionEncrypter, muxers: StreamMuxerFactory, inflow: Inflow): void {
  const peers = new WeakMap<MessageStream, string>()
  for (const side of ['secureInbound', 'secureOutbound'] as const) {
    const secure = encrypter[side].bind(encrypter)
    encrypter[side] = async (stream, options) => {
      const address = (stream as Partial<MultiaddrConnection>).remoteAddr?.toString() ?? ''
      if (!address.includes('/p2p-circuit')) return secure(stream, options)
      // in the same moment as the library begins to listen: what has come already is handed out in the next
      inflow.guardCircuit(stream, peerOf(multiaddr(address)))
      const secured = await secure(stream, options)
      peers.set(secured.connection, secured.remotePeer.toString())
      return secured
    }
  }
  const create = muxers.createStreamMuxer.bind(muxers)
  muxers.createStreamMuxer = (stream) => {
    const peerId = peers.get(stream)
    if (peerId !== undefined) inflow.guardMuxed(stream, peerId)
    return create(stream)
  }
}
