import '../support/node-websocket'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { startRelay, type RunningRelay } from '../../relay/server'
import { createNode, type Node } from '../../services/adapters/libp2p/node'
import { relayPeer } from '../../services/adapters/libp2p/addresses'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import type { Clock } from '../../services/ports/clock'
import type { Transport } from '../../services/ports/transport'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

/**
 * The adapter against a real relay in this process. Node has no WebRTC: transport-webrtc.test.ts shows that in a
 * browser.
 */
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
    async startRelay() {
      relay = await startRelay({ ...options, port })
    },
    async close() {
      await Promise.all(peers.map(peer => peer.stop()))
      await relay.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
})

describe('the relay and the adapter together', () => {
  const seed = (n: number): Uint8Array => createHash('sha256').update(`member ${n}`).digest()
  const node = (n: number, relays: readonly string[]): Transport =>
    createLibp2pTransport({ peerKey: seed(n), relays, clock, log, entropy })

  it("holds more than the library's 15 places, and frees them as soon as peers leave", async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const peers = Array.from({ length: 20 }, (_, i) => node(i, relay.addrs))
    try {
      await Promise.all(peers.map(peer => peer.start()))
      await until(() => peers.every(peer => peer.addresses().length > 0), 'twenty reservations')
      expect(relay.reservations()).toBe(20)
      await Promise.all(peers.slice(5).map(peer => peer.stop()))
      await until(() => relay.reservations() === 5, 'the places of those who left')
    } finally {
      await Promise.all(peers.map(peer => peer.stop()))
      await relay.close()
    }
  })

  it('is called by twenty members in the same moment: to the library all of them come from one host, the relay', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const [host, ...callers] = Array.from({ length: 21 }, (_, i) => node(i, relay.addrs))
    if (host === undefined) throw new Error('nobody')
    try {
      await Promise.all([host, ...callers].map(peer => peer.start()))
      await until(() => [host, ...callers].every(peer => peer.addresses().length > 0), 'everybody is at the relay')
      const address = host.addresses()[0] ?? ''
      const calls = await Promise.allSettled(
        callers.map(peer => peer.dial(host.peerId, address, { signal: AbortSignal.timeout(20_000) })),
      )
      expect(calls.flatMap(call => (call.status === 'rejected' ? [String(call.reason)] : []))).toEqual([])
      await until(
        () => host.connections().filter(link => link.kind === 'relay').length === 20,
        'all of them at the other end',
      )
    } finally {
      await Promise.all([host, ...callers].map(peer => peer.stop()))
      await relay.close()
    }
  })

  it('carries what a busy member sends at once, as much as anybody may, and ends nothing', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 })
    const [from, to] = [node(1, relay.addrs), node(2, relay.addrs)]
    const got: number[] = []
    const floods: string[] = []
    to.onEvent(event => {
      if (event.type === 'flood') floods.push(event.peerId)
    })
    to.handle('/tandem/sign/1', channel => {
      void (async () => {
        for await (const frame of channel.frames()) got.push(frame.length)
      })().catch(() => undefined)
    })
    try {
      await Promise.all([from.start(), to.start()])
      await until(() => to.addresses().length > 0, 'a place')
      const link = await from.dial(to.peerId, to.addresses()[0] ?? '', { signal: AbortSignal.timeout(10_000) })
      const channel = await from.open(link.id, '/tandem/sign/1', { signal: AbortSignal.timeout(10_000) })
      await Promise.all(Array.from({ length: 40 }, () => channel.send(new Uint8Array(65_536))))
      await until(() => got.length === 40, 'all of it')
      expect(new Set(got)).toEqual(new Set([65_536]))
      expect(floods).toEqual([])
    } finally {
      await Promise.all([from.stop(), to.stop()])
      await relay.close()
    }
  })

  describe('and a stranger who is libp2p and nothing of ours above it', () => {
    let relay: RunningRelay
    let host: Transport
    let stranger: Node
    let line: Connection
    const floods: string[] = []

    beforeEach(async () => {
      floods.length = 0
      relay = await startRelay({ host: '127.0.0.1', port: 0 })
      host = node(1, relay.addrs)
      stranger = await createNode({ privateKey: await generateKeyPair('Ed25519'), rtc: undefined, places: new Map() })
      host.onEvent(event => {
        if (event.type === 'flood') floods.push(event.peerId)
      })
      await Promise.all([host.start(), stranger.start()])
      await until(() => host.addresses().length > 0, 'a place at the relay')
      line = await call()
    })
    afterEach(async () => {
      await Promise.all([host.stop(), stranger.stop()])
      await relay.close()
    })
    const call = (): Promise<Connection> =>
      stranger.services.manager.dial(multiaddr(host.addresses()[0] ?? ''), { signal: AbortSignal.timeout(10_000) })
    const open = (protocol: string): Promise<Stream> =>
      line.newStream(protocol, {
        runOnLimitedConnection: true,
        maxOutboundStreams: 1_000,
        signal: AbortSignal.timeout(10_000),
      })

    it('lets go of who opens stream after stream, and of nobody else', async () => {
      const friend = node(2, relay.addrs)
      try {
        await friend.start()
        const link = await friend.dial(host.peerId, host.addresses()[0] ?? '', { signal: AbortSignal.timeout(10_000) })
        await Promise.allSettled(Array.from({ length: 400 }, () => open('/tandem/none/1')))
        await until(() => line.status !== 'open', 'the end of the connection')
        expect(new Set(floods)).toEqual(new Set([stranger.peerId.toString()]))
        expect(await friend.ping(link.id, { signal: AbortSignal.timeout(10_000) })).toBeGreaterThan(0)
      } finally {
        await friend.stop()
      }
    })

    it('takes no more calls of who calls again and again, but those of others', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 60 }, call))
      const taken = outcomes.filter(outcome => outcome.status === 'fulfilled').length
      expect(taken).toBeGreaterThan(0)
      expect(taken).toBeLessThan(40)
      const friend = node(2, relay.addrs)
      try {
        await friend.start()
        expect(
          (await friend.dial(host.peerId, host.addresses()[0] ?? '', { signal: AbortSignal.timeout(10_000) })).kind,
        ).toBe('relay')
      } finally {
        await friend.stop()
      }
    })

    it('takes no call that he hands on as if he were a relay, and does not read it', async () => {
      const stream = await open('/libp2p/circuit/relay/0.2.0/stop')
      const messages = lpStream(stream)
      const someone = (await generateKeyPair('Ed25519')).publicKey.toMultihash().bytes
      // type CONNECT, and the peer with its id @see
      // https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#protobuf
      await messages.write(Uint8Array.from([0x08, 0, 0x12, someone.length + 2, 0x0a, someone.length, ...someone]))
      await expect(messages.read({ signal: AbortSignal.timeout(10_000) })).rejects.toThrow()
      expect(
        host
          .connections()
          .map(link => link.peerId)
          .sort(),
      ).toEqual([relayPeer(relay.addrs[0] ?? ''), stranger.peerId.toString()].sort())
    })

    it('does not ask him who he is, and does not hear it when he says so', async () => {
      const asked: string[] = []
      await stranger.handle(
        '/ipfs/id/1.0.0',
        stream => {
          asked.push(stream.protocol)
        },
        { force: true, runOnLimitedConnection: true },
      )
      const second = await call()
      const answered = await second.newStream('/ipfs/ping/1.0.0', {
        runOnLimitedConnection: true,
        signal: AbortSignal.timeout(10_000),
      })
      expect(answered.status).toBe('open')
      await expect(open('/ipfs/id/push/1.0.0')).rejects.toThrow('could not negotiate')
      expect(asked).toEqual([])
    })

    it('answers no ping that is longer than any', async () => {
      const raw = await open('/ipfs/ping/1.0.0')
      let bytes = 0
      raw.addEventListener('message', ({ data }) => {
        bytes += data.byteLength
      })
      raw.send(new Uint8Array(5_000))
      await until(() => raw.status !== 'open', 'the end of the stream')
      expect(bytes).toBeLessThan(5_000)
    })
  })

  it('says that a full relay refused, and the peer then dials but cannot be reached', async () => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, limits: { reservations: 1 } })
    const [first, second] = [node(1, relay.addrs), node(2, relay.addrs)]
    try {
      await first.start()
      await until(() => first.addresses().length > 0, 'the only place')
      await second.start()
      await until(() => second.relays()[0]?.state === 'refused', 'the refusal')
      expect(second.relays()[0]?.error).toMatchObject({
        message: expect.stringContaining('RESERVATION_REFUSED') as string,
      })
      expect(second.addresses()).toEqual([])
      const link = await second.dial(first.peerId, first.addresses()[0] ?? '', { signal: AbortSignal.timeout(10_000) })
      expect(link.kind).toBe('relay')
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await relay.close()
    }
  })
})
