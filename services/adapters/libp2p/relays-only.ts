import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import { withMethods } from './with-methods'

type Registrar = GossipSubComponents['registrar']

/**
 * The registrar as a service shall see it that has to do with relays alone: only WebSocket connections, which in a
 * browser lead to them, exist for it. Gossipsub keeps its stream on the first connection to a peer and dies with it,
 * and members have no need to gossip directly: they talk over streams of their own. What hands on calls is read with
 * addresses of any length before anybody is asked whether it may, and one of 32 KB takes seconds.
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
