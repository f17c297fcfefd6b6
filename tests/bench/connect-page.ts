import { ed25519 } from '@noble/curves/ed25519.js'
import { createLibp2pTransport } from '../../services/adapters/libp2p'
import { createP2P, type P2P } from '../../services/p2p'

/**
 * What came of connecting to some: milliseconds by the page's own clock, who failed and why, and over what the others
 * are connected.
 */
export interface Gated {
  readonly ms: number
  readonly failed: readonly string[]
  readonly kinds: readonly string[]
}

/** What connect.ts calls in a member's page: the network of an open profile as the app has it, without its screens. */
export interface ConnectPage {
  /** A new peer key at these relays; ends when a place on each is held. Gives the peer id. */
  start(relays: readonly string[]): Promise<string>
  /** The public gate, once for everybody, or once for each in turn. */
  gate(peerIds: readonly string[], oneByOne: boolean): Promise<Gated>
  stop(): Promise<void>
}

let p2p: P2P | undefined

const bench: ConnectPage = {
  async start(relays) {
    const peerKey = crypto.getRandomValues(new Uint8Array(32))
    const clock = {
      now: () => Date.now(),
      after(ms: number, fn: () => void) {
        const timer = setTimeout(fn, ms)
        return () => clearTimeout(timer)
      },
    }
    const entropy = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
    const log = { write: () => undefined }
    const transport = createLibp2pTransport({ peerKey, clock, entropy, log })
    const door = createP2P({
      transport,
      clock,
      entropy,
      log,
      relays,
      build: 'bench',
      sign: async bytes => ed25519.sign(bytes, peerKey),
      allowed: () => true,
    })
    p2p = door
    const held = new Promise<void>(resolve => {
      const look = () => {
        if (relays.every(r => door.relays().some(s => s.address === r && s.state === 'reserved'))) resolve()
      }
      door.onEvent(look)
    })
    await door.start()
    await held
    return door.peerId
  },
  async gate(peerIds, oneByOne) {
    const door = p2p
    if (door === undefined) throw new Error('not started')
    const failed: string[] = []
    const from = performance.now()
    for (const group of oneByOne ? peerIds.map(id => [id]) : [peerIds]) {
      const result = await door.ensureConnected(group.map(peerId => ({ peerId })))
      failed.push(...result.failed.map(f => `${f.errorType}: ${f.error}`))
    }
    return { ms: performance.now() - from, failed, kinds: peerIds.map(id => door.getConnectionType(id)) }
  },
  async stop() {
    await p2p?.stop()
    p2p = undefined
  },
}

Object.assign(globalThis, { bench })
