import '../support/node-websocket'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRelay, type RunningRelay } from '../../relay/server'
import { createLibp2pProbe } from '../../services/adapters/libp2p/probe'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import type { Transport } from '../../services/ports/transport'
import { until } from '../support/until'

const init = {
  clock: {
    now: () => Date.now(),
    after: (ms: number, fn: () => void) => {
      const timer = setTimeout(fn, ms)
      return () => clearTimeout(timer)
    },
  },
  entropy: { bytes: (length: number) => new Uint8Array(randomBytes(length)) },
  log: { write: () => undefined },
}
const soon = () => ({ signal: AbortSignal.timeout(15_000) })

/** A stranger's eyes on real relays and a real node. WebRTC itself is shown in browsers: transport-webrtc.test.ts. */
describe('the probe', () => {
  const probe = createLibp2pProbe(init)
  let relay: RunningRelay
  let me: Transport
  beforeAll(async () => {
    relay = await startRelay({ host: '127.0.0.1', port: 0 })
    me = createLibp2pTransport({ ...init, peerKey: randomBytes(32), relays: relay.addrs })
    await me.start()
    await until(() => me.addresses().length > 0, 'a place on the relay')
  })
  afterAll(async () => {
    await me.stop()
    await relay.close()
  })
  const address = (): string => relay.addrs[0] ?? ''

  it('gets a place on a relay, measures the way to it, and gives the place back', async () => {
    const seen = await probe.relay(address(), soon())
    expect(seen).toEqual({ state: 'reserved', latencyMs: expect.any(Number) as number })
    await until(() => relay.reservations() === 1, "the stranger's place being free again")
  })

  it('calls a node through its relay and leaves nothing behind', async () => {
    expect(await probe.circuit(address(), me.peerId, soon())).toEqual({ rttMs: expect.any(Number) as number })
    await until(() => me.connections().every(c => c.kind === 'direct'), 'the stranger being gone')
  })

  it('says that somebody is not there', async () => {
    const absent = createLibp2pTransport({ ...init, peerKey: randomBytes(32) }).peerId
    expect(await probe.circuit(address(), absent, soon())).toMatchObject({
      error: { message: expect.stringContaining('NO_RESERVATION') as string },
    })
  })

  it('tells a dead relay from a full one', async () => {
    expect(await probe.relay(`/ip4/127.0.0.1/tcp/9/ws/p2p/${me.peerId}`, soon())).toMatchObject({
      state: 'unreachable',
    })
    const full = await startRelay({ host: '127.0.0.1', port: 0, limits: { reservations: 1 } })
    try {
      await me.setRelays([address(), ...full.addrs])
      await until(() => full.reservations() === 1, 'the only place being taken')
      expect(await probe.relay(full.addrs[0] ?? '', soon())).toMatchObject({
        state: 'refused',
        latencyMs: expect.any(Number) as number,
      })
    } finally {
      await me.setRelays([address()])
      await full.close()
    }
  })

  it('has no WebRTC to try in Node, and an aborted question is not asked', async () => {
    expect(await probe.rtc({ servers: [], relayOnly: false }, soon())).toBeUndefined()
    await expect(probe.relay(address(), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})
