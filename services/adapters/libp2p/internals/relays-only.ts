/**
 * Guards: the one stream of gossipsub to a peer, which it keeps on the first connection and loses with it. And time:
 * what hands on calls (circuit-relay's "stop") is read with addresses of any length before anybody is asked whether it
 * may, and one of 32 KB takes seconds.
 * Upstream: @libp2p/gossipsub 17.1.1, dist/src/gossipsub.js (`onPeerConnected`); @libp2p/circuit-relay-v2 4.2.13,
 * dist/src/transport/index.js (`onStop`).
 * Needless when: both services take a filter of connections.
 * Held by: tests/unit/libp2p-internals/relays-only.test.ts, tests/contract/transport-libp2p.test.ts.
 */
import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import { withMethods } from './with-methods'

type Registrar = GossipSubComponents['registrar']

/**
 * The registrar as a service shall see it that has to do with relays alone: only connections to relays exist for it.
 * Members have no need to gossip directly, because they talk over streams of their own.
 */
export function relaysOnly(registrar: Registrar, isRelay: (connection: Connection) => boolean): Registrar {
  return withMethods(registrar, {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          if (isRelay(connection)) return handler(stream, connection)
          stream.abort(new Error('this goes over relays only'))
        },
        options,
      ),
    register: (protocol, topology, options) =>
      registrar.register(
        protocol,
        {
          ...topology,
          onConnect: async (peerId, connection) => {
            if (isRelay(connection)) await topology.onConnect?.(peerId, connection)
          },
        },
        options,
      ),
  })
}
