import { setMaxListeners } from 'node:events'
import '../support/node-shim'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import type { Transport } from '../../services/ports/transport'

/** One of the processes that hold the clients of bench:relay: the app's own libp2p adapter, many times. Driven by messages. */
export type Order =
  | { readonly do: 'open'; readonly relay: string; readonly first: number; readonly count: number; readonly group: number; readonly gossip: boolean }
  | { readonly do: 'circuits'; readonly count: number }
  | { readonly do: 'presence'; readonly seconds: number; readonly everyS: number }

export interface Report {
  /** milliseconds of each thing that succeeded */
  readonly ms: readonly number[]
  readonly failures: number
}

/** as many at once in each process: more only queue for the processor */
const AT_ONCE = 12
/** after that long a client counts as not served, milliseconds */
const DEADLINE_MS = 60_000
/** a sealed announcement with two addresses */
const ANNOUNCEMENT_BYTES = 768
/** announcements that were sent last may still come, milliseconds */
const LATE_MS = 2_000

const clients: Transport[] = []
const groups: Transport[][] = []
const sentAt = new Map<string, number>()
const arrivals: number[] = []
let serial = 0

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })
const topicOf = (group: number): string => `/tandem/presence/1/bench-${process.pid}-${group}`

/** Runs `task` for 0 to count-1, some at once, and times each. */
async function timed(count: number, task: (index: number) => Promise<void>): Promise<Report> {
  const ms: number[] = []
  let failures = 0
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now()
      try {
        await task(index)
        ms.push(performance.now() - from)
      } catch {
        failures++
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return { ms, failures }
}

function open({ relay, count, group, gossip }: Extract<Order, { do: 'open' }>): Promise<Report> {
  return timed(count, async (index) => {
    const client = nodeTransport([relay])
    const held = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no place')), DEADLINE_MS)
      client.onEvent((event) => {
        if (event.type !== 'relay' || event.relay.state !== 'reserved') return
        clearTimeout(timer)
        resolve()
      })
    })
    const number = Math.floor(index / group)
    if (gossip) client.subscribe(topicOf(number), (bytes) => { heard(bytes) })
    await client.start()
    await held
    clients.push(client)
    ;(groups[number] ??= []).push(client)
  })
}

/** Neighbours connect over the relay. */
function circuits(count: number): Promise<Report> {
  return timed(Math.min(count, Math.floor(clients.length / 2)), async (index) => {
    const [from, to] = [clients[index * 2], clients[index * 2 + 1]]
    if (from === undefined || to === undefined) throw new Error('nobody there')
    await from.dial(to.peerId, relayedAddress(to), { signal: AbortSignal.timeout(DEADLINE_MS) })
  })
}

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, 12)).toString('hex')

function heard(bytes: Uint8Array): void {
  const sent = sentAt.get(keyOf(bytes))
  if (sent !== undefined) arrivals.push(performance.now() - sent)
}

/** Everybody announces as the app does: each once in `everyS` seconds, evenly spread. All of one group are in this process, under one clock. */
async function presence(seconds: number, everyS: number): Promise<Report> {
  arrivals.length = 0
  sentAt.clear()
  let expected = 0
  let failures = 0
  const gap = everyS * 1000 / Math.max(1, clients.length)
  const start = performance.now()
  for (let n = 0; n * gap < seconds * 1000; n++) {
    await pause(Math.max(0, start + n * gap - performance.now()))
    const number = n % groups.length
    const members = groups[number] ?? []
    const sender = members[Math.floor(n / groups.length) % Math.max(1, members.length)]
    const bytes = new Uint8Array(ANNOUNCEMENT_BYTES)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, process.pid)
    view.setUint32(4, serial++)
    expected += members.length - 1
    sentAt.set(keyOf(bytes), performance.now())
    await sender?.publish(topicOf(number), bytes).catch(() => { failures += members.length - 1 })
  }
  await pause(LATE_MS)
  return { ms: [...arrivals], failures: Math.max(failures, expected - arrivals.length) }
}

setMaxListeners(0)
const nothing: Report = { ms: [], failures: 0 }
process.on('message', (order: Order) => {
  const done = order.do === 'open' ? open(order) : order.do === 'circuits' ? circuits(order.count) : presence(order.seconds, order.everyS)
  done.then(report => process.send?.(report), (error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
// loaded: starting a process is none of what is measured
process.send?.(nothing)
