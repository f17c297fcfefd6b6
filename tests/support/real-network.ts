import './node-websocket'
import { createHash, randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { startRelay, type RunningRelay } from '../../relay/server'
import type { RelayOptions } from '../../relay/options'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import { createP2P, type P2P, type P2PEvent } from '../../services/p2p'
import type { Clock } from '../../services/ports/clock'
import type { Transport } from '../../services/ports/transport'
import { until } from './until'

export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}
export const log = { write: () => undefined }
export const entropy = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }

export interface Node {
  readonly transport: Transport
  readonly p2p: P2P
  readonly events: P2PEvent[]
  readonly accountKey: string
}

/** Real relays and real nodes of the adapter on loopback, everything stopped by `close`. */
export class RealNetwork {
  readonly #nodes: Node[] = []
  readonly #relays: RunningRelay[] = []

  async relay(options: Partial<RelayOptions> = {}): Promise<RunningRelay> {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, ...options })
    this.#relays.push(relay)
    return relay
  }

  /** A node with a new key whose door is open to everybody; not started. */
  make(relays: readonly string[]): Node {
    const peerKey = new Uint8Array(randomBytes(32))
    const events: P2PEvent[] = []
    const transport = createLibp2pTransport({ peerKey, relays, webrtc: false, clock: realClock, log, entropy })
    const p2p = createP2P({
      transport,
      clock: realClock,
      entropy,
      log,
      relays,
      build: 'test',
      sign: async bytes => ed25519.sign(bytes, peerKey),
      allowed: () => true,
      onEvent: e => events.push(e),
    })
    const node = { transport, p2p, events, accountKey: `02${createHash('sha256').update(peerKey).digest('hex')}` }
    this.#nodes.push(node)
    return node
  }

  /** The same, started and with a place on a relay. */
  async node(relays: readonly string[]): Promise<Node> {
    const node = this.make(relays)
    await node.p2p.start()
    await until(() => node.transport.addresses().length > 0, 'a reservation')
    return node
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map(n => n.p2p.stop()))
    await Promise.all(this.#relays.map(r => r.close()))
  }
}
