import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectivityErrorType as T, type ParticipantStatus } from '../../services/core/domain/connectivity'
import { presenceKeys, sealAnnouncement } from '../../services/core/net/presence'
import { rankRelays, webrtcAddress } from '../../services/core/net/rendezvous'
import {
  connectToDiscoveredPeer,
  createP2P,
  ensureConnected,
  getCachedRelayAddress,
  getConnectionType,
  getP2P,
  initP2P,
  stopP2P,
  type P2P,
  type P2PDeps,
  type P2PEvent,
} from '../../services/p2p'
import { FakeClock } from '../fakes/clock'
import { createFakeEntropy } from '../fakes/entropy'
import { createFakeLog } from '../fakes/log'
import { fakePeer, type FakePeer } from '../fakes/peers'
import { createMemoryNetwork, type MemoryNetwork, type MemoryTransport } from '../fakes/transport'

const groupSecret = '42'.repeat(32)
const walletId = 'ab'.repeat(32)
const names = ['alice', 'bob', 'carol'] as const
const people = names.map(fakePeer)
const [alice, bob, carol] = people as [FakePeer, FakePeer, FakePeer]
const leave = { type: 'leave', draftId: '01'.repeat(32) } as const

interface Member {
  peer: FakePeer
  p2p: P2P
  strangers: Set<string>
  roster: Set<string>
  transport: MemoryTransport
  events: P2PEvent[]
  saved: Map<string, Uint8Array>
}
interface World {
  clock: FakeClock
  network: MemoryNetwork
  relays: string[]
  open(
    peer: FakePeer,
    options?: { wallet?: boolean; saved?: Map<string, Uint8Array>; relays?: string[] },
  ): Promise<Member>
}

let opened: Member[] = []
afterEach(async () => {
  await stopP2P()
  await Promise.all(opened.map(m => m.p2p.stop()))
  opened = []
})

function world(relayCount = 1): World {
  const clock = new FakeClock()
  const network = createMemoryNetwork({ clock })
  const relays = Array.from({ length: relayCount }, () => network.relay())
  let runs = 0
  return {
    clock,
    network,
    relays,
    async open(peer, options = {}) {
      const transport = network.transport(peer.peerId)
      const saved = options.saved ?? new Map<string, Uint8Array>()
      const events: P2PEvent[] = []
      const storage: P2PDeps['storage'] = {
        all: async () => [...saved].map(([key, value]) => ({ key, value })),
        put: async (_, key, value) => {
          saved.set(key, value)
        },
      }
      const strangers = new Set<string>()
      const roster = new Set(people.map(p => p.peerId))
      const allowed: P2PDeps['allowed'] = (peerId, protocol) =>
        protocol === 'join' ? strangers.has(peerId) : roster.has(peerId)
      const p2p = createP2P({
        transport,
        clock,
        entropy: createFakeEntropy(`${peer.name} ${++runs}`),
        log: createFakeLog(),
        sign: peer.sign,
        allowed,
        relays: options.relays ?? relays,
        storage,
        build: 'test',
        onEvent: e => events.push(e),
      })
      if (options.wallet ?? true) p2p.joinWallet(wallet(peer, relays))
      const member = { peer, p2p, strangers, roster, transport, events, saved }
      opened.push(member)
      await p2p.start()
      return member
    },
  }
}

const wallet = (self: FakePeer, relays: string[], members = people) => ({
  walletId,
  groupSecret,
  self: self.accountKey,
  relays,
  members: members.map(p => ({ accountKey: p.accountKey, peerId: p.peerId })),
})

const states = (m: Member, peer: FakePeer): string[] =>
  m.events
    .flatMap(e => (e.type === 'peer' && e.status.peerId === peer.peerId ? [e.status.state] : []))
    .filter((s, i, all) => s !== all[i - 1])

describe('members of a wallet find each other', () => {
  it('by rendezvous alone, over WebRTC, links up in both directions', async () => {
    const w = world(3)
    const all = [await w.open(alice), await w.open(bob), await w.open(carol)]
    await w.clock.advance(10_000)
    for (const m of all) {
      for (const other of people.filter(p => p !== m.peer)) {
        expect(m.p2p.getConnectionType(other.peerId)).toBe('webrtc')
        expect(m.p2p.isLinkUp(other.peerId, 'sign')).toBe(true)
        expect(m.p2p.isLinkUp(other.peerId, 'wallet')).toBe(true)
        expect(m.p2p.status(other.peerId)).toMatchObject({
          connected: true,
          connectionType: 'webrtc',
          member: other.accountKey,
        })
      }
      expect(
        m.p2p
          .relays()
          .map(r => r.address)
          .sort(),
      ).toEqual(rankRelays(m.peer.peerId, w.relays).slice(0, 2).sort())
    }
  })

  it('who is not known on the other side calls at once, whatever the two ids are', async () => {
    const w = world()
    const [low, high] = [...people].sort((a, b) => (a.peerId < b.peerId ? -1 : 1)) as [FakePeer, FakePeer]
    for (const [caller, called] of [
      [low, high],
      [high, low],
    ] as const) {
      const [mine, theirs] = [await w.open(caller, { wallet: false }), await w.open(called, { wallet: false })]
      theirs.strangers.add(caller.peerId)
      mine.strangers.add(called.peerId)
      const release = mine.p2p.watch(called.peerId, { relays: w.relays, links: ['join'], unknown: true })
      await w.clock.advance(500)
      expect(mine.p2p.status(called.peerId)).toMatchObject({ connected: true })
      release()
      await Promise.all([mine.p2p.stop(), theirs.p2p.stop()])
    }
  })

  it('hears presence, says online and last seen, and forgets after 180 s', async () => {
    const w = world()
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(31_000)
    expect(
      a.events.some(e => e.type === 'presence' && e.peerId === bob.peerId && e.accountKey === bob.accountKey),
    ).toBe(true)
    expect(a.p2p.members(walletId)).toMatchObject([
      { peerId: bob.peerId, online: true },
      { peerId: carol.peerId, online: false },
    ])
    await b.p2p.stop()
    await w.clock.advance(5_000)
    // a live look overrides the announcement, which has not expired
    expect(a.p2p.members(walletId)[0]).toMatchObject({ online: false, status: { connected: false } })
    await w.clock.advance(180_000)
    const [gone] = a.p2p.members(walletId)
    expect(gone).toMatchObject({
      online: false,
      status: { state: 'failed', errorType: T.PEER_NOT_FOUND, retryable: true },
    })
    expect(gone?.lastSeen).toBeGreaterThan(w.clock.now() - 240_000)
  })

  it('tells who is online and not reached from here from who is away', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    w.network.cut(alice.peerId, bob.peerId)
    await w.clock.advance(40_000)
    expect(a.p2p.members(walletId)).toMatchObject([
      { peerId: bob.peerId, online: true, status: { connected: false } },
      { peerId: carol.peerId, online: false },
    ])
  })

  it('remembers where a peer was, over a reload', async () => {
    const w = world(3)
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(10_000)
    const cached = a.p2p.getCachedRelayAddress(bob.peerId)
    expect(cached).toMatch(new RegExp(`/p2p-circuit/p2p/${bob.peerId}$`))
    await a.p2p.stop()
    const again = await w.open(alice, { saved: a.saved, wallet: false })
    expect(again.p2p.getCachedRelayAddress(bob.peerId)).toBe(cached)
    expect(again.p2p.getCachedRelayAddress('nobody')).toBeUndefined()
  })

  it('serves members only; strangers on the join protocol while they may', async () => {
    const w = world()
    const a = await w.open(alice)
    const dave = fakePeer('dave')
    const d = await w.open(dave, { wallet: false })
    const heard: string[] = []
    a.p2p.onMessage('join', (from, m) => {
      heard.push(`${from === dave.peerId ? 'dave' : '?'} ${m.type}`)
    })
    d.strangers.add(alice.peerId)
    const release = d.p2p.watch(alice.peerId, { links: ['join'], relays: w.relays })
    await w.clock.advance(5_000)
    expect(d.p2p.getConnectionType(alice.peerId)).toBe('webrtc')
    expect(await d.p2p.send(alice.peerId, 'join', leave)).toBe(false)
    a.strangers.add(dave.peerId)
    await w.clock.advance(60_000)
    expect(await d.p2p.send(alice.peerId, 'join', leave)).toBe(true)
    expect(d.p2p.isLinkUp(alice.peerId, 'sign')).toBe(false)
    await w.clock.settle()
    expect(heard).toEqual(['dave leave'])
    a.strangers.clear()
    await d.p2p.send(alice.peerId, 'join', leave)
    await w.clock.settle()
    expect(heard).toHaveLength(1)
    release()
  })

  it('lets a removed member go', async () => {
    const w = world()
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(5_000)
    a.roster.delete(bob.peerId)
    a.p2p.joinWallet(wallet(alice, w.relays, [alice, carol]))
    await w.clock.settle()
    expect(a.p2p.status(bob.peerId)).toBeUndefined()
    expect(a.p2p.isLinkUp(bob.peerId, 'wallet')).toBe(false)
    expect(b.p2p.isLinkUp(alice.peerId, 'wallet')).toBe(false)
    a.p2p.leaveWallet(walletId)
    expect(a.p2p.statuses()).toEqual([])
  })
})

describe('connections are watched', () => {
  it('two missed pings mean dropped; back is told too', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    w.network.freeze(bob.peerId)
    await w.clock.advance(13_000)
    expect(a.p2p.status(bob.peerId)?.connected).toBe(false)
    expect(states(a, bob)).toContain('failed')
    w.network.thaw(bob.peerId)
    await w.clock.advance(65_000)
    expect(a.p2p.status(bob.peerId)).toMatchObject({ connected: true, connectionType: 'webrtc' })
    expect(states(a, bob).at(-1)).toBe('connected')
    expect(a.p2p.isLinkUp(bob.peerId, 'sign')).toBe(true)
  })

  it('one missed ping is forgiven', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    const since = a.p2p.status(bob.peerId)?.since
    w.network.freeze(bob.peerId)
    await w.clock.advance(5_500)
    w.network.thaw(bob.peerId)
    await w.clock.advance(20_000)
    expect(a.p2p.status(bob.peerId)).toMatchObject({ connected: true, since })
  })

  it('wake finds out at once', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    w.network.kill(bob.peerId)
    await w.clock.settle()
    expect(a.p2p.status(bob.peerId)?.connected).toBe(true)
    a.p2p.wake()
    await w.clock.advance(2_000)
    expect(a.p2p.status(bob.peerId)).toMatchObject({ connected: false, state: 'failed', errorType: T.TIMEOUT })
    await w.open(bob)
    await w.clock.advance(10_000)
    expect(a.p2p.status(bob.peerId)?.connected).toBe(true)
  })

  it('wake verifies the places on relays too', async () => {
    const w = world()
    const a = await w.open(alice)
    const wake = vi.spyOn(a.transport, 'wake')
    a.p2p.wake()
    expect(wake).toHaveBeenCalledTimes(1)
    await a.p2p.stop()
    a.p2p.wake()
    expect(wake).toHaveBeenCalledTimes(1)
  })

  it('a half-open connection is replaced by the one that the peer opens, and closed', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    const before = a.transport.connections(bob.peerId)[0]
    w.network.goStale(alice.peerId, bob.peerId)
    await w.clock.advance(6_000)
    expect(a.transport.connections(bob.peerId).map(c => c.id)).not.toContain(before?.id)
    expect(a.p2p.status(bob.peerId)?.connected).toBe(true)
    expect(a.p2p.isLinkUp(bob.peerId, 'sign')).toBe(true)
  })

  it('a relayed connection becomes WebRTC in the background and the relayed one goes', async () => {
    const w = world()
    w.network.cut(alice.peerId, bob.peerId, ['webrtc'])
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(30_000)
    expect(a.p2p.status(bob.peerId)).toMatchObject({ connected: true, connectionType: 'relay' })
    expect(a.p2p.isLinkUp(bob.peerId, 'sign')).toBe(true)
    w.network.mend(alice.peerId, bob.peerId)
    await w.clock.advance(180_000)
    for (const [m, other] of [
      [a, bob],
      [b, alice],
    ] as const) {
      expect(m.p2p.status(other.peerId)).toMatchObject({ connected: true, connectionType: 'webrtc' })
      expect(m.transport.connections(other.peerId).map(c => c.kind)).not.toContain('relay')
      expect(m.p2p.isLinkUp(other.peerId, 'sign')).toBe(true)
    }
  })

  it('one direct connection is enough: a second one goes again, the one in use stays, whoever dialled it', async () => {
    const w = world()
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(10_000)
    const [used] = a.transport.connections(bob.peerId)
    for (const [m, other] of [
      [a, bob],
      [b, alice],
    ] as const) {
      await m.transport.dial(other.peerId, webrtcAddress(w.relays[0] ?? '', other.peerId), {
        signal: new AbortController().signal,
      })
      await w.clock.advance(10_000)
      expect(a.transport.connections(bob.peerId).map(c => c.id)).toEqual([used?.id])
      expect(b.transport.connections(alice.peerId)).toHaveLength(1)
      for (const [one, two] of [
        [a, bob],
        [b, alice],
      ] as const)
        expect(one.p2p.isLinkUp(two.peerId, 'sign')).toBe(true)
    }
  })

  it('both dial in the same moment: one connection stays', async () => {
    const w = world()
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(10_000)
    w.network.drop(alice.peerId, bob.peerId)
    await Promise.all(
      (
        [
          [a, bob],
          [b, alice],
        ] as const
      ).map(([m, other]) =>
        m.transport.dial(other.peerId, webrtcAddress(w.relays[0] ?? '', other.peerId), {
          signal: new AbortController().signal,
        }),
      ),
    )
    await w.clock.advance(10_000)
    expect(a.transport.connections(bob.peerId)).toHaveLength(1)
    expect(b.transport.connections(alice.peerId)).toHaveLength(1)
    expect(a.p2p.status(bob.peerId)).toMatchObject({ connected: true, connectionType: 'webrtc' })
  })

  it.each([
    ['alice', 'bob'],
    ['bob', 'alice'],
  ] as const)(
    '%s dials, and %s dials 1.7 s later, as whoever yields does: one connection stays',
    async (first, _second) => {
      const w = world()
      const a = await w.open(alice)
      const b = await w.open(bob)
      await w.clock.advance(10_000)
      w.network.drop(alice.peerId, bob.peerId)
      const dial = (m: typeof a, other: typeof alice) =>
        m.transport.dial(other.peerId, webrtcAddress(w.relays[0] ?? '', other.peerId), {
          signal: new AbortController().signal,
        })
      await (first === 'alice' ? dial(a, bob) : dial(b, alice))
      await w.clock.advance(1_700)
      await (first === 'alice' ? dial(b, alice) : dial(a, bob))
      await w.clock.advance(20_000)
      expect(a.transport.connections(bob.peerId)).toHaveLength(1)
      expect(b.transport.connections(alice.peerId)).toHaveLength(1)
    },
  )

  it('tries an absent peer ever less often, and at once when it is heard', async () => {
    const w = world()
    const a = await w.open(alice)
    let dials = 0
    const dial = a.transport.dial.bind(a.transport)
    a.transport.dial = (peerId, address, options) => {
      if (peerId === bob.peerId) dials++
      return dial(peerId, address, options)
    }
    await w.clock.advance(60_000)
    const first = dials
    await w.clock.advance(600_000)
    expect(first).toBeGreaterThan(3)
    expect(dials - first).toBeLessThan(25)
    await w.open(bob)
    await w.clock.advance(4_000)
    expect(a.p2p.getConnectionType(bob.peerId)).toBe('webrtc')
  })

  it('a restarted relay is used again', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(5_000)
    w.network.dropRelay(w.relays[0] ?? '')
    await w.clock.advance(5_000)
    expect(a.p2p.addresses()).toEqual([])
    expect(a.events.some(e => e.type === 'relay' && e.relay.state === 'unreachable')).toBe(true)
    w.network.restoreRelay(w.relays[0] ?? '')
    await w.clock.advance(5_000)
    expect(a.p2p.addresses().length).toBeGreaterThan(0)
    expect(a.p2p.status(bob.peerId)?.connected).toBe(true)
  })
})

describe('the gate over the whole door', () => {
  it('names who is missing, and succeeds on retry when he is back', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    const targets = people.map(p => ({ peerId: p.peerId, member: p.accountKey }))
    const gate = async () => {
      let result: Awaited<ReturnType<P2P['ensureConnected']>> | undefined
      void a.p2p.ensureConnected(targets).then(r => {
        result = r
      })
      for (let i = 0; i < 400 && !result; i++) await w.clock.advance(100)
      return result
    }
    expect(await gate()).toMatchObject({
      allConnected: false,
      connected: [bob.peerId],
      failed: [{ peerId: carol.peerId, member: carol.accountKey, errorType: T.PEER_NOT_FOUND, retryable: true }],
    })
    await w.open(carol)
    expect(await gate()).toEqual({ allConnected: true, connected: [bob.peerId, carol.peerId], failed: [] })
  })

  it('shows each step, and what came of it, in the statuses of watched peers too', async () => {
    const w = world()
    const a = await w.open(alice)
    await w.open(bob)
    await w.clock.advance(70_000)
    const from = a.events.length
    const told: ParticipantStatus[] = []
    const gate = a.p2p.ensureConnected([{ peerId: bob.peerId }, { peerId: carol.peerId }], {
      onStatus: status => told.push(status),
    })
    await w.clock.advance(500)
    expect(a.p2p.status(carol.peerId)).toMatchObject({ state: 'connecting', member: carol.accountKey })
    // who is connected stays so while the gate asks for an answer
    expect(a.p2p.status(bob.peerId)).toMatchObject({ state: 'connected', connected: true })
    await w.clock.advance(4_000)
    expect((await gate).failed).toMatchObject([{ peerId: carol.peerId, errorType: T.PEER_NOT_FOUND }])
    const steps = (statuses: ParticipantStatus[]): string[] =>
      statuses.filter(s => s.peerId === carol.peerId).map(s => `${s.state} ${s.step ?? ''}`)
    const shown = steps(a.events.slice(from).flatMap(e => (e.type === 'peer' ? [e.status] : [])))
    const [waiting, ...rest] = steps(told)
    expect(waiting).toBe('waiting ')
    expect(rest.at(-1)).toBe('failed relay')
    expect(shown.slice(0, rest.length)).toEqual(rest)
  })

  it('connects a discovered peer, and dials no relay that is on no list of ours', async () => {
    const w = world()
    const a = await w.open(alice, { wallet: false })
    await w.open(bob, { wallet: false })
    const evil = w.network.relay()
    const dialled: string[] = []
    const dial = a.transport.dial.bind(a.transport)
    a.transport.dial = (peerId, address, options) => {
      dialled.push(address)
      return dial(peerId, address, options)
    }
    const result = await a.p2p.connectToDiscoveredPeer({
      peerId: bob.peerId,
      multiaddrs: [`${evil}/p2p-circuit/p2p/${bob.peerId}`],
      relayAddrs: [],
      webrtcAddr: null,
    })
    expect(result).toEqual({ success: true, connectionType: 'webrtc' })
    expect(dialled.every(x => x.startsWith(w.relays[0] ?? ''))).toBe(true)
    const absent = a.p2p.connectToDiscoveredPeer({ peerId: carol.peerId })
    await w.clock.advance(5_000)
    expect(await absent).toMatchObject({ success: false, errorType: T.PEER_NOT_FOUND })
  })
})

describe('one person at two machines', () => {
  it('the older run hears the newer one announce itself, says so and stops', async () => {
    const w = world()
    const older = await w.open(alice)
    await w.clock.advance(5_000)
    // the second machine is not in this network's books under the same id: its announcement comes over gossip
    const b = await w.open(bob, { wallet: false })
    const keys = presenceKeys(groupSecret)
    const say = async (startedAt: number, by = alice): Promise<void> => {
      const sealed = await sealAnnouncement(
        {
          sender: alice.accountKey,
          peerId: alice.peerId,
          addresses: [],
          startedAt,
          counter: 1,
          instance: 'ff'.repeat(16),
          at: w.clock.now(),
        },
        keys,
        createFakeEntropy(`${startedAt} ${by.name}`),
        by.sign,
      )
      await b.transport.publish(keys.topic, sealed)
      await w.clock.settle()
    }
    await say(older.p2p.self.startedAt - 1)
    await say(older.p2p.self.startedAt + 1, bob)
    expect(older.events.some(e => e.type === 'newer-instance')).toBe(false)
    await say(older.p2p.self.startedAt + 1)
    expect(older.events.at(-1)).toMatchObject({ type: 'newer-instance', instance: 'ff'.repeat(16) })
    expect(older.transport.connections()).toEqual([])
  })
})

describe('stop', () => {
  it('leaves no timer, stream, dial or listener, whatever was going on', async () => {
    const w = world(2)
    w.network.cut(alice.peerId, bob.peerId, ['webrtc'])
    const a = await w.open(alice)
    const b = await w.open(bob)
    await w.clock.advance(20_000)
    const gate = a.p2p.ensureConnected([{ peerId: carol.peerId }, { peerId: bob.peerId }])
    await a.p2p.stop()
    await b.p2p.stop()
    expect((await gate).allConnected).toBe(false)
    await w.clock.settle()
    const nothing = { timers: 0, operations: 0, listeners: 0, outgoing: 0, inbound: 0 }
    expect(a.p2p.counters()).toEqual(nothing)
    expect(b.p2p.counters()).toEqual(nothing)
    await w.clock.advance(60_000)
    expect(a.p2p.counters()).toEqual(nothing)
    expect(a.transport.connections()).toEqual([])
    await a.p2p.stop()
    expect((await a.p2p.ensureConnected([{ peerId: bob.peerId }])).failed).toHaveLength(1)
  })
})

describe('the module-level functions', () => {
  it('say that P2P is not initialized, then act on the current instance', async () => {
    expect(getP2P()).toBeUndefined()
    expect(await connectToDiscoveredPeer({ peerId: bob.peerId })).toMatchObject({
      success: false,
      error: 'P2P not initialized',
    })
    expect(await ensureConnected([{ peerId: bob.peerId }])).toMatchObject({
      allConnected: false,
      connected: [],
      failed: [{ peerId: bob.peerId, error: 'P2P not initialized' }],
    })
    expect([getConnectionType(bob.peerId), getCachedRelayAddress(bob.peerId)]).toEqual(['none', undefined])

    const w = world()
    await w.open(bob, { wallet: false })
    const transport = w.network.transport(alice.peerId)
    const deps = {
      transport,
      clock: w.clock,
      entropy: createFakeEntropy('x'),
      log: createFakeLog(),
      sign: alice.sign,
      allowed: () => true,
      relays: w.relays,
    }
    const p2p = initP2P(deps)
    expect(() => initP2P(deps)).toThrow('already')
    await p2p.start()
    expect(await connectToDiscoveredPeer({ peerId: bob.peerId })).toEqual({ success: true, connectionType: 'webrtc' })
    expect(getConnectionType(bob.peerId)).toBe('webrtc')
    expect(getCachedRelayAddress(bob.peerId)).toBe(`${w.relays[0]}/p2p-circuit/p2p/${bob.peerId}`)
    await stopP2P()
    expect(getConnectionType(bob.peerId)).toBe('none')
  })
})

describe('relay only', () => {
  it('moves a line to the relay and keeps it there, whoever calls, until it is switched off', async () => {
    const w = world(2)
    const [a, b] = [await w.open(alice), await w.open(bob)]
    await w.clock.advance(10_000)
    expect(a.p2p.getConnectionType(bob.peerId)).toBe('webrtc')
    await b.p2p.setIce({ servers: [], relayOnly: true })
    await w.clock.advance(60_000)
    for (const [me, other] of [
      [a, bob],
      [b, alice],
    ] as const) {
      expect(me.p2p.getConnectionType(other.peerId)).toBe('relay')
      expect(me.p2p.isLinkUp(other.peerId, 'sign')).toBe(true)
    }
    const report = await b.p2p.report(alice.peerId)
    expect(report.kind).toBe('relay')
    expect(report.attempts[0]?.via).toBe('relay')
    await b.p2p.setIce({ servers: [], relayOnly: false })
    await w.clock.advance(700_000)
    expect(a.p2p.getConnectionType(bob.peerId)).toBe('webrtc')
  })
})
