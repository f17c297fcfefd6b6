import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEADLINE_MS, readReport, summarize } from '../tests/bench/result'
import type { BenchResult } from '../tests/bench/result'
import { ensureChromium } from './chromium'
import { runWhereWebrtcWorks } from './netns'

/**
 * `npm run -s bench`: measures the app as it ships, in real browsers (tests/bench/), and prints a table, or one JSON document with
 * `--json`. What each figure means stands in docs/measurements.md.
 */
const DEFAULT_RUNS = 20
const QUICK_RUNS = 3
const MAX_RUNS = 200
const RECORD = 'docs/measurements.md'
/** what a shell says of a program that Ctrl-C ended */
const INTERRUPTED = 130

function usage(problem: string): never {
  console.error(`bench: ${problem}. Options: --json --out FILE --runs N (1 to ${MAX_RUNS}, ${DEFAULT_RUNS} unless given) --quick (${QUICK_RUNS} runs) --strict (exit 1 when a target is missed) --record (write the figures into ${RECORD}) --site DIR (measure this build as it is)`)
  process.exit(2)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false }, out: { type: 'string' }, runs: { type: 'string' },
        quick: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false }, record: { type: 'boolean', default: false }, site: { type: 'string' },
      },
    })
    const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : DEFAULT_RUNS))
    if (!Number.isInteger(runs) || runs < 1 || runs > MAX_RUNS) usage(`--runs ${values.runs} is not a whole number from 1 to ${MAX_RUNS}`)
    return { ...values, runs }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

const output = (command: string, args: string[]): string => {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : 'unknown'
}

/** Everything that must be in a report. What is missing was not reached: each of its runs failed. */
function complete(results: readonly BenchResult[], runs: number): BenchResult[] {
  const failed = Array.from({ length: runs }, () => undefined)
  const has = (name: string, n?: number) => results.some(r => r.name === name && r.params.n === n)
  const missing = [2, 3].flatMap(n => [
    ...['gate', 'request_visible', 'approve_to_txid'].filter(name => !has(name, n)).map(name => summarize(name, { n, inputs: 2 }, 'ms', failed, { deadline: DEADLINE_MS })),
    ...(['session_bytes', 'session_messages'] as const).filter(name => !has(name, n)).flatMap(name => ['proposer', 'cosigner'].map(member =>
      summarize(name, { n, inputs: 2, member }, name === 'session_bytes' ? 'B' : 'messages', failed))),
  ])
  const sizes = ['first_load_js_gz', 'lazy_js_gz'].filter(name => !has(name)).map(name => summarize(name, {}, 'kB', [undefined]))
  return [...results, ...missing, ...sizes]
}

const targetOf = (r: BenchResult): string => (r.target === undefined ? '' : `${r.unit === 'ms' ? '<' : '<='} ${r.target} ${r.ok === true ? 'ok' : 'MISSED'}`)
const paramsOf = (r: BenchResult): string => Object.entries(r.params).map(([key, value]) => `${key}=${value}`).join(' ')

function table(results: readonly BenchResult[]): string {
  const rows = results.map(r => [r.name, paramsOf(r), r.unit, String(r.runs), String(r.failures), String(r.retries), String(r.p50), String(r.p95), String(r.max), targetOf(r)])
  const all = [['name', 'params', 'unit', 'runs', 'failed', 'retries', 'p50', 'p95', 'max', 'target (p95)'], ...rows]
  const width = (all[0] ?? []).map((_, i) => Math.max(...all.map(row => row[i]?.length ?? 0)))
  return all.map(row => row.map((cell, i) => (i > 2 && i < 9 ? cell.padStart(width[i] ?? 0) : cell.padEnd(width[i] ?? 0))).join('  ').trimEnd()).join('\n')
}

/** The figures of the record are those of the last run, between its two marks. */
function record(results: readonly BenchResult[], head: string): void {
  const rows = results.map(r => `| \`${r.name}\` | ${paramsOf(r)} | ${r.unit} | ${r.runs} | ${r.failures} | ${r.retries} | ${r.p50} | ${r.p95} | ${r.max} | ${targetOf(r)} |`)
  const figures = [head, '', '| name | of | unit | runs | failed | retries | p50 | p95 | max | target (p95) |', '|---|---|---|---:|---:|---:|---:|---:|---:|---|', ...rows].join('\n')
  const page = readFileSync(RECORD, 'utf8')
  writeFileSync(RECORD, page.replace(/(<!-- figures -->\n)[^]*?(<!-- \/figures -->)/, (_all, open: string, close: string) => `${open}${figures}\n${close}`))
}

const options = readOptions()
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)

// only the report goes to stdout: what the build and the browsers say goes to stderr
const say = ['ignore', process.stderr.fd, process.stderr.fd] as const
const site = options.site ?? '.output/public'
if (options.site === undefined && spawnSync('npm', ['run', '-s', 'generate'], { stdio: [...say] }).status !== 0) {
  console.error('bench: the build failed; run "npm run generate" to see why')
  process.exit(1)
}
if (!existsSync(join(site, 'index.html'))) {
  console.error(`bench: no build in ${site}`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
const file = join(folder, 'results.jsonl')
writeFileSync(file, '')
const startedAt = new Date().toISOString()
const env = { ...process.env, CHROMIUM_PATH: chromium, TANDEM_SITE: site, TANDEM_BENCH_OUT: file, TANDEM_BENCH_RUNS: String(options.runs), TANDEM_E2E_PORT: process.env.TANDEM_E2E_PORT ?? '4540' }
let results: BenchResult[]
// Ctrl-C reaches the browsers' process as well: this one waits for it, and cleans up
process.on('SIGINT', () => undefined)
try {
  const status = runWhereWebrtcWorks(
    'npx', ['playwright', 'test', '--config', 'tests/bench/playwright.config.ts'],
    (command, args) => spawnSync(command, args, { stdio: [...say], env }).status ?? 1,
    line => console.error(`bench: ${line}`),
  )
  results = status === INTERRUPTED ? [] : complete(readReport(file), options.runs)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (results.length === 0) process.exit(INTERRUPTED)

const processors = cpus()
const document = {
  schema: 1, bench: 'tandem', commit: output('git', ['describe', '--always', '--dirty', '--abbrev=40', '--exclude', '*']), startedAt,
  machine: { cpu: processors[0]?.model ?? 'unknown', cores: processors.length, node: process.version, chromium: output(chromium, ['--version', '--no-sandbox']) },
  results,
}
const head = `${startedAt.slice(0, 10)}, commit ${document.commit}, on ${document.machine.cpu}, ${document.machine.cores} cores, Node ${document.machine.node}, ${document.machine.chromium}`
if (options.record) record(results, head)
if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(document, null, 2)}\n`)
if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`)
else process.stdout.write(`${head}\n\n${table(results)}\n`)

const missed = results.filter(r => r.ok === false)
for (const r of missed) console.error(`bench: ${r.name} missed its target: p95 ${r.p95} ${r.unit}, ${r.failures} failed; wanted ${r.target}`)
// a series in which nothing succeeded has measured nothing
process.exit(results.every(r => r.failures < r.runs) && (!options.strict || missed.length === 0) ? 0 : 1)
