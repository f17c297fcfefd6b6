import '../support/node-websocket'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { startRelay, type RunningRelay } from '../../relay/server'
import { createNode } from '../../services/adapters/libp2p/node'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import type { Clock } from '../../services/ports/clock'
import type { Transport } from '../../services/ports/transport'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until'
import { transportContract } from './transport'

const clock: Clock = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

const log = { write: () => undefined }
const entropy = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }

/** The adapter against a real relay in this process. Node has no WebRTC: transport-webrtc.test.ts shows that in a browser. */
transportContract('libp2p over a relay', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tandem-relay-'))
  const options = { host: '127.0.0.1', port: 0, dataDir }
  let relay: RunningRelay = await startRelay(options)
  const { port } = relay
  const [address = ''] = relay.addrs
  const peers: Transport[] = []
  const stranger = createLibp2pTransport({ peerKey: randomBytes(32), relays: [], clock, log, entropy })
  let n = 0
  return {
    relay: address,
    deadRelay: `/ip4/127.0.0.1/tcp/9/ws/p2p/${stranger.peerId}`,
    async peer(relays = [address]) {
      const peerKey = createHash('sha256').update(`peer ${++n}`).digest()
      const transport = createLibp2pTransport({ peerKey, relays, clock, log, entropy })
      peers.push(transport)
      await transport.start()
      return transport
    },
    strangerId: () => stranger.peerId,
    stopRelay: () => relay.close(),
    async startRelay() { relay = await startRelay({ ...options, port }) },
    async close() {
      await Promise.all(peers.map((peer) => peer.stop()))
      await relay.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
})

describe('the relay and the adapter together', () => {
  const seed = (n: number): Uint8Array => createHash('sha256').update(`member ${n}`).digest()
  const node = (n: number, relays: readonly string[]): Transport => createLibp2pTransport({ peerKey: seed(n), relays, clock, log, entropy })

  it('holds more than the library\'s 15 places, and frees them as soon as peers leave', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const peers = Array.from({ length: 20 }, (_, i) => node(i, relay.addrs))
    try {
      await Promise.all(peers.map((peer) => peer.start()))
      await until(() => peers.every((peer) => peer.addresses().length > 0), 'twenty reservations')
      expect(relay.reservations()).toBe(20)
      await Promise.all(peers.slice(5).map((peer) => peer.stop()))
      await until(() => relay.reservations() === 5, 'the places of those who left')
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()))
      await relay.close()
    }
  })

  it('is called by twenty members in the same moment: to the library all of them come from one host, the relay', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const [host, ...callers] = Array.from({ length: 21 }, (_, i) => node(i, relay.addrs))
    if (host === undefined) throw new Error('nobody')
    try {
      await Promise.all([host, ...callers].map((peer) => peer.start()))
      await until(() => [host, ...callers].every((peer) => peer.addresses().length > 0), 'everybody is at the relay')
      const address = host.addresses()[0] ?? ''
      const calls = await Promise.allSettled(callers.map((peer) => peer.dial(host.peerId, address, { signal: AbortSignal.timeout(20_000) })))
      expect(calls.flatMap((call) => call.status === 'rejected' ? [String(call.reason)] : [])).toEqual([])
      await until(() => host.connections().filter((link) => link.kind === 'relay').length === 20, 'all of them at the other end')
    } finally {
      await Promise.all([host, ...callers].map((peer) => peer.stop()))
      await relay.close()
    }
  })

  it('lets go of a peer that opens stream after stream over the relay, and of nobody else', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const [host, friend] = [node(1, relay.addrs), node(2, relay.addrs)]
    const privateKey = await generateKeyPair('Ed25519')
    const stranger = await createNode({ privateKey, rtc: undefined, places: new Map() })
    const floods: string[] = []
    host.onEvent((event) => { if (event.type === 'flood') floods.push(event.peerId) })
    try {
      await Promise.all([host.start(), friend.start(), stranger.start()])
      await until(() => host.addresses().length > 0, 'a place at the relay')
      const address = host.addresses()[0] ?? ''
      const link = await friend.dial(host.peerId, address, { signal: AbortSignal.timeout(10_000) })
      const line = await stranger.services.manager.dial(multiaddr(address), { signal: AbortSignal.timeout(10_000) })
      await Promise.allSettled(Array.from({ length: 300 }, () => line.newStream('/tandem/none/1', { runOnLimitedConnection: true, maxOutboundStreams: 1_000 })))
      await until(() => line.status !== 'open', 'the end of the connection')
      expect(floods).toEqual([stranger.peerId.toString()])
      expect(await friend.ping(link.id, { signal: AbortSignal.timeout(10_000) })).toBeGreaterThan(0)
    } finally {
      await Promise.all([host.stop(), friend.stop(), stranger.stop()])
      await relay.close()
    }
  })

  it('says that a full relay refused, and the peer then dials but cannot be reached', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, limits: { reservations: 1 } })
    const [first, second] = [node(1, relay.addrs), node(2, relay.addrs)]
    try {
      await first.start()
      await until(() => first.addresses().length > 0, 'the only place')
      await second.start()
      await until(() => second.relays()[0]?.state === 'refused', 'the refusal')
      expect(second.relays()[0]?.error).toMatchObject({ message: expect.stringContaining('RESERVATION_REFUSED') as string })
      expect(second.addresses()).toEqual([])
      const link = await second.dial(first.peerId, first.addresses()[0] ?? '', { signal: AbortSignal.timeout(10_000) })
      expect(link.kind).toBe('relay')
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await relay.close()
    }
  })
})
