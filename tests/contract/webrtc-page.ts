import { createLibp2pTransport } from '../../services/adapters/libp2p'
import { createLibp2pProbe } from '../../services/adapters/libp2p/probe'
import type { ConnectivityError, ConnectStep } from '../../services/core/domain/connectivity'
import type { AttemptFact } from '../../services/core/domain/diagnostics'
import type { IceSettings } from '../../services/core/domain/ice'
import { classifyConnectivityError } from '../../services/core/net/classify'
import type { RtcProbe } from '../../services/ports/probe'
import type { Channel, ConnectionInfo, Transport, TransportEvent } from '../../services/ports/transport'

const PROTOCOL = '/tandem/test/1'

/** What transport-webrtc.test.ts calls in the page: the adapter as it is shipped, in a real browser. */
export interface Page {
  start(seed: readonly number[], relays: readonly string[]): Promise<string>
  addresses(): readonly string[]
  events(): readonly TransportEvent[]
  connections(peerId: string): readonly ConnectionInfo[]
  dial(
    peerId: string,
    address: string,
    ms: number,
  ): Promise<{
    readonly link?: ConnectionInfo
    readonly steps: readonly ConnectStep[]
    readonly facts: readonly AttemptFact[]
    readonly error?: string
    readonly ms: number
  }>
  setIce(settings: IceSettings): Promise<void>
  probeRtc(settings: IceSettings, ms: number): Promise<RtcProbe | undefined>
  /** what the app makes of the error of such a dial */
  verdict(peerId: string, address: string, ms: number): Promise<ConnectivityError | 'connected'>
  ping(id: string, ms: number): Promise<number | string>
  /** sends frames of these sizes to the other side, which echoes them; gives the sizes that came back intact */
  echo(id: string, sizes: readonly number[]): Promise<readonly number[]>
  stats(id: string): Promise<Readonly<Record<string, string | number>>>
  peerConnectionsMade(): number
  closeAll(peerId: string): Promise<void>
}

let node: Transport | undefined
const platform = {
  clock: {
    now: () => Date.now(),
    after: (ms: number, fn: () => void) => {
      const timer = setTimeout(fn, ms)
      return () => clearTimeout(timer)
    },
  },
  entropy: { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) },
  log: { write: () => undefined },
}
const events: TransportEvent[] = []
const running = (): Transport => {
  if (node === undefined) throw new Error('not started')
  return node
}
const told = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `event ${(error as Event).type}`

async function echo(channel: Channel): Promise<void> {
  for await (const frame of channel.frames()) await channel.send(frame)
}

const page: Page = {
  async start(seed, relays) {
    node = createLibp2pTransport({ ...platform, peerKey: Uint8Array.from(seed), relays })
    node.onEvent(event => events.push(event))
    node.handle(PROTOCOL, channel => {
      echo(channel).catch(() => undefined)
    })
    await node.start()
    return node.peerId
  },
  addresses: () => running().addresses(),
  events: () => events,
  connections: peerId => running().connections(peerId),
  async dial(peerId, address, ms) {
    const steps: ConnectStep[] = []
    const facts: AttemptFact[] = []
    const from = performance.now()
    try {
      const link = await running().dial(peerId, address, {
        signal: AbortSignal.timeout(ms),
        onStep: step => steps.push(step),
        onFact: fact => facts.push(fact),
      })
      return { link, steps, facts, ms: performance.now() - from }
    } catch (error) {
      return { steps, facts, error: told(error), ms: performance.now() - from }
    }
  },
  async verdict(peerId, address, ms) {
    let step: ConnectStep = 'resolve'
    try {
      await running().dial(peerId, address, {
        signal: AbortSignal.timeout(ms),
        onStep: s => {
          step = s
        },
      })
      return 'connected'
    } catch (error) {
      return classifyConnectivityError(peerId, error, step)
    }
  },
  setIce: settings => running().setIce(settings),
  probeRtc: (settings, ms) => createLibp2pProbe(platform).rtc(settings, { signal: AbortSignal.timeout(ms) }),
  ping: (id, ms) =>
    running()
      .ping(id, { signal: AbortSignal.timeout(ms) })
      .catch(told),
  async echo(id, sizes) {
    const channel = await running().open(id, PROTOCOL, { signal: AbortSignal.timeout(10_000) })
    const reader = channel.frames()[Symbol.asyncIterator]()
    const back: number[] = []
    for (const size of sizes) {
      const frame = new Uint8Array(size).map((_, i) => (i * 31 + size) % 256)
      await channel.send(frame)
      const { value } = (await reader.next()) as { value?: Uint8Array }
      if (value?.length === size && value.every((byte, i) => byte === frame[i])) back.push(size)
    }
    await channel.close()
    return back
  },
  stats: id => running().stats(id),
  peerConnectionsMade: () => running().peerConnectionsMade(),
  async closeAll(peerId) {
    await Promise.all(
      running()
        .connections(peerId)
        .map(link => running().closeConnection(link.id)),
    )
  },
}

Object.assign(globalThis, { page })
