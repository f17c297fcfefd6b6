import { circuitRelayTransport, type CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { CreateListenerOptions } from '@libp2p/interface'
import { quietLogger } from '../../support/libp2p-logger'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { withPlaces, type RelayPlace } from '../../../services/adapters/libp2p/internals/relay-listener'

const ADDRESS = '/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWGP1JS9VugogNajdau4VfSfyM1BouCcYLHUcG5HBmzYpu/p2p-circuit'

describe("a place on a relay, over the library's own listener", () => {
  it('is only noted by listening, and asked for as often as one likes, with the error of each try', async () => {
    const places = new Map<string, RelayPlace>()
    let tries = 0
    const transport = withPlaces(
      circuitRelayTransport()({
        logger: quietLogger,
        events: new EventTarget(),
        registrar: {},
        peerStore: {},
        connectionManager: {
          openConnection: async () => {
            throw new Error(`try ${++tries}`)
          },
        },
      } as unknown as CircuitRelayTransportComponents),
      places,
    )
    const listener = transport.createListener({} as CreateListenerOptions)
    await listener.listen(multiaddr(ADDRESS))
    expect(tries).toBe(0)
    const place = places.get(ADDRESS)
    await expect(place?.reserve()).rejects.toThrow('try 1')
    await expect(place?.reserve()).rejects.toThrow('try 2')
    expect(place?.held()).toBe(false)
  })
})
