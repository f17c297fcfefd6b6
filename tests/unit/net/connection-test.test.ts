import { describe, expect, it } from 'vitest'
import type { ConnectionTest } from '../../../services/core/domain/connection-test'
import type { IceSettings } from '../../../services/core/domain/ice'
import { testConnection } from '../../../services/core/net/connection-test'
import type { Probe } from '../../../services/ports/probe'
import type { RelayStatus } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'

const RELAY = '/dns4/r1.test/tcp/443/wss/p2p/12D3KooWRelay1'
const turn = { url: 'turn:turn.example', username: 'ann', credential: 'secret' }
const host = { kind: 'mdns', protocol: 'udp', port: 1 } as const
const good: Probe = {
  relay: async () => ({ state: 'reserved', latencyMs: 12 }),
  circuit: async () => ({ rttMs: 20 }),
  rtc: async ({ relayOnly }) => ({
    candidates: relayOnly ? [{ kind: 'relay', protocol: 'udp', port: 2 }] : [host],
    connected: true,
  }),
}
interface World {
  readonly probe?: Partial<Probe>
  readonly relays?: Array<RelayStatus['state']>
  readonly ice?: Partial<IceSettings>
  readonly online?: boolean
  readonly tip?: 'ok' | 'dead' | 'hangs'
  readonly signal?: AbortSignal
}

async function run({
  probe = {},
  relays = ['reserved'],
  ice = {},
  online = true,
  tip = 'ok',
  signal,
}: World): Promise<ConnectionTest> {
  const clock = new FakeClock()
  const result = testConnection(
    {
      probe: { ...good, ...probe },
      clock,
      peerId: 'me',
      relays: () => relays.map((state, i) => ({ address: `${RELAY}${i}`, state })),
      online: () => online,
      ice: { servers: [], relayOnly: false, ...ice },
      chains: new Map([
        [
          'signet',
          {
            tip: async () =>
              tip === 'hangs'
                ? new Promise(() => undefined)
                : tip === 'ok'
                  ? { ok: true, value: { height: 1, hash: '' } }
                  : { ok: false, error: { code: 'unreachable', detail: '', retryable: true } },
          },
        ],
      ]),
    },
    signal,
  )
  await clock.advance(20_000)
  const done = await result
  expect(clock.pending, 'timers left behind').toBe(0)
  return done
}

describe('testing the connection', () => {
  it("says that others reach this browser when a stranger's call came through", async () => {
    expect(await run({})).toMatchObject({
      verdict: 'reachable',
      direct: 'host-only',
      relays: [{ state: 'reserved', latencyMs: 12, called: true }],
      candidates: { mdns: 1 },
      chains: [{ network: 'signet', ok: true }],
    })
  })

  const dead = { relay: async () => ({ state: 'unreachable', error: new Error('no route') }) } satisfies Partial<Probe>
  it.each<[string, World, ConnectionTest['verdict']]>([
    ['no relay is set up', { relays: [] }, 'no-relay'],
    ['the network is off', { relays: ['unreachable'], probe: dead, online: false }, 'offline'],
    ['no relay answers', { relays: ['unreachable', 'unreachable'], probe: dead }, 'relay-unreachable'],
    [
      'the relay is full',
      { relays: ['refused'], probe: { relay: async () => ({ state: 'refused' }) } },
      'relay-refused',
    ],
    ['the relay takes others but has no place of ours', { relays: ['connecting'] }, 'no-place'],
    [
      'nobody gets through the relay',
      { probe: { circuit: async () => ({ error: new Error('NO_RESERVATION') }) } },
      'not-called',
    ],
    [
      'one of two relays is enough',
      {
        relays: ['reserved', 'unreachable'],
        probe: { relay: async a => (a.endsWith('0') ? { state: 'reserved' } : { state: 'unreachable' }) },
      },
      'reachable',
    ],
    ['the browser believes to be offline but a relay nearby answers', { online: false }, 'reachable'],
    [
      'a full relay that keeps our place',
      { probe: { relay: async () => ({ state: 'refused', latencyMs: 5 }) } },
      'reachable',
    ],
  ])('%s: %s', async (_, world, verdict) => {
    expect((await run(world)).verdict).toBe(verdict)
  })

  const srflx = (port: number) => ({ kind: 'srflx', protocol: 'udp', port }) as const
  it.each<[string, World, ConnectionTest['direct']]>([
    ['no WebRTC in this browser', { probe: { rtc: async () => undefined } }, 'missing'],
    ['its own two ends do not meet', { probe: { rtc: async () => ({ candidates: [], connected: false }) } }, 'blocked'],
    [
      'an outside address',
      { probe: { rtc: async () => ({ candidates: [host, srflx(7)], connected: true }) } },
      'reflexive',
    ],
    [
      'another outside port per server',
      { probe: { rtc: async () => ({ candidates: [host, srflx(7), srflx(8)], connected: true }) } },
      'symmetric-likely',
    ],
    [
      'relay only',
      {
        ice: { relayOnly: true },
        probe: {
          rtc: async () => {
            throw new Error('must not be asked')
          },
        },
      },
      'off',
    ],
    ['relay only with TURN', { ice: { relayOnly: true, servers: [turn] } }, 'turn-only'],
    [
      'relay only with a dead TURN server',
      { ice: { relayOnly: true, servers: [turn] }, probe: { rtc: async () => ({ candidates: [], connected: false }) } },
      'turn-failed',
    ],
  ])('%s', async (_, world, verdict) => {
    expect((await run(world)).direct).toBe(verdict)
  })

  it('tests the TURN server only when there is one', async () => {
    expect((await run({})).turn).toBeUndefined()
    expect((await run({ ice: { servers: [turn] } })).turn).toBe(true)
    expect(
      (await run({ ice: { servers: [turn] }, probe: { rtc: async () => ({ candidates: [host], connected: true }) } }))
        .turn,
    ).toBe(false)
  })

  it('is over within ten seconds although nothing answers', async () => {
    const never = () => new Promise<never>(() => undefined)
    const result = await run({ probe: { relay: never, circuit: never, rtc: never }, tip: 'hangs' })
    expect(result).toMatchObject({
      verdict: 'relay-unreachable',
      direct: 'blocked',
      chains: [{ ok: false, code: 'unreachable' }],
    })
    expect(result.ms).toBeLessThan(10_000)
  })

  it('can be cancelled', async () => {
    const controller = new AbortController()
    const never = () => new Promise<never>(() => undefined)
    const done = run({ probe: { relay: never, rtc: never }, tip: 'hangs', signal: controller.signal })
    controller.abort(new Error('enough'))
    expect(await done).toMatchObject({ verdict: 'cancelled', ms: 0 })
  })
})
