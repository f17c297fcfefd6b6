import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub'
import { quietLogger } from '../../support/libp2p-logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { filterGossip } from '../../../services/adapters/libp2p/internals/gossip-steps'

async function real(): Promise<GossipSub> {
  const privateKey = await generateKeyPair('Ed25519')
  return gossipsub()({
    privateKey,
    peerId: peerIdFromPrivateKey(privateKey),
    logger: quietLogger,
    peerStore: {},
    connectionManager: { getConnections: () => [] },
    registrar: {},
  } as unknown as GossipSubComponents)
}

describe("gossipsub's own steps", () => {
  it('are those that are filtered', async () => {
    const gossip = await real()
    const sent: unknown[] = []
    const steps = gossip as unknown as {
      sendRpc(to: string, rpc: { subscriptions: unknown }): boolean
      sendSubscriptions(to: string, topics: string[], subscribe: boolean): void
    }
    steps.sendRpc = (to, rpc) => {
      sent.push([to, rpc.subscriptions])
      return true
    }
    const tell = filterGossip(gossip, { tells: (peer, topic) => topic === `of ${peer}`, hears: (_, rpc) => rpc })
    steps.sendSubscriptions('a', ['of a', 'of b'], true)
    expect(sent).toEqual([['a', [{ topic: 'of a', subscribe: true }]]])
    sent.length = 0
    tell(
      'a',
      Array.from({ length: 50 }, (_, i) => `topic ${i}`),
      true,
    )
    expect(sent.map(message => (message as [string, unknown[]])[1].length)).toEqual([48, 2])
  })

  it('are asked for', () => {
    expect(() =>
      filterGossip({ topicValidators: new Map() } as never, { tells: () => true, hears: (_, rpc) => rpc }),
    ).toThrow('this version of gossipsub has no step sendSubscriptions')
  })
})
