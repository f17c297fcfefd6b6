import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { ensureChromium } from './chromium'
import { runInNamespace, runWhereWebrtcWorks } from './netns'

/**
 * `npm run test:e2e [-- playwright arguments]`: builds the app as it ships and drives it in real browsers. Where it
 * may, the whole run moves into a network namespace of its own: tests of network trouble then have a network that they
 * may break. `TANDEM_SITE` names a build that is already there.
 */
const args = process.argv.slice(2)
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)
const env = { ...process.env, CHROMIUM_PATH: chromium }

const run = (command: string, commandArgs: string[]) =>
  spawnSync(command, commandArgs, { stdio: 'inherit', env }).status ?? 1

const site = process.env.TANDEM_SITE
const build = site === undefined ? run('npm', ['run', '-s', 'generate']) : 0
if (build !== 0 || !existsSync(`${site ?? '.output/public'}/index.html`)) {
  console.error('e2e: the build failed')
  process.exit(1)
}

const test = ['playwright', 'test', ...args]
process.exit(
  runInNamespace('npx', test, run) ?? runWhereWebrtcWorks('npx', test, run, line => console.log(`e2e: ${line}`)),
)
