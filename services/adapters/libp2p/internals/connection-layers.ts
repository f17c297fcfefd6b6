/**
 * Guards: time and memory, at the two places of a connection where each byte passes once: before it is decrypted, and
 * after, before the muxer reads it.
 * Upstream: libp2p 3.3.11, dist/src/upgrader.js (secures a connection, then hands it to the muxer factory);
 * @libp2p/circuit-relay-v2 4.2.13, dist/src/transport/index.js (gives relayed connections to the upgrader);
 * @libp2p/utils 7.4.1, dist/src/abstract-message-stream.js (`onData`, where what comes in is shown again when it was
 * read too far).
 * Needless when: the upgrader has a hook for what a connection carries, encrypted and decrypted.
 * Held by: tests/unit/libp2p-internals/connection-layers.test.ts, tests/contract/relay-floods.test.ts.
 */
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { PeerId } from '../../../core/domain/ids'
import { YAMUX_FRAME_BYTES } from './frame-scans'
import { withMethods } from './with-methods'

/** Says of each part of one connection, still encrypted, whether it may be read. */
export type AdmitPart = (part: Uint8Array) => boolean

/** The upgrader as the transport of relayed connections shall see it: each is watched from its first byte. */
export function watchRelayed(upgrader: Upgrader, guard: (connection: MultiaddrConnection) => AdmitPart): Upgrader {
  const watched = <T extends MultiaddrConnection>(connection: T): T => {
    const reader = connection as unknown as { onData(data: Data): void }
    const admits = guard(connection)
    const onData = reader.onData.bind(connection)
    reader.onData = data => {
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

/** Watches relayed connections alone. Those to relays, which carry everybody's, are not watched. */
export function relayedOnly(guard: (muxed: MessageStream, peerId: PeerId) => void): WatchMuxed {
  return (muxed, below, peerId) => {
    if ((below as Partial<MultiaddrConnection>).remoteAddr?.toString().includes('/p2p-circuit') === true)
      guard(muxed, peerId)
  }
}
