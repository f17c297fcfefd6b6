import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { BUGS, type Bug } from '../tests/sim/bugs'
import { buildSim } from '../tests/sim/build'
import type { Report, Task } from '../tests/sim/main'
import type { Plan } from '../tests/sim/plan'

/**
 * `npm run test:sim`: members, network, clock and chain in one process, run by run, each made from a seed and judged
 * after everything that happens (tests/sim/judge.ts). A seed that breaks a rule is made simpler, written down and fails
 * the command; `--plan FILE` plays it again with every message.
 */
const RUNS = 2_000
/**
 * one run in so many is on secp256k1 itself, the others on a group of the same order that costs less (small-group.ts)
 */
const REAL_EVERY = 40
/** runs in which a planted fault must be found */
const BUG_RUNS = 3_000
const OUT = 'test-results'
/** most of what a run makes is gone at its end: with room for it, little is looked at twice */
const YOUNG_MB = 96

function usage(problem: string): never {
  console.error(
    `test:sim: ${problem}. Options: --runs N (${RUNS} unless given) --seed S (first seed, 1) --plan FILE (plays one plan, with its messages) --curve small|secp256k1 (for --plan) --no-bugs (does not look whether planted faults are found) --json`,
  )
  process.exit(2)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        runs: { type: 'string', default: String(RUNS) },
        seed: { type: 'string', default: '1' },
        plan: { type: 'string' },
        curve: { type: 'string', default: 'small' },
        bugs: { type: 'boolean', default: true },
        json: { type: 'boolean', default: false },
      },
    })
    const [runs, seed] = [Number(values.runs), Number(values.seed)]
    if (!Number.isInteger(runs) || runs < 1) usage(`--runs ${values.runs} is not a whole number above 0`)
    if (!Number.isInteger(seed) || seed < 0) usage(`--seed ${values.seed} is not a whole number`)
    if (values.curve !== 'small' && values.curve !== 'secp256k1')
      usage(`--curve ${values.curve} is neither small nor secp256k1`)
    return { ...values, curve: values.curve as 'small' | 'secp256k1', runs, seed }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

const options = readOptions()
const folder = mkdtempSync(join(tmpdir(), 'tandem-sim-'))
const workers = availableParallelism()

/** Runs tasks of a build in as many workers; ends early when `hear` says so. */
async function play(file: string, tasks: readonly Task[], hear: (report: Report) => boolean | void): Promise<void> {
  const running = tasks.map(
    task =>
      new Worker(file, {
        workerData: task,
        execArgv: ['--enable-source-maps'],
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      }),
  )
  await Promise.all(
    running.map(
      worker =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (report: Report) => {
            if (hear(report) !== true) return
            for (const other of running) void other.terminate()
          })
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  )
}

const shares = (first: number, count: number, step = 1): Task[] =>
  Array.from({ length: workers }, (_, w) => ({
    first: first + w * step,
    step: step * workers,
    count: Math.floor(count / workers) + (w < count % workers ? 1 : 0),
  }))

interface Tally {
  runs: number
  steps: number
  ends: Record<string, number>
  broken: Array<{ seed: number; rule: string; detail: string; file: string }>
}

async function tally(file: string, tasks: readonly Task[], label: string): Promise<Tally> {
  const t: Tally = { runs: 0, steps: 0, ends: {}, broken: [] }
  let told = Date.now()
  const wanted = tasks.reduce((n, task) => n + ('plan' in task ? 1 : task.count), 0)
  await play(file, tasks, report => {
    if (report.type !== 'run' && report.type !== 'broken') return
    t.runs++
    t.steps += report.outcome.steps
    for (const [state, n] of Object.entries(report.outcome.ends)) t.ends[state] = (t.ends[state] ?? 0) + n
    if (report.type === 'broken') {
      mkdirSync(OUT, { recursive: true })
      const plan = `${OUT}/sim-${report.seed}.json`
      writeFileSync(plan, `${JSON.stringify(report.plan, undefined, 1)}\n`)
      const { rule = 'shrunk-away', detail = '' } = report.outcome.broken ?? {}
      t.broken.push({ seed: report.seed, rule, detail, file: plan })
      console.error(
        `seed ${report.seed} (${label}): ${detail || rule}\n  play it again: npm run test:sim -- --plan ${plan}`,
      )
    }
    if (Date.now() - told > 60_000) {
      told = Date.now()
      console.error(`${label}: ${t.runs} runs`)
    }
  })
  // a run that waits for something that never happens ends its worker
  if (t.runs !== wanted) throw new Error(`${label}: ${wanted - t.runs} of ${wanted} runs did not end`)
  return t
}

/** After how many runs a planted fault was found, in which, and by which rule. */
async function hunt(bug: Bug, number: number): Promise<{ runs: number; seed?: number; rule?: string }> {
  const file = join(folder, `bug-${number}.mjs`)
  await buildSim(file, { curve: 'small', bug })
  let runs = 0
  let found: { seed: number; rule: string } | undefined
  const look = (tasks: readonly Task[]): Promise<void> =>
    play(
      file,
      tasks.map(task => ({ ...task, shrink: false })),
      report => {
        if (report.type !== 'run' && report.type !== 'broken') return
        runs++
        const rule = report.outcome.broken?.rule ?? ''
        if (report.type === 'broken' && bug.found.includes(rule)) found ??= { seed: report.seed, rule }
        return found !== undefined
      },
    )
  if (bug.seed !== undefined) await look([{ first: bug.seed, step: 1, count: 1 }])
  if (found === undefined) await look(shares(1, BUG_RUNS))
  console.error(`${found === undefined ? 'NOT FOUND' : 'found'} after ${runs} runs: ${bug.name}`)
  return { runs, ...found }
}

/**
 * As many at a time as there are workers: most faults are found at once where they were found last, and that takes one.
 */
async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T, i)
    }),
  )
  return results
}

async function main(): Promise<number> {
  if (options.plan !== undefined) {
    const file = join(folder, 'sim.mjs')
    await buildSim(file, { curve: options.curve })
    let broken = false
    await play(file, [{ plan: JSON.parse(readFileSync(options.plan, 'utf8')) as Plan }], report => {
      if (report.type === 'trace') console.log(report.line)
      if (report.type !== 'run') return
      console.log(JSON.stringify(report.outcome, undefined, 1))
      broken = report.outcome.broken !== undefined
    })
    return broken ? 1 : 0
  }
  const started = Date.now()
  const [small, real] = [join(folder, 'small.mjs'), join(folder, 'real.mjs')]
  await buildSim(small, { curve: 'small' })
  await buildSim(real, { curve: 'secp256k1' })
  const onReal = Math.max(1, Math.floor(options.runs / REAL_EVERY))
  const tallies = [
    await tally(small, shares(options.seed, options.runs - onReal), 'small group'),
    await tally(real, shares(options.seed, onReal), 'secp256k1'),
  ]
  const bugs = await inTurns(options.bugs ? BUGS : [], async (bug, i) => ({ name: bug.name, ...(await hunt(bug, i)) }))
  const broken = tallies.flatMap(t => t.broken)
  const blind = bugs.filter(bug => bug.rule === undefined)
  const result = {
    runs: tallies.reduce((n, t) => n + t.runs, 0),
    onSecp256k1: tallies[1]?.runs ?? 0,
    seed: options.seed,
    seconds: (Date.now() - started) / 1000,
    steps: tallies.reduce((n, t) => n + t.steps, 0),
    ends: tallies.reduce<Record<string, number>>((all, t) => {
      for (const [state, n] of Object.entries(t.ends)) all[state] = (all[state] ?? 0) + n
      return all
    }, {}),
    broken,
    bugs,
  }
  mkdirSync(OUT, { recursive: true })
  writeFileSync(`${OUT}/sim.json`, JSON.stringify(result))
  if (options.json) console.log(JSON.stringify(result))
  else {
    console.log(
      `${result.runs} runs (${result.onSecp256k1} on secp256k1) from seed ${result.seed}, ${result.steps} steps, ${result.seconds.toFixed(0)} s; sessions ended ${JSON.stringify(result.ends)}`,
    )
    for (const bug of bugs)
      console.log(
        `${bug.rule === undefined ? 'NOT FOUND' : 'found'}: ${bug.name}${bug.rule === undefined ? '' : ` (${bug.rule}, seed ${bug.seed}, after ${bug.runs} runs)`}`,
      )
    console.log(
      broken.length + blind.length === 0
        ? 'no rule was broken'
        : `${broken.length} seeds broke a rule, ${blind.length} planted faults were not found`,
    )
  }
  return broken.length + blind.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
