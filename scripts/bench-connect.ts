import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readReport } from '../tests/bench/result'
import { publish, RECORD } from './bench-document'
import { ensureChromium } from './chromium'
import { runWhereWebrtcWorks } from './netns'

/**
 * `npm run -s bench:connect`: how long it takes to connect a circle of members, by tests/bench/connect.ts, and prints a
 * table, or one JSON document with `--json`. What each figure means stands in docs/measurements.md.
 */
const DEFAULT_RUNS = 50
const QUICK_RUNS = 3
const MAX_RUNS = 200
const SIZES = ['2', '3', '5', '8']
const POINTS = ['gate', 'delay', 'recovery']

function usage(problem: string): never {
  console.error(
    `bench:connect: ${problem}. Options: --json --out FILE --runs N (1 to ${MAX_RUNS}, ${DEFAULT_RUNS} unless given) --quick (${QUICK_RUNS} runs) --n ${SIZES.join()} (members) --points ${POINTS.join()} --strict (exit 1 when a target is missed) --record (write the figures into ${RECORD})`,
  )
  process.exit(2)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
        runs: { type: 'string' },
        quick: { type: 'boolean', default: false },
        n: { type: 'string', default: SIZES.join() },
        points: { type: 'string', default: POINTS.join() },
        strict: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
      },
    })
    const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : DEFAULT_RUNS))
    if (!Number.isInteger(runs) || runs < 1 || runs > MAX_RUNS)
      usage(`--runs ${values.runs} is not a whole number from 1 to ${MAX_RUNS}`)
    if (!values.n.split(',').every(n => /^([2-9]|1[0-5])$/.test(n)))
      usage(`--n ${values.n} is not a list of numbers from 2 to 15`)
    if (!values.points.split(',').every(p => POINTS.includes(p)))
      usage(`--points ${values.points} is not a list of ${POINTS.join()}`)
    return { ...values, runs }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

const options = readOptions()
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)
const folder = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
const file = join(folder, 'results.jsonl')
writeFileSync(file, '')
const startedAt = new Date().toISOString()
const env = { ...process.env, CHROMIUM_PATH: chromium, TANDEM_BENCH_OUT: file }
// only the report goes to stdout; Ctrl-C reaches the measuring process as well, and this one waits for it and cleans up
process.on('SIGINT', () => undefined)
try {
  const status = runWhereWebrtcWorks(
    process.execPath,
    ['--import', 'tsx', 'tests/bench/connect.ts', String(options.runs), options.points, options.n],
    (command, args) =>
      spawnSync(command, args, { stdio: ['ignore', process.stderr.fd, process.stderr.fd], env }).status ?? 1,
    line => console.error(`bench:connect: ${line}`),
  )
  const results = readReport(file)
  // what was measured before the end is shown; that it ended early is the status
  const shown =
    results.length === 0
      ? 1
      : publish({ bench: 'tandem-connect', mark: 'connect', startedAt, chromium, results, ...options })
  process.exitCode = status === 0 ? shown : status
} finally {
  rmSync(folder, { recursive: true, force: true })
}
