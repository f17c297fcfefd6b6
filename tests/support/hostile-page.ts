import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { ed25519 } from '@noble/curves/ed25519.js'
import { createNode, type Node } from '../../services/adapters/libp2p/node'
import { Rtc } from '../../services/adapters/libp2p/rtc'

/** What is done to another's streams; every text is base64. */
export interface Attack {
  readonly protocol: string
  /** over the relay alone, as when no direct line can be had */
  readonly relayed?: boolean
  /** is over when the other side has ended the connection: otherwise another one is made */
  readonly once?: boolean
  /** streams, `atOnce` of them at a time */
  readonly streams: number
  readonly atOnce: number
  /** what each stream begins with, such as a hello; nothing when omitted */
  readonly first?: string
  /** then these, one after the other, all of them `times` times */
  readonly then?: readonly string[]
  readonly times?: number
  /** milliseconds between two writes */
  readonly gapMs?: number
  /**
   * tries again while streams are refused or ended, until one is taken to its end: places of streams that have just
   * been given up are free a moment later
   */
  readonly patient?: boolean
  /** milliseconds that each stream is kept open afterwards, unless the other side ends it */
  readonly holdMs?: number
}

/** What came of it. */
export interface Outcome {
  /** streams that the other side agreed to speak the protocol on */
  readonly opened: number
  /** of them, those that it ended */
  readonly ended: number
  readonly bytes: number
  /** connections that had to be made again because the other side had closed the one before */
  readonly connections: number
}

/** What is sent below libp2p, over data channels that it did not make. */
export interface RawAttack {
  readonly channels: number
  /** on each channel one after the other, all of them `times` times; bytes are base64 */
  readonly messages: ReadonlyArray<{ readonly text: string } | { readonly bytes: string }>
  readonly times?: number
  /** milliseconds that the connection is kept afterwards, unless the other side ends it */
  readonly holdMs: number
}

/** What a test calls in the page: libp2p with nothing of ours above it, so that a peer can do what no app does. */
export interface HostilePage {
  /** Another node with this peer key. Gives its peer id. */
  start(seed: string): Promise<string>
  /** A connection as good as can be had; gives its kind. */
  connect(peer: string, target: string, relay: string): Promise<string>
  attack(peer: string, target: string, relay: string, attack: Attack): Promise<Outcome>
  /** Over the direct line to the target. Gives whether the other side ended that. */
  raw(peer: string, target: string, relay: string, attack: RawAttack): Promise<boolean>
}

/** milliseconds for one address, and for the answer to a new stream */
const DIAL_MS = 10_000
const OPEN_MS = 2_000
/** bytes that may wait to be sent on a raw channel */
const RAW_AHEAD_BYTES = 1_000_000

const nodes = new Map<string, Node>()
/** The direct lines of this page in the order in which they were made: libp2p keeps them to itself. */
const lines: RTCPeerConnection[] = []
const lineOf = new WeakMap<Connection, RTCPeerConnection>()
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration)
    lines.push(this)
  }
}
const nodeOf = (peer: string): Node => {
  const node = nodes.get(peer)
  if (node === undefined) throw new Error('not started')
  return node
}
const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), c => c.charCodeAt(0))
/** libp2p learns of the end of a direct line after many seconds, its DTLS at once. */
const isOver = (live: Connection): boolean =>
  live.status !== 'open' || lineOf.get(live)?.sctp?.transport.state === 'closed'
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function connection(
  peer: string,
  target: string,
  relay: string,
  only?: 'direct' | 'relayed',
): Promise<Connection> {
  const node = nodeOf(peer)
  const open = node.getConnections().filter(c => c.remotePeer.toString() === target && !isOver(c))
  const before = lines.length
  const best = open.find(c => (only === 'relayed' ? c.limits != null : c.limits == null))
  if (best !== undefined) return best
  let reason = ''
  const ways = [
    ...(only === 'relayed' ? [] : [`${relay}/p2p-circuit/webrtc/p2p/${target}`]),
    ...(only === 'direct' ? [] : [`${relay}/p2p-circuit/p2p/${target}`]),
  ]
  for (const address of ways) {
    try {
      const made = await node.services.manager.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_MS) })
      const line = lines.slice(before).findLast(({ connectionState }) => connectionState === 'connected')
      if (made.limits == null && line !== undefined) lineOf.set(made, line)
      return made
    } catch (error) {
      // the other address, or none
      reason += `${address}: ${String(error)}; `
    }
  }
  const [relayed] = open
  if (relayed === undefined || only === 'direct') throw new Error(`nobody there: ${reason}`)
  return relayed
}

/** Writes until it is done or the other side has ended it; gives the bytes that were taken. */
async function pour(stream: Stream, live: Connection, attack: Attack): Promise<{ bytes: number; ended: boolean }> {
  let bytes = 0
  const write = async (chunk: Uint8Array): Promise<boolean> => {
    if (stream.status !== 'open' || stream.writeStatus !== 'writable') return false
    try {
      const room = stream.send(chunk)
      bytes += chunk.length
      if (!room) await stream.onDrain({ signal: AbortSignal.timeout(OPEN_MS) })
      return true
    } catch {
      return false
    }
  }
  const chunks = (attack.then ?? []).map(bytesOf)
  let going = attack.first === undefined || (await write(bytesOf(attack.first)))
  for (let i = 0; going && i < (attack.times ?? 1); i++) {
    for (const chunk of chunks) {
      if (attack.gapMs !== undefined) await pause(attack.gapMs)
      going = await write(chunk)
      if (!going) break
    }
  }
  for (let waited = 0; stream.status === 'open' && waited < (attack.holdMs ?? 0); waited += 50) await pause(50)
  // who lets a peer go closes its line, of which the streams on it hear later
  const ended = stream.status !== 'open' || stream.remoteWriteStatus !== 'writable' || isOver(live)
  stream.abort(new Error('done'))
  return { bytes, ended }
}

const page: HostilePage = {
  async start(seed) {
    const key = bytesOf(seed)
    const privateKey = privateKeyFromRaw(Uint8Array.from([...key, ...ed25519.getPublicKey(key)]))
    const node = await createNode({
      privateKey,
      rtc: new Rtc({ servers: [], relayOnly: false }, () => undefined),
      places: new Map(),
    })
    await node.start()
    const peer = peerIdFromPrivateKey(privateKey).toString()
    nodes.set(peer, node)
    return peer
  },
  async connect(peer, target, relay) {
    const { limits, multiplexer } = await connection(peer, target, relay)
    return limits == null ? (multiplexer ?? '') : 'relay'
  },
  async attack(peer, target, relay, attack) {
    let [opened, ended, bytes, connections] = [0, 0, 0, 0]
    let left = attack.streams
    let line: Promise<Connection> | undefined
    const again = (): void => {
      line = undefined
      if (attack.once === true) left = 0
    }
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        try {
          const live = await (line ??=
            (connections++, connection(peer, target, relay, attack.relayed === true ? 'relayed' : undefined)))
          if (isOver(live)) again()
          const stream = await live.newStream(attack.protocol, {
            signal: AbortSignal.timeout(OPEN_MS),
            runOnLimitedConnection: true,
            maxOutboundStreams: 100_000,
            negotiateFully: true,
          })
          opened++
          const poured = await pour(stream, live, attack)
          bytes += poured.bytes
          if (poured.ended) ended++
          else if (attack.patient === true) left = 0
          if (attack.patient === true) await pause(50)
        } catch {
          // refused, or the connection is gone: the next one is tried
          if (line !== undefined && (await line.then(isOver, () => true))) again()
        }
      }
    }
    await Promise.all(Array.from({ length: attack.atOnce }, one))
    return { opened, ended, bytes, connections }
  },
  async raw(peer, target, relay, { channels, messages, times = 1, holdMs }) {
    const live = await connection(peer, target, relay, 'direct')
    const line = lineOf.get(live)
    if (line === undefined) throw new Error('no direct line')
    const chunks = messages.map(message => ('text' in message ? message.text : bytesOf(message.bytes)))
    const one = async (): Promise<void> => {
      const channel = line.createDataChannel('')
      await new Promise(resolve => {
        channel.onopen = channel.onclose = channel.onerror = resolve
      })
      for (let i = 0; i < times; i++) {
        for (const chunk of chunks) {
          while (channel.readyState === 'open' && channel.bufferedAmount > RAW_AHEAD_BYTES) await pause(10)
          if (channel.readyState !== 'open') return
          if (typeof chunk === 'string') channel.send(chunk)
          else channel.send(chunk as Uint8Array<ArrayBuffer>)
        }
      }
    }
    await Promise.all(Array.from({ length: channels }, one))
    for (let waited = 0; !isOver(live) && waited < holdMs; waited += 50) await pause(50)
    return isOver(live)
  },
}

Object.assign(globalThis, { hostile: page })
