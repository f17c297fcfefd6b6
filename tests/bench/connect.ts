import '../support/node-shim'
import { GATE_TIMEOUT_MS } from '../../services/core/net/gate'
import { Circle, gate, members, servePage } from './circle'
import type { Gated } from './connect-page'
import { delayProxy } from './delay-proxy'
import { recover, RECOVERY_MS } from './recovery'
import { RelayProcess } from './relay-process'
import { DEADLINE_MS, report, summarize, type BenchResult } from './result'

/**
 * The measuring part of `npm run bench:connect`: `connect.ts <runs> <points> <members>`, such as `connect.ts 50
 * gate,delay,recovery 2,3,5,8`. What each figure means stands in docs/measurements.md.
 */
const [runs = 50, points = '', sizes = ''] = [Number(process.argv[2]), process.argv[3], process.argv[4]]
/** milliseconds by which each message through the relay is late in `delay` */
const DELAY_MS = 300

/** Milliseconds of a gate that everybody passed. */
function taken(gated: Gated, what: string): number | undefined {
  if (gated.failed.length === 0) return gated.ms
  process.stderr.write(`${what}: ${gated.failed.join('; ')}\n`)
  return undefined
}

async function measureGates(url: string, n: number): Promise<BenchResult[]> {
  const relays = [await RelayProcess.start(), await RelayProcess.start()]
  const circle = await Circle.open(
    url,
    n,
    relays.map(r => r.address),
  )
  const cold: (number | undefined)[] = []
  const warm: (number | undefined)[] = []
  let direct = 0
  try {
    for (let run = 0; run < runs; run++) {
      const { first, others } = await circle.start(run)
      const gated = await gate(first, others)
      cold.push(taken(gated, `gate_cold n=${n}`))
      direct += gated.kinds.filter(kind => kind === 'webrtc').length
      warm.push(taken(await gate(first, others), `gate_warm n=${n}`))
      await circle.stop()
    }
  } finally {
    await circle.close()
    for (const relay of relays) await relay.close()
  }
  const params = { n, members: members(n), relays: 2, webrtc: `${direct} of ${runs * (n - 1)}` }
  return [
    summarize('gate_cold', params, 'ms', cold, { deadline: DEADLINE_MS, ...(n === 5 ? { target: 3_000 } : {}) }),
    summarize('gate_warm', params, 'ms', warm, { deadline: DEADLINE_MS }),
  ]
}

/** The same gate once for all and once for each in turn, in turns, both cold, through a relay that is late. */
async function measureDelayed(url: string, n: number): Promise<BenchResult[]> {
  const relay = await RelayProcess.start()
  const proxy = await delayProxy(relay.port, DELAY_MS)
  const circle = await Circle.open(url, n, [relay.address.replace(`/tcp/${relay.port}/`, `/tcp/${proxy.port}/`)])
  const took = { parallel: [] as (number | undefined)[], sequential: [] as (number | undefined)[] }
  try {
    for (let run = 0; run < 2 * runs; run++) {
      const kind = run % 2 === 0 ? 'parallel' : 'sequential'
      const { first, others } = await circle.start(run)
      took[kind].push(taken(await gate(first, others, kind === 'sequential'), `gate_${kind} n=${n}`))
      await circle.stop()
    }
  } finally {
    await circle.close()
    await proxy.close()
    await relay.close()
  }
  const params = { n, members: members(n), relays: 1, delayMs: DELAY_MS }
  const ratios = took.parallel.map((ms, i) =>
    ms === undefined || took.sequential[i] === undefined ? undefined : ms / took.sequential[i],
  )
  return [
    summarize('gate_parallel', params, 'ms', took.parallel, { deadline: GATE_TIMEOUT_MS }),
    summarize('gate_sequential', params, 'ms', took.sequential, { deadline: GATE_TIMEOUT_MS * (n - 1) }),
    // with two other members a half is the best that there can be
    summarize('gate_parallel_to_sequential', params, 'ratio', ratios, { ...(n > 3 ? { target: 0.5 } : {}) }),
  ]
}

async function measureRecovery(n: number): Promise<BenchResult[]> {
  const relays = [await RelayProcess.start(), await RelayProcess.start(), await RelayProcess.start()]
  const samples: (number | undefined)[] = []
  try {
    for (let run = 0; run < runs; run++) {
      for (const relay of relays) await relay.run()
      try {
        samples.push(await recover(n, relays))
      } catch (error) {
        process.stderr.write(`relay_kill_recovery n=${n}: ${error instanceof Error ? error.message : String(error)}\n`)
        samples.push(undefined)
      }
    }
  } finally {
    for (const relay of relays) await relay.close()
  }
  return [
    summarize(
      'relay_kill_recovery',
      { n, members: 'Node nodes of the same adapter, relayed', relays: 3 },
      'ms',
      samples,
      { deadline: RECOVERY_MS, target: 5_000 },
    ),
  ]
}

const wanted = points.split(',')
const site = await servePage()
try {
  for (const n of sizes.split(',').map(Number)) {
    if (wanted.includes('gate')) report(await measureGates(site.url, n))
    if (wanted.includes('delay')) report(await measureDelayed(site.url, n))
    if (wanted.includes('recovery')) report(await measureRecovery(n))
  }
} finally {
  site.close()
}
