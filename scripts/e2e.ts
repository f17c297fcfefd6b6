import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { ensureChromium } from './chromium'

/**
 * `npm run test:e2e [-- playwright arguments]`: builds the app as it ships and drives it in real browsers. WebRTC between two browsers
 * of one machine needs an interface besides `lo`: where there is none, the whole run moves into a network namespace with a veth pair.
 * `TANDEM_SITE` names a build that is already there.
 */
const args = process.argv.slice(2)
const chromium = ensureChromium()
if (chromium === undefined) process.exit(1)
const env = { ...process.env, CHROMIUM_PATH: chromium }

const run = (command: string, commandArgs: string[]) => spawnSync(command, commandArgs, { stdio: 'inherit', env }).status ?? 1

const site = process.env.TANDEM_SITE
const build = site === undefined ? run('npm', ['run', '-s', 'generate']) : 0
if (build !== 0 || !existsSync(`${site ?? '.output/public'}/index.html`)) {
  console.error('e2e: the build failed')
  process.exit(1)
}

const outside = Object.entries(networkInterfaces()).some(([name, addresses]) => name !== 'lo' && addresses?.some(a => a.family === 'IPv4' && !a.internal) === true)
const tests = ['playwright', 'test', ...args]
if (outside) process.exit(run('npx', tests))

const mayMakeNamespace = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0
if (!mayMakeNamespace) {
  console.log('e2e: only the loopback interface is here and no network namespace may be made: WebRTC cannot connect, the relay will')
  process.exit(run('npx', tests))
}
const name = `tandem-${process.pid}`
const ip = (...commandArgs: string[]) => {
  const done = spawnSync('ip', commandArgs, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`ip ${commandArgs.join(' ')}: ${done.stderr}`)
}
let status = 1
try {
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  ip('-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
  ip('-n', name, 'addr', 'add', '10.77.0.1/24', 'dev', 'v0')
  ip('-n', name, 'link', 'set', 'v0', 'up')
  ip('-n', name, 'link', 'set', 'v1', 'up')
  ip('-n', name, 'route', 'add', 'default', 'via', '10.77.0.2', 'dev', 'v0')
  status = run('ip', ['netns', 'exec', name, 'npx', ...tests])
} finally {
  spawnSync('ip', ['netns', 'delete', name])
}
process.exit(status)
