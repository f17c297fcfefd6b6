import { existsSync, mkdirSync, readFileSync, rmSync, statSync, readdirSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startDevnet } from '../devnet/server'
import { startRelay } from '../relay/server'
import { serveStatic } from './serve'

/** `npm start`: builds the app when its sources changed, and serves it with a local relay and a local chain. */
const BUILT = '.output/public'
const APP_PORT = 4180
/** not 4190, which Firefox refuses as that of a mail protocol (Fetch standard, "bad ports") */
const RELAY_PORT = 4210
const CHAIN_PORT = 4195

function usage(problem: string): never {
  console.error(
    `start: ${problem}. Options: --port N --host ADDRESS --data DIR --fresh --json --mine SECONDS (0: only by hand) --site DIR (serve this build as it is)`,
  )
  process.exit(1)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: String(APP_PORT) },
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string', default: '.tandem' },
        fresh: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        mine: { type: 'string', default: '10' },
        site: { type: 'string' },
      },
    })
    const port = Number(values.port)
    const mine = Number(values.mine)
    if (!Number.isInteger(port) || port < 1 || port > 65_000) usage(`--port ${values.port} is not a port`)
    if (!Number.isFinite(mine) || mine < 0) usage(`--mine ${values.mine} is not a number of seconds`)
    return {
      port,
      host: values.host,
      data: resolve(values.data),
      fresh: values.fresh,
      json: values.json,
      mine,
      site: values.site,
    }
  } catch (error) {
    usage(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error))
  }
}

/** Newest change in what the build is made of. */
function newestSource(): number {
  const roots = [
    'app.vue',
    'error.vue',
    'app.config.ts',
    'nuxt.config.ts',
    'package-lock.json',
    'pages',
    'components',
    'composables',
    'layouts',
    'plugins',
    'stores',
    'services',
    'locales',
    'assets',
    'public',
    'patches',
  ]
  const newest = (path: string): number => {
    if (!existsSync(path)) return 0
    const stat = statSync(path)
    return stat.isDirectory()
      ? readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), 0)
      : stat.mtimeMs
  }
  return Math.max(...roots.map(newest))
}

function build(quiet: boolean) {
  const index = join(BUILT, 'index.html')
  if (existsSync(index) && statSync(index).mtimeMs > newestSource()) return
  console.error('Building the app (about half a minute, once) ...')
  const done = spawnSync('npm', ['run', '-s', 'generate'], {
    stdio: ['ignore', quiet ? 'ignore' : 2, quiet ? 'pipe' : 2],
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    console.error(done.stderr ?? '')
    console.error('start: the build failed; run "npm run generate" to see why')
    process.exit(1)
  }
}

const options = readOptions()
if (options.site === undefined) build(options.json)
if (options.fresh)
  for (const part of ['chain', 'relay', 'usual.json'])
    rmSync(join(options.data, part), { recursive: true, force: true })
mkdirSync(options.data, { recursive: true })

const devnet = await startDevnet({
  port: CHAIN_PORT,
  host: options.host,
  data: join(options.data, 'chain'),
  ...(options.mine > 0 ? { autoMineMs: options.mine * 1000 } : {}),
})
const relay = await startRelay({ port: RELAY_PORT, host: options.host, dataDir: join(options.data, 'relay') })

// Browsers keep profiles by origin: an app on another port does not see them, so the usual address is remembered and
// named.
const usualFile = join(options.data, 'usual.json')
const usual = existsSync(usualFile) ? (JSON.parse(readFileSync(usualFile, 'utf8')) as { url?: string }).url : undefined
let movedFrom: string | undefined
const app = await serveStatic({
  root: options.site ?? BUILT,
  port: options.port,
  host: options.host,
  config: () => ({
    version: 1,
    relays: relay.addrs,
    stun: [],
    networks: { regtest: { esplora: devnet.url, genesis: devnet.genesis, faucet: `${devnet.url}/dev/faucet` } },
    ...(movedFrom === undefined ? {} : { movedFrom }),
  }),
})
const wanted = usual ?? `http://${options.host}:${options.port}`
if (app.url !== wanted) movedFrom = wanted
if (usual === undefined || app.port === options.port) writeFileSync(usualFile, JSON.stringify({ url: app.url }))

if (options.json) {
  console.log(
    JSON.stringify({ ready: true, app: app.url, relay: relay.addrs[0], esplora: devnet.url, pid: process.pid }),
  )
} else {
  if (movedFrom !== undefined)
    console.log(
      `\n  Port taken: this time the app is at another address. Profiles made at ${movedFrom} are seen only there.`,
    )
  console.log(`
  Tandem is ready:   ${app.url}

  Open it in two or three windows or tabs. In each one make a profile;
  in the first make a wallet and copy its invite link into the others.
  Test coins are on the "Receive" page.

  local chain ${devnet.url}   relay ${relay.addrs[0] ?? ''}
  data in ${options.data} (--fresh starts anew)   Ctrl-C ends all of it.
`)
}

let stopping = false
const stop = () => {
  if (stopping) return
  stopping = true
  void Promise.allSettled([app.close(), relay.close(), devnet.close()]).then(() => process.exit(0))
  // a browser that keeps a socket open must not keep the program alive
  setTimeout(() => process.exit(0), 3_000).unref()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
