import { describe, expect, it } from 'vitest'
import { AddressCache } from '../../../services/core/net/address-cache'
import { PeerRelays } from '../../../services/core/net/peer-relays'
import { Peers } from '../../../services/core/net/peers'
import { rankRelays } from '../../../services/core/net/rendezvous'
import { FakeClock } from '../../fakes/clock'

const relay = (n: number): string => `/dns4/r${n}.test/tcp/443/wss/p2p/12D3KooWRelay${n}`
const list = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => relay(from + i))

function world(direct = true) {
  const peers = new Peers({ clock: new FakeClock(), onStatus: () => undefined })
  const cache = new AddressCache(undefined, e => {
    throw e
  })
  const relays = new PeerRelays({ peers, cache, transport: { direct: () => direct }, appRelays: () => list(0, 2) })
  peers.add('bob')
  return { peers, cache, relays, tried: (first?: string[]) => order(relays.candidates('bob', first)) }
}
const order = (all: ReturnType<PeerRelays['candidates']>): string[] => [...new Set(all.map(c => c.relay))]

describe('the relays on which a peer is looked for', () => {
  it("are the app's for a stranger, those of the wallet for a member, and those of an invite beside them", () => {
    const { peers, tried } = world()
    expect(tried()).toEqual(rankRelays('bob', list(0, 2)))
    peers.setPlace('bob', 'w1', { accountKey: '02aa', relays: list(2, 4) })
    expect(tried()).toEqual(rankRelays('bob', list(2, 4)))
    peers.setInviteRelays('bob', [relay(9)])
    expect(tried()).toEqual([...rankRelays('bob', list(2, 4)), relay(9)])
    peers.setPlace('bob', 'w1', undefined)
    expect(tried()).toEqual([relay(9)])
    peers.setInviteRelays('bob', undefined)
    expect(tried()).toEqual(rankRelays('bob', list(0, 2)))
  })

  it('are at most eight, where it was reached last before all others, and on no list but ours', () => {
    const { peers, cache, relays, tried } = world()
    for (let i = 0; i < 4; i++)
      peers.setPlace('bob', `w${i}`, { accountKey: '02aa', relays: list(10 * i + 10, 10 * i + 20) })
    expect(tried()).toHaveLength(8)
    cache.note('bob', [relay(999), relay(49)], 1)
    expect(tried()[0]).toBe(relay(49))
    expect(tried()).not.toContain(relay(999))
    expect(tried([relay(48), relay(998)]).slice(0, 2)).toEqual([relay(48), relay(49)])
    expect(
      relays.ofAddresses('bob', [`${relay(12)}/p2p-circuit/p2p/bob`, `${relay(998)}/p2p-circuit/p2p/bob`, '']),
    ).toEqual([relay(12)])
  })

  it('are dialled over the plain circuit alone when WebRTC is not allowed', () => {
    expect(
      new Set(
        world()
          .relays.candidates('bob')
          .map(c => c.kind),
      ),
    ).toEqual(new Set(['webrtc', 'relay']))
    expect(
      new Set(
        world(false)
          .relays.candidates('bob')
          .map(c => c.kind),
      ),
    ).toEqual(new Set(['relay']))
  })
})
