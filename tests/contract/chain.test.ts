import { createFakeChain } from '../fakes/chain'
import { chainSuite } from './chain'
import { startDevnetHarness } from './devnet-harness'

chainSuite('memory', async () => {
  const chain = createFakeChain({ blocks: 10 })
  return {
    chain,
    genesis: chain.genesis,
    fund: async (to, sats) => chain.fund(to.script, sats),
    mine: async (blocks, to) => {
      chain.mine(blocks, to?.script)
    },
    reorg: async (depth, keepTxs) => {
      chain.reorg(depth, keepTxs)
    },
    close: async () => undefined,
  }
})

chainSuite('Esplora over the local chain', startDevnetHarness)
