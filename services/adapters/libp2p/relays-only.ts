import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'

type Registrar = GossipSubComponents['registrar']

/**
 * The registrar as gossipsub shall see it: only WebSocket connections, which in a browser lead to relays, exist for it. Gossipsub
 * keeps its stream on the first connection to a peer and dies with it, and members have no need to gossip directly: they talk
 * over streams of their own.
 */
export function relaysOnly(registrar: Registrar, isRelay: (connection: Connection) => boolean): Registrar {
  const handle: Registrar['handle'] = (protocol, handler, options) => registrar.handle(protocol, (stream, connection) => {
    if (isRelay(connection)) return handler(stream, connection)
    stream.abort(new Error('gossip goes over relays only'))
  }, options)
  const register: Registrar['register'] = (protocol, topology, options) => registrar.register(protocol, {
    ...topology,
    onConnect: async (peerId, connection) => { if (isRelay(connection)) await topology.onConnect?.(peerId, connection) },
  }, options)
  return new Proxy(registrar, {
    get(target, key) {
      if (key === 'handle') return handle
      if (key === 'register') return register
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    },
  })
}
