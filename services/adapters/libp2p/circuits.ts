import type { ConnectionEncrypter, MessageStream, MultiaddrConnection, StreamMuxerFactory } from '@libp2p/interface'
import type { Inflow } from './inflow'

/**
 * Has an inflow watch what is read from relayed connections. Who is at the other end is known where a connection is encrypted, and that what
 * comes is yamux where the muxer is made; the connections to relays themselves, which carry everybody's, are not watched.
 */
export function watchCircuits(encrypter: ConnectionEncrypter, muxers: StreamMuxerFactory, inflow: Inflow): void {
  const peers = new WeakMap<MessageStream, string>()
  const isCircuit = (stream: MessageStream): boolean => (stream as Partial<MultiaddrConnection>).remoteAddr?.toString().includes('/p2p-circuit') === true
  for (const side of ['secureInbound', 'secureOutbound'] as const) {
    const secure = encrypter[side].bind(encrypter)
    encrypter[side] = async (stream, options) => {
      const secured = await secure(stream, options)
      if (isCircuit(stream)) peers.set(secured.connection, secured.remotePeer.toString())
      return secured
    }
  }
  const create = muxers.createStreamMuxer.bind(muxers)
  muxers.createStreamMuxer = (stream) => {
    const peerId = peers.get(stream)
    if (peerId !== undefined) inflow.guardCircuit(stream, peerId)
    return create(stream)
  }
}
