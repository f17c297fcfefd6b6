import { setMaxListeners } from 'node:events'
import '../support/node-shim'
import { nodeTransport, relayedAddress } from '../support/libp2p-node'
import type { Transport } from '../../services/ports/transport'

/**
 * One of the processes that hold the clients of bench:relay: the app's own libp2p adapter, many times. Driven by
 * messages.
 */
export type Order =
  | {
      readonly do: 'open'
      readonly relay: string
      readonly first: number
      readonly count: number
      readonly group: number
      readonly gossip: boolean
    }
  | { readonly do: 'circuits'; readonly count: number }
  | { readonly do: 'presence'; readonly seconds: number; readonly everyS: number }
  | { readonly do: 'places' }

export interface Report {
  /** milliseconds of each thing that succeeded */
  readonly ms: readonly number[]
  readonly failures: number
  /** why things failed, as their errors said, each with how often */
  readonly reasons: Readonly<Record<string, number>>
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
/** why places were lost that had been given */
const losses: string[] = []
let serial = 0

const pause = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms)
  })
const topicOf = (group: number): string => `/tandem/presence/1/bench-${process.pid}-${group}`

/** Runs `task` for 0 to count-1, some at once, and times each. */
async function timed(count: number, task: (index: number) => Promise<void>): Promise<Report> {
  const ms: number[] = []
  let failures = 0
  const reasons: Record<string, number> = {}
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now()
      try {
        await task(index)
        ms.push(performance.now() - from)
      } catch (error) {
        failures++
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'an event of the platform'
        reasons[reason] = (reasons[reason] ?? 0) + 1
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return { ms, failures, reasons }
}

function open({ relay, count, group, gossip }: Extract<Order, { do: 'open' }>): Promise<Report> {
  return timed(count, async index => {
    const client = nodeTransport([relay])
    let placed = false
    const held = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no place')), DEADLINE_MS)
      client.onEvent(event => {
        if (event.type !== 'relay') return
        if (event.relay.state === 'reserved') {
          clearTimeout(timer)
          placed = true
          resolve()
        } else if (placed) {
          placed = false
          losses.push(event.relay.error instanceof Error ? event.relay.error.message : event.relay.state)
        }
      })
    })
    const number = Math.floor(index / group)
    if (gossip)
      client.subscribe(topicOf(number), bytes => {
        heard(bytes)
      })
    await client.start()
    await held
    clients.push(client)
    ;(groups[number] ??= []).push(client)
  })
}

/** Neighbours connect over the relay. */
function circuits(count: number): Promise<Report> {
  return timed(Math.min(count, Math.floor(clients.length / 2)), async index => {
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

/**
 * Everybody announces as the app does: each once in `everyS` seconds, evenly spread. All of one group are in this
 * process, under one clock.
 */
async function presence(seconds: number, everyS: number): Promise<Report> {
  arrivals.length = 0
  sentAt.clear()
  let expected = 0
  let failures = 0
  const reasons: Record<string, number> = {}
  const gap = (everyS * 1000) / Math.max(1, clients.length)
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
    await sender?.publish(topicOf(number), bytes).catch((error: Error) => {
      failures += members.length - 1
      reasons[error.name] = (reasons[error.name] ?? 0) + 1
    })
  }
  await pause(LATE_MS)
  return { ms: [...arrivals], failures: Math.max(failures, expected - arrivals.length), reasons }
}

/**
 * Clients without a place now as failures; how often a place was lost, whether or not it was found again, as reasons.
 */
function places(): Report {
  const reasons: Record<string, number> = {}
  for (const reason of losses) reasons[reason] = (reasons[reason] ?? 0) + 1
  return { ms: [], failures: clients.filter(client => client.relays()[0]?.state !== 'reserved').length, reasons }
}

setMaxListeners(0)
const nothing: Report = { ms: [], failures: 0, reasons: {} }

async function carryOut(order: Order): Promise<Report> {
  switch (order.do) {
    case 'open':
      return open(order)
    case 'circuits':
      return circuits(order.count)
    case 'presence':
      return presence(order.seconds, order.everyS)
    case 'places':
      return places()
  }
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    report => process.send?.(report),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
// loaded: starting a process is none of what is measured
process.send?.(nothing)
