import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { PeerId } from '../../core/domain/ids'
import { YAMUX_FRAME_BYTES } from './frame-scans'
import type { Inflow } from './inflow'
import { peerOf } from './peer-of'
import { withMethods } from './with-methods'

/**
 * The upgrader as the transport of relayed connections shall see it: an inflow watches each from its first byte. Where
 * they come from the library shows data again that was read too far, so it is watched where each byte passes once.
 */
export function watchCircuits(upgrader: Upgrader, inflow: Inflow): Upgrader {
  const watched = <T extends MultiaddrConnection>(connection: T): T => {
    const passes = connection as unknown as { onData(data: Data): void }
    const admits = inflow.guardCircuit(connection, peerOf(connection.remoteAddr))
    const onData = passes.onData.bind(connection)
    passes.onData = data => {
      if (admits(data.subarray())) onData(data)
    }
    return connection
  }
  return withMethods(upgrader, {
    upgradeInbound: (connection: MultiaddrConnection, options: never) =>
      upgrader.upgradeInbound(watched(connection), options),
    upgradeOutbound: (connection: MultiaddrConnection, options: never) =>
      upgrader.upgradeOutbound(watched(connection), options),
  })
}
type Data = Uint8Array | { subarray(): Uint8Array }

/**
 * yamux whose windows stay as large as they begin: the other side then has no use for longer frames, and none is taken.
 */
export const fixedWindows = (): StreamMuxerFactory =>
  yamux({ streamOptions: { maxStreamWindowSize: YAMUX_FRAME_BYTES } })()

/**
 * What a connection carries, decrypted, the connection below, and the peer that has proved itself. Called before the
 * muxer listens.
 */
export type WatchMuxed = (muxed: MessageStream, below: MessageStream, peerId: PeerId) => void

/** Has what connections carry watched where their muxer is made. */
export function watchMuxed(encrypter: ConnectionEncrypter, muxers: StreamMuxerFactory, watch: WatchMuxed): void {
  const secureds = new WeakMap<MessageStream, { readonly below: MessageStream; readonly peerId: PeerId }>()
  for (const side of ['secureInbound', 'secureOutbound'] as const) {
    const secure = encrypter[side].bind(encrypter)
    encrypter[side] = async (below, options) => {
      const secured = await secure(below, options)
      secureds.set(secured.connection, { below, peerId: secured.remotePeer.toString() })
      return secured
    }
  }
  const create = muxers.createStreamMuxer.bind(muxers)
  muxers.createStreamMuxer = stream => {
    const secured = secureds.get(stream)
    if (secured !== undefined) watch(stream, secured.below, secured.peerId)
    return create(stream)
  }
}

/** For the above: an inflow watches relayed connections. Those to relays, which carry everybody's, are not watched. */
export function circuitsWatched(inflow: Inflow): WatchMuxed {
  return (muxed, below, peerId) => {
    if ((below as Partial<MultiaddrConnection>).remoteAddr?.toString().includes('/p2p-circuit') === true)
      inflow.guardMuxed(muxed, peerId)
  }
}
