import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEADLINE_MS, readReport, summarize } from '../tests/bench/result'
import type { BenchResult } from '../tests/bench/result'
import { measureInBrowsers, siteToMeasure } from './bench-browsers'
import { publish, RECORD } from './bench-document'
import { ensureChromium } from './chromium'

/**
 * `npm run -s bench`: measures the app as it ships, in real browsers (tests/bench/), and prints a table, or one JSON
 * document with `--json`. What each figure means stands in docs/measurements.md.
 */
const DEFAULT_RUNS = 20
const QUICK_RUNS = 3
const MAX_RUNS = 200
/** what a shell says of a program that Ctrl-C ended */
const INTERRUPTED = 130

function usage(problem: string): never {
  console.error(
    `bench: ${problem}. Options: --json --out FILE --runs N (1 to ${MAX_RUNS}, ${DEFAULT_RUNS} unless given) --quick (${QUICK_RUNS} runs) --strict (exit 1 when a target is missed) --record (write the figures into ${RECORD}) --site DIR (measure this build as it is)`,
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
        strict: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        site: { type: 'string' },
      },
    })
    const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : DEFAULT_RUNS))
    if (!Number.isInteger(runs) || runs < 1 || runs > MAX_RUNS)
      usage(`--runs ${values.runs} is not a whole number from 1 to ${MAX_RUNS}`)
    return { ...values, runs }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

/** Everything that must be in a report. What is missing was not reached: each of its runs failed. */
function complete(results: readonly BenchResult[], runs: number): BenchResult[] {
  const failed = Array.from({ length: runs }, () => undefined)
  const has = (name: string, n?: number) => results.some(r => r.name === name && r.params.n === n)
  const missing = [2, 3].flatMap(n => [
    ...['gate', 'request_visible', 'approve_to_txid']
      .filter(name => !has(name, n))
      .map(name => summarize(name, { n, inputs: 2 }, 'ms', failed, { deadline: DEADLINE_MS })),
    ...(['session_bytes', 'session_messages'] as const)
      .filter(name => !has(name, n))
      .flatMap(name =>
        ['proposer', 'cosigner'].map(member =>
          summarize(name, { n, inputs: 2, member }, name === 'session_bytes' ? 'B' : 'messages', failed),
        ),
      ),
  ])
  const sizes = ['first_load_js_gz', 'lazy_js_gz']
    .filter(name => !has(name))
    .map(name => summarize(name, {}, 'kB', [undefined]))
  return [...results, ...missing, ...sizes]
}

const options = readOptions()
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)

const site = siteToMeasure('bench', options.site)
if (site === undefined) process.exit(1)

const folder = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
const file = join(folder, 'results.jsonl')
writeFileSync(file, '')
const startedAt = new Date().toISOString()
let results: BenchResult[]
// Ctrl-C reaches the browsers' process as well: this one waits for it, and cleans up
process.on('SIGINT', () => undefined)
try {
  const status = measureInBrowsers({
    command: 'bench',
    files: ['load.bench.ts', 'spend.bench.ts'],
    chromium,
    site,
    runs: options.runs,
    out: file,
  })
  results = status === INTERRUPTED ? [] : complete(readReport(file), options.runs)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (results.length === 0) process.exit(INTERRUPTED)

process.exit(publish({ bench: 'tandem', mark: 'figures', startedAt, chromium, results, ...options }))
