import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MeasuredRelay } from './measured-relay'
import type { Order, Report } from './relay-worker'
import { summarize, type BenchResult } from './result'
import { line, power } from './slope'

export interface Load {
  /** processes that hold the clients */
  readonly workers: number
  /** members of one wallet, who follow one topic */
  readonly group: number
  /** how long presence is watched, seconds */
  readonly presenceS: number
  /** relayed connections that are made */
  readonly circuits: number
}

/** the app announces itself once in 30 s to each wallet */
const ANNOUNCE_S = 30
/** until the garbage of the handshakes is gone and the gossip mesh stands, milliseconds */
const SETTLE_MS = 5_000
/** of thousands of latencies this many stand in the report, evenly picked from the sorted ones */
const SHOWN = 101

const WORKER = fileURLToPath(new URL('relay-worker.ts', import.meta.url))
const pause = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms)
  })

/** Sends an order, if there is one, and waits for what the process says next. */
async function ask(worker: ChildProcess, order?: Order): Promise<Report> {
  if (order !== undefined) worker.send(order)
  const [report] = await Promise.race([
    once(worker, 'message') as Promise<[Report]>,
    once(worker, 'exit').then(() => {
      throw new Error('a process with clients ended')
    }),
  ])
  return report
}

function joined(reports: readonly Report[]): Report {
  const reasons: Record<string, number> = {}
  for (const [reason, times] of reports.flatMap(report => Object.entries(report.reasons)))
    reasons[reason] = (reasons[reason] ?? 0) + times
  return {
    ms: reports.flatMap(report => report.ms),
    failures: reports.reduce((sum, report) => sum + report.failures, 0),
    reasons,
  }
}

/** Says on stderr why things failed. */
function explain(what: string, { reasons }: Report): void {
  for (const [reason, times] of Object.entries(reasons))
    console.error(`bench:relay:   ${what}: ${times} times ${reason}`)
}

function thinned(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= SHOWN) return sorted
  return Array.from({ length: SHOWN }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (SHOWN - 1))] ?? 0)
}

/** Puts `n` clients on a fresh relay and measures what they cost it. */
export async function measure(
  start: (clients: number) => Promise<MeasuredRelay>,
  n: number,
  load: Load,
): Promise<BenchResult[]> {
  const relay = await start(n)
  const workers = Array.from({ length: load.workers }, () =>
    fork(WORKER, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  )
  try {
    await Promise.all(workers.map(worker => ask(worker)))
    const params = { relay: relay.name, n }
    const one = (name: string, unit: BenchResult['unit'], measured: number, failures = 0): BenchResult => {
      const value = Number(measured.toPrecision(3))
      return { name, params, unit, runs: 1, failures, retries: 0, samples: [value], p50: value, p95: value, max: value }
    }
    /** What happens in all processes at once, and what it takes of the relay. */
    const during = async (
      order: (share: number) => Order,
    ): Promise<Report & { readonly seconds: number; readonly cpuMs: number }> => {
      const [from, cpu] = [performance.now(), relay.cpu()]
      const report = joined(await Promise.all(workers.map((worker, share) => ask(worker, order(share)))))
      explain(order(0).do, report)
      return { ...report, seconds: (performance.now() - from) / 1000, cpuMs: relay.cpu() - cpu }
    }
    const share = Math.ceil(n / load.workers)
    const empty = relay.memory()
    const opened = await during(i => ({
      do: 'open',
      relay: relay.address,
      first: i * share,
      count: Math.min(share, n - i * share),
      group: load.group,
      gossip: relay.gossip,
    }))
    const held = opened.ms.length
    await pause(SETTLE_MS)
    const full = relay.memory()
    const results = [
      one('clients_held', 'clients', held, opened.failures),
      one('memory_total', 'kB', full / 1024),
      one('memory_per_client', 'kB', (full - empty) / 1024 / Math.max(1, held)),
      one('reservations_per_second', '1/s', held / opened.seconds),
      one('cpu_per_reservation', 'ms', opened.cpuMs / Math.max(1, held)),
      { ...summarize('reservation', params, 'ms', thinned(opened.ms)), failures: opened.failures },
    ]
    if (relay.gossip) {
      const spoken = await during(() => ({ do: 'presence', seconds: load.presenceS, everyS: ANNOUNCE_S }))
      results.push(
        {
          ...summarize('presence_fanout', { ...params, group: load.group }, 'ms', thinned(spoken.ms)),
          failures: spoken.failures,
        },
        one('presence_deliveries', 'messages', spoken.ms.length, spoken.failures),
      )
      // everything that a standing client costs: announcements, the library's heartbeats and pings
      results.push(one('cpu_standing_per_client', 'ms/s', spoken.cpuMs / spoken.seconds / Math.max(1, held)))
    } else {
      const cpu = relay.cpu()
      await pause(load.presenceS * 1000)
      results.push(one('cpu_standing_per_client', 'ms/s', (relay.cpu() - cpu) / load.presenceS / Math.max(1, held)))
    }
    const dialled = await during(() => ({ do: 'circuits', count: Math.ceil(load.circuits / load.workers) }))
    results.push(
      one('circuits_per_second', '1/s', dialled.ms.length / dialled.seconds, dialled.failures),
      one('cpu_per_circuit', 'ms', dialled.cpuMs / Math.max(1, dialled.ms.length)),
      { ...summarize('circuit', params, 'ms', thinned(dialled.ms)), failures: dialled.failures },
    )
    const places = await during(() => ({ do: 'places' }))
    results.push(
      one(
        'places_lost',
        'places',
        Object.values(places.reasons).reduce((sum, times) => sum + times, 0),
        places.failures,
      ),
    )
    return results
  } finally {
    for (const worker of workers) worker.kill('SIGKILL')
    await relay.stop()
  }
}

/**
 * How a figure grows with the clients: a straight line through its points, and the power of n that it follows (1 is in
 * proportion).
 */
export interface Slope {
  readonly name: string
  readonly relay: string
  readonly unit: string
  readonly perClient: number
  readonly atZero: number
  readonly exponent: number
}

/** Least squares over all points of one figure; of fewer than two there is none. */
export function slopes(results: readonly BenchResult[]): Slope[] {
  const totals: ReadonlyArray<readonly [string, (result: BenchResult, n: number) => number]> = [
    ['memory_total', result => result.p50],
    ['cpu_per_reservation', (result, n) => result.p50 * n],
    ['cpu_standing_per_client', (result, n) => result.p50 * n],
    ['reservation', result => result.p50],
    ['presence_fanout', result => result.p50],
  ]
  return totals.flatMap(([name, total]) =>
    [...new Set(results.map(result => String(result.params.relay)))].flatMap((relay): Slope[] => {
      const points = results
        .filter(result => result.name === name && result.params.relay === relay)
        .map(result => [Number(result.params.n), total(result, Number(result.params.n))] as const)
      if (points.length < 2) return []
      const { slope, start } = line(points)
      const unit = results.find(result => result.name === name)?.unit ?? ''
      const round = (value: number): number => Number(value.toPrecision(3))
      return [{ name, relay, unit, perClient: round(slope), atZero: round(start), exponent: round(power(points)) }]
    }),
  )
}
