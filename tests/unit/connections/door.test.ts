import { describe, expect, it } from 'vitest'
import { NetworkSettings } from '../../../services/core/net/network-settings'
import type { IceSettings } from '../../../services/core/domain/ice'
import { createConnections, type ConnectionsDeps, type ConnectionsView } from '../../../services/connections'
import type { P2PEvent } from '../../../services/p2p'
import type { RelayStatus } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'
import { createFakeStorage } from '../../fakes/storage'

const relay = (n: number): string =>
  `/dns4/relay${n}.example/tcp/443/wss/p2p/12D3KooWMCutFtoEhGKPyYn2fMtXqCcLLbc8VTrz2y6m4jGaREG${'ABCDEFGH'[n]}`
const turn = { url: 'turn:turn.example', username: 'ann', credential: 'a secret' }

async function world(statuses: RelayStatus[] = [], probe: Partial<ConnectionsDeps['probe']> = {}) {
  const views: ConnectionsView[] = []
  const asked = { relays: [] as Array<readonly string[]>, ice: [] as IceSettings[] }
  let listener: (event: P2PEvent) => void = () => undefined
  const clock = new FakeClock()
  const door = createConnections({
    p2p: {
      peerId: 'me',
      relays: () => statuses,
      setRelays: list => asked.relays.push(list),
      setIce: async ice => {
        asked.ice.push(ice)
      },
      relayRoundTrip: async address => (address === relay(0) ? 12 : undefined),
      report: async peerId => ({ peerId, kind: 'none', nat: 'none', attempts: [] }),
      onEvent: l => {
        listener = l
        return () => {
          listener = () => undefined
        }
      },
    },
    settings: await NetworkSettings.load(createFakeStorage()),
    chains: new Map(),
    clock,
    app: { relays: [relay(0)], stun: ['stun:app.example', 'turn:app.example'] },
    probe: {
      relay: async () => ({ state: 'reserved' }),
      circuit: async () => ({ rttMs: 1 }),
      rtc: async () => undefined,
      ...probe,
    },
    walletRelays: () => [relay(1)],
    online: () => true,
    log: {
      entries: () => [{ number: 1, at: clock.now(), level: 'warn', event: 'net.offence', fields: { count: 2 } }],
    },
    onChange: view => views.push(view),
  })
  return { door, views, asked, clock, event: (e: P2PEvent) => listener(e) }
}

describe("the door to one's connections", () => {
  it('lists every relay with its origin and state, and the latency of those in use', async () => {
    const w = await world([
      { address: relay(0), state: 'reserved' },
      { address: relay(3), state: 'connecting' },
    ])
    await w.door.addRelay(relay(2))
    await w.door.measureRelays()
    expect(w.views.at(-1)?.relays).toEqual([
      { address: relay(0), state: 'reserved', origin: 'app', latencyMs: 12 },
      { address: relay(3), state: 'connecting', origin: 'invite' },
      { address: relay(1), state: 'idle', origin: 'wallet' },
      { address: relay(2), state: 'idle', origin: 'own' },
    ])
    expect(w.asked.relays).toEqual([[relay(0), relay(2)]])
  })

  it("adds to the wallet's list only what is not on it, and lets go of its own", async () => {
    const w = await world()
    expect(await w.door.addRelay(relay(1))).toMatchObject({ error: { field: 'relay', code: 'known' } })
    expect(await w.door.addRelay(relay(0))).toMatchObject({ error: { field: 'relay', code: 'known' } })
    await w.door.addRelay(relay(2))
    w.door.setInvited([relay(3)])
    await w.door.removeRelay(relay(2))
    expect(w.asked.relays.at(-1)).toEqual([relay(0), relay(3)])
  })

  it('hands servers and privacy to the next connections, and shows no password', async () => {
    const w = await world()
    await w.door.addIceServer(turn)
    await w.door.setRelayOnly(true)
    // a TURN server of config.json has no password and is left out
    expect(w.asked.ice.at(-1)).toEqual({ servers: [{ url: 'stun:app.example' }, turn], relayOnly: true })
    expect(w.views.at(-1)).toMatchObject({
      relayOnly: true,
      direct: true,
      ice: [
        { url: 'stun:app.example', turn: false, fixed: true },
        { url: turn.url, turn: true, fixed: false },
      ],
    })
    expect(JSON.stringify(w.views)).not.toContain(turn.credential)
    await w.door.removeIceServer(turn.url)
    expect(w.views.at(-1)).toMatchObject({ relayOnly: true, direct: false })
  })

  it('tests any relay, and is told in time of one that hangs', async () => {
    const w = await world([], { relay: () => new Promise(() => undefined) })
    expect(await w.door.testRelay('wss://x')).toMatchObject({ error: { field: 'relay', code: 'malformed' } })
    const word = w.door.testRelay(relay(5))
    await w.clock.advance(10_000)
    expect(await word).toEqual({ ok: true, value: { state: 'unreachable' } })
    expect(w.clock.pending).toBe(0)
  })

  it('puts what was logged into the report', async () => {
    const w = await world()
    await w.clock.advance(3_000)
    const frame = { build: '', browser: '', at: '', clockOffsetMs: null, chains: [] }
    const report = JSON.parse(await w.door.healthReport([], frame, false)) as { log: string[] }
    expect(report.log).toEqual(['0 s ago warn net.offence: count=2'])
  })

  it('says nothing more after it was stopped', async () => {
    const w = await world()
    w.event({ type: 'addresses', addresses: [] })
    expect(w.views).toHaveLength(1)
    w.door.stop()
    w.event({ type: 'addresses', addresses: [] })
    await w.door.addRelay(relay(2))
    expect(w.views).toHaveLength(1)
    expect(w.asked.relays).toEqual([])
  })
})
