import './node-websocket'
import { randomBytes } from 'node:crypto'
import { createLibp2pTransport } from '../../services/adapters/libp2p/transport'
import type { Clock } from '../../services/ports/clock'
import type { Transport } from '../../services/ports/transport'

const clock: Clock = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** The app's libp2p adapter in Node, not yet started. Without WebRTC, which Node has not. */
export function nodeTransport(relays: readonly string[], peerKey: Uint8Array = randomBytes(32)): Transport {
  return createLibp2pTransport({
    peerKey,
    relays,
    clock,
    log: { write: () => undefined },
    entropy: { bytes: length => new Uint8Array(randomBytes(length)) },
  })
}

/** The address under which others reach it through its relay, or nothing while it holds no place. */
export const relayedAddress = (node: Transport): string =>
  node.addresses().find(address => address.includes('/p2p-circuit')) ?? ''
