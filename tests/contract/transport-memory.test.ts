import { createMemoryNetwork } from '../fakes/transport'
import { transportContract } from './transport'

transportContract('in memory', async () => {
  const network = createMemoryNetwork()
  const relay = network.relay()
  const deadRelay = network.relay()
  network.dropRelay(deadRelay)
  let n = 0
  return {
    relay,
    deadRelay,
    async peer(relays = [relay]) {
      const transport = network.transport(`12D3KooWPeer${++n}`, { relays })
      await transport.start()
      return transport
    },
    strangerId: () => '12D3KooWStranger',
    async stopRelay() {
      network.dropRelay(relay)
    },
    async startRelay() {
      network.restoreRelay(relay)
    },
    async close() {
      /* nothing outlives the test */
    },
  }
})
