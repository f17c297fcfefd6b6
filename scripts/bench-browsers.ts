import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runWhereWebrtcWorks } from './netns'

/** only the report goes to stdout: what the build and the browsers say goes to stderr */
const say = ['ignore', process.stderr.fd, process.stderr.fd] as const

/**
 * The build to measure: `given` as it is, or one that is made now. Undefined, with the reason said, when there is none.
 */
export function siteToMeasure(command: string, given: string | undefined): string | undefined {
  const site = given ?? '.output/public'
  if (given === undefined && spawnSync('npm', ['run', '-s', 'generate'], { stdio: [...say] }).status !== 0) {
    console.error(`${command}: the build failed; run "npm run generate" to see why`)
    return undefined
  }
  if (existsSync(join(site, 'index.html'))) return site
  console.error(`${command}: no build in ${site}`)
  return undefined
}

export interface InBrowsers {
  /** the command, for what it says */
  readonly command: string
  /** in tests/bench, such as `spend.bench.ts` */
  readonly files: readonly string[]
  readonly chromium: string
  readonly site: string
  readonly runs: number
  /** file for the results, a JSON line each */
  readonly out: string
}

/** Measures the app as it ships, in real browsers. Gives the exit status. */
export function measureInBrowsers({ command, files, chromium, site, runs, out }: InBrowsers): number {
  const env = {
    ...process.env,
    CHROMIUM_PATH: chromium,
    TANDEM_SITE: site,
    TANDEM_BENCH_OUT: out,
    TANDEM_BENCH_RUNS: String(runs),
    TANDEM_E2E_PORT: process.env.TANDEM_E2E_PORT ?? '4540',
  }
  return runWhereWebrtcWorks(
    'npx',
    ['playwright', 'test', '--config', 'tests/bench/playwright.config.ts', ...files],
    (program, args) => spawnSync(program, args, { stdio: [...say], env }).status ?? 1,
    line => console.error(`${command}: ${line}`),
  )
}
