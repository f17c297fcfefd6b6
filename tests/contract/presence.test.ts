import { afterEach, expect, it } from 'vitest'
import { RealNetwork } from '../support/real-network'
import { until } from '../support/until'

let network = new RealNetwork()
afterEach(async () => {
  await network.close()
  network = new RealNetwork()
})

it("members hear each other's presence through a real relay: online, last seen, and where they are", async () => {
  const { addrs } = await network.relay()
  const [a, b] = await Promise.all([network.node(addrs), network.node(addrs)])
  const walletId = 'ab'.repeat(32)
  const members = [a, b].map(n => ({ accountKey: n.accountKey, peerId: n.transport.peerId }))
  for (const n of [a, b])
    n.p2p.joinWallet({ walletId, groupSecret: '42'.repeat(32), self: n.accountKey, relays: addrs, members })
  await until(
    () => [a, b].every(n => n.events.some(e => e.type === 'presence')),
    'an announcement on both sides',
    50_000,
  )
  expect(a.p2p.members(walletId)).toMatchObject([
    { accountKey: b.accountKey, peerId: b.transport.peerId, online: true, lastSeen: expect.any(Number) as number },
  ])
  expect(a.p2p.getCachedRelayAddress(b.transport.peerId)).toBe(
    `${addrs[0] ?? ''}/p2p-circuit/p2p/${b.transport.peerId}`,
  )
})
