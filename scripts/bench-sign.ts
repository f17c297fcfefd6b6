import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readReport, type BenchResult } from '../tests/bench/result'
import { line, power } from '../tests/bench/slope'
import { measureInBrowsers, siteToMeasure } from './bench-browsers'
import { publish, RECORD, type Growth } from './bench-document'
import { ensureChromium } from './chromium'

/**
 * `npm run -s bench:sign`: the processor time of one signing session, by tests/bench/sign.ts in a process of its own,
 * and how it grows with inputs and members; then for how long a browser that signs keeps its person waiting
 * (tests/bench/stall.bench.ts). Prints a table, or one JSON document with `--json`. What each figure means stands in
 * docs/measurements.md.
 */
const DEFAULT_RUNS = 10
/** of the browser: "19 of 20" must show */
const BROWSER_RUNS = 20
const QUICK_RUNS = 3
const MAX_RUNS = 200

function usage(problem: string): never {
  console.error(
    `bench:sign: ${problem}. Options: --json --out FILE --runs N (1 to ${MAX_RUNS}, ${DEFAULT_RUNS} unless given, in the browser ${BROWSER_RUNS}) --quick (${QUICK_RUNS} runs, to 15 members and 20 inputs) --strict (exit 1 when the target is missed) --record (write the figures into ${RECORD}) --site DIR (the browser's build, as it is)`,
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
    return { ...values, runs, browserRuns: values.runs === undefined && !values.quick ? BROWSER_RUNS : runs }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

/** Least squares of the medians, along one parameter at each value of the other. */
function slopes(results: readonly BenchResult[]): Growth[] {
  const round = (value: number): number => Number(value.toPrecision(3))
  return ['signer_cpu', 'signer_cpu_reference', 'hub_cpu'].flatMap(name =>
    (
      [
        ['inputs', 'n'],
        ['n', 'inputs'],
      ] as const
    ).flatMap(([by, fixed]) => {
      const all = results.filter(result => result.name === name)
      return [...new Set(all.map(result => result.params[fixed]))].flatMap((value): Growth[] => {
        const points = all
          .filter(result => result.params[fixed] === value)
          .map(result => [Number(result.params[by]), result.p50] as const)
        if (points.length < 2) return []
        const { slope, start } = line(points)
        return [
          {
            name,
            params: { [fixed]: value ?? '' },
            by,
            unit: 'ms',
            each: round(slope),
            atNone: round(start),
            exponent: round(power(points)),
          },
        ]
      })
    }),
  )
}

const options = readOptions()
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)
const site = siteToMeasure('bench:sign', options.site)
if (site === undefined) process.exit(1)
const folder = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
const file = join(folder, 'results.jsonl')
writeFileSync(file, '')
const startedAt = new Date().toISOString()
// only the report goes to stdout; Ctrl-C reaches the measuring process as well, and this one waits for it and cleans up
process.on('SIGINT', () => undefined)
try {
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'tests/bench/sign.ts', String(options.runs), options.quick ? '1' : '0'],
    { stdio: ['ignore', process.stderr.fd, process.stderr.fd], env: { ...process.env, TANDEM_BENCH_OUT: file } },
  )
  const stalled =
    status === 0
      ? measureInBrowsers({
          command: 'bench:sign',
          files: ['stall.bench.ts'],
          chromium,
          site,
          runs: options.browserRuns,
          out: file,
        })
      : status
  const results = readReport(file)
  // what was measured before the end is shown; that it ended early is the status
  const shown =
    results.length === 0
      ? 1
      : publish({
          bench: 'tandem-sign',
          mark: 'sign',
          startedAt,
          chromium,
          results,
          slopes: slopes(results),
          ...options,
        })
  process.exitCode = stalled === 0 ? shown : (stalled ?? 1)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
