import '../support/node-websocket'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRelay, type RunningRelay } from '../../relay/server'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import type { Clock } from '../../services/ports/clock'
import type { Transport } from '../../services/ports/transport'
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
  const stranger = createLibp2pTransport({ peerKey: randomBytes(32), relays: [], iceServers: [], clock, log, entropy })
  let n = 0
  return {
    relay: address,
    deadRelay: `/ip4/127.0.0.1/tcp/9/ws/p2p/${stranger.peerId}`,
    async peer(relays = [address]) {
      const peerKey = createHash('sha256').update(`peer ${++n}`).digest()
      const transport = createLibp2pTransport({ peerKey, relays, iceServers: [], clock, log, entropy })
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
