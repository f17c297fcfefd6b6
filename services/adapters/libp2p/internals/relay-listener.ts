/**
 * Guards: the start of a node and the error of each try. The library reserves a place on a relay while it "listens",
 * once, and does not remake it when the connection to the relay closes (js-libp2p#3601).
 * Upstream: @libp2p/circuit-relay-v2 4.2.13, dist/src/transport/listener.js (`listen` may be called again, `getAddrs`
 * is empty without a place).
 * Needless when: the library remakes reservations and tells of each try.
 * Held by: tests/unit/libp2p-internals/relay-listener.test.ts, tests/contract/transport-libp2p.test.ts.
 */
import type { Transport } from '@libp2p/interface'

/** A place on one relay: what the library's listener offers, made to be tried again. */
export interface RelayPlace {
  /** connects and reserves; rejects with the true error */
  reserve(): Promise<void>
  held(): boolean
}

/**
 * Takes the reserving out of "listen": listening on a relay only notes the place, and `reserve` does the work, as often
 * as needed and with the error of each try. A dead relay thus never fails the node's start, and no listener is made
 * twice.
 *
 * @param places is filled, by listen address
 */
export function withPlaces(transport: Transport, places: Map<string, RelayPlace>): Transport {
  const create = transport.createListener.bind(transport)
  transport.createListener = options => {
    const listener = create(options)
    const listen = listener.listen.bind(listener)
    listener.listen = async address => {
      places.set(address.toString(), { reserve: () => listen(address), held: () => listener.getAddrs().length > 0 })
    }
    return listener
  }
  return transport
}
