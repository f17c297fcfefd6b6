import type { ConnectionEncrypter, MessageStream, MultiaddrConnection, StreamMuxerFactory, Upgrader } from '@libp2p/interface'
import type { Inflow } from './inflow'
import { peerOf } from './peer-of'
import { withMethods } from './with-methods'

/**
 * The upgrader as the transport of relayed connections shall see it: an inflow watches each from its first byte. Where they come from the library
 * shows data again that was read too far, so it is watched where each byte passes once.
 */
export function watchCircuits(upgrader: Upgrader, inflow: Inflow): Upgrader {
  const watched = <T extends MultiaddrConnection>(connection: T): T => {
    const passes = connection as unknown as { onData(data: Data): void }
    const admits = inflow.guardCircuit(connection, peerOf(connection.remoteAddr))
    const onData = passes.onData.bind(connection)
    passes.onData = (data) => { if (admits(data.subarray())) onData(data) }
    return connection
  }
  return withMethods(upgrader, {
    upgradeInbound: (connection: MultiaddrConnection, options: never) => upgrader.upgradeInbound(watched(connection), options),
    upgradeOutbound: (connection: MultiaddrConnection, options: never) => upgrader.upgradeOutbound(watched(connection), options),
  })
}
type Data = Uint8Array | { subarray(): Uint8Array }

/** Has an inflow watch what relayed connections carry, decrypted: where the muxer is made, by the peer that has proved itself. */
export function watchMuxed(encrypter: ConnectionEncrypter, muxers: StreamMuxerFactory, inflow: Inflow): void {
  const peers = new WeakMap<MessageStream, string>()
  for (const side of ['secureInbound', 'secureOutbound'] as const) {
    const secure = encrypter[side].bind(encrypter)
    encrypter[side] = async (stream, options) => {
      const secured = await secure(stream, options)
      // the connections to relays, which carry everybody's, are not watched
      if ((stream as Partial<MultiaddrConnection>).remoteAddr?.toString().includes('/p2p-circuit') === true) peers.set(secured.connection, secured.remotePeer.toString())
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
