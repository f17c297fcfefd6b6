import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { ensureChromium } from './chromium'

/**
 * `npm test`: every suite that a fresh checkout must pass, one after the other, with the time of each and one closing
 * line. `--long` raises the repeat counts (docs/measurements.md); `--only a,b` runs some of the suites.
 */
const RESULTS = 'test-results'
const SKIPS = `${RESULTS}/skips.jsonl`
const long = process.argv.includes('--long')
const onlyAt = process.argv.indexOf('--only')
const only = onlyAt < 0 ? undefined : process.argv[onlyAt + 1]?.split(',')

interface Outcome {
  name: string
  seconds: number
  passed: number
  failed: number
  skipped: number
  good: boolean
}

rmSync(RESULTS, { recursive: true, force: true })
mkdirSync(RESULTS, { recursive: true })

const chromium = ensureChromium()
const env = {
  ...process.env,
  ...(chromium === undefined ? {} : { CHROMIUM_PATH: chromium }),
  TANDEM_SKIPS: SKIPS,
  ...(long ? { TANDEM_LONG: '1', TANDEM_DIALS: '60', TANDEM_REPEATS: '100' } : {}),
}

const count = (name: string, key: 'numPassedTests' | 'numFailedTests' | 'numPendingTests') => {
  const file = `${RESULTS}/${name}.json`
  return existsSync(file) ? ((JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>)[key] ?? 0) : 0
}
const vitest = (name: string) => (): Omit<Outcome, 'name' | 'seconds'> => {
  const status = run('npx', [
    'vitest',
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${RESULTS}/${name}.json`,
  ])
  return {
    good: status,
    passed: count(name, 'numPassedTests'),
    failed: count(name, 'numFailedTests'),
    skipped: count(name, 'numPendingTests'),
  }
}

function run(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0
}

function e2e(): Omit<Outcome, 'name' | 'seconds'> {
  const good = run('npx', ['tsx', 'scripts/e2e.ts'])
  const file = `${RESULTS}/e2e.json`
  const stats = existsSync(file)
    ? (
        JSON.parse(readFileSync(file, 'utf8')) as {
          stats: { expected: number; unexpected: number; flaky: number; skipped: number }
        }
      ).stats
    : undefined
  return {
    good,
    passed: stats?.expected ?? 0,
    failed: (stats?.unexpected ?? 0) + (stats?.flaky ?? 0),
    skipped: stats?.skipped ?? 0,
  }
}

/** Runs of the simulation, and planted faults that it must find, count as tests. */
function simulation(): Omit<Outcome, 'name' | 'seconds'> {
  const good = run('npx', ['tsx', 'scripts/sim.ts', '--runs', long ? '200000' : '2000'])
  const file = `${RESULTS}/sim.json`
  if (!existsSync(file)) return { good: false, passed: 0, failed: 0, skipped: 0 }
  const { runs, broken, bugs } = JSON.parse(readFileSync(file, 'utf8')) as {
    runs: number
    broken: unknown[]
    bugs: Array<{ rule?: string }>
  }
  const blind = bugs.filter(bug => bug.rule === undefined).length
  return { good, passed: runs - broken.length + bugs.length - blind, failed: broken.length + blind, skipped: 0 }
}

const suites: Array<[string, () => Omit<Outcome, 'name' | 'seconds'>]> = [
  ['check', () => ({ good: run('npx', ['tsx', 'scripts/check.ts']), passed: 0, failed: 0, skipped: 0 })],
  ['unit', vitest('unit')],
  ['contract', vitest('contract')],
  ['protocol', vitest('protocol')],
  ['group', vitest('sim')],
  ['sim', simulation],
  ['nuxt', vitest('nuxt')],
  ['e2e', e2e],
]

if (!run('npx', ['tsx', 'scripts/prepare.ts'])) process.exit(1)
const outcomes: Outcome[] = []
for (const [name, suite] of suites) {
  if (only !== undefined && !only.includes(name)) continue
  console.log(`\n=== ${name}`)
  const started = Date.now()
  const outcome = suite()
  outcomes.push({ name, seconds: (Date.now() - started) / 1000, ...outcome })
}

console.log('\nsuite        time      passed  failed  skipped')
for (const o of outcomes) {
  console.log(
    `${o.name.padEnd(12)} ${`${o.seconds.toFixed(1)} s`.padEnd(9)} ${String(o.passed).padStart(6)}  ${String(o.failed).padStart(6)}  ${String(o.skipped).padStart(7)}  ${o.good ? 'ok' : 'FAILED'}`,
  )
}
const skips = existsSync(SKIPS)
  ? readFileSync(SKIPS, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { capability: string; reason: string })
  : []
for (const reason of new Set(skips.map(s => `${s.capability}: ${s.reason}`))) console.log(`skipped, ${reason}`)

const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((total, o) => total + o[key], 0)
// a suite that broke before it could count its tests counts as one failure
const broken = outcomes.filter(o => !o.good && o.failed === 0).length
console.log(`\n${sum('passed')} passed, ${sum('failed') + broken} failed, ${sum('skipped')} skipped`)
process.exit(outcomes.every(o => o.good) ? 0 : 1)
