import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BUILT, buildIfChanged } from './build'
import { CHAIN_PORT, RELAY_PORT, startLocalNetwork } from './local-network'
import { serveStatic } from './serve'

/** `npm start`: builds the app when its sources changed, and serves it with a local relay and a local chain. */
const APP_PORT = 4180

function usage(problem: string): never {
  console.error(
    `start: ${problem}. Options: --port N --host ADDRESS --data DIR --fresh --json --mine SECONDS (0: only by hand) --relay-port N --chain-port N --site DIR (serve this build as it is)`,
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
        'relay-port': { type: 'string', default: String(RELAY_PORT) },
        'chain-port': { type: 'string', default: String(CHAIN_PORT) },
        site: { type: 'string' },
      },
    })
    const portOf = (option: 'port' | 'relay-port' | 'chain-port'): number => {
      const port = Number(values[option])
      if (!Number.isInteger(port) || port < 1 || port > 65_000) usage(`--${option} ${values[option]} is not a port`)
      return port
    }
    const mine = Number(values.mine)
    if (!Number.isFinite(mine) || mine < 0) usage(`--mine ${values.mine} is not a number of seconds`)
    return {
      port: portOf('port'),
      relayPort: portOf('relay-port'),
      chainPort: portOf('chain-port'),
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

const options = readOptions()
if (options.site === undefined) buildIfChanged(options.json)
if (options.fresh)
  for (const part of ['chain', 'relay', 'usual.json'])
    rmSync(join(options.data, part), { recursive: true, force: true })
mkdirSync(options.data, { recursive: true })

const network = await startLocalNetwork({
  host: options.host,
  data: options.data,
  mineSeconds: options.mine,
  relayPort: options.relayPort,
  chainPort: options.chainPort,
})

// Browsers keep profiles by origin: an app on another port does not see them, so the usual address is remembered and
// named.
const usualFile = join(options.data, 'usual.json')
const usual = existsSync(usualFile) ? (JSON.parse(readFileSync(usualFile, 'utf8')) as { url?: string }).url : undefined
let movedFrom: string | undefined
const app = await serveStatic({
  root: options.site ?? BUILT,
  port: options.port,
  host: options.host,
  config: () => ({ ...network.config, ...(movedFrom === undefined ? {} : { movedFrom }) }),
})
const wanted = usual ?? `http://${options.host}:${options.port}`
if (app.url !== wanted) movedFrom = wanted
if (usual === undefined || app.port === options.port) writeFileSync(usualFile, JSON.stringify({ url: app.url }))

if (options.json) {
  console.log(
    JSON.stringify({ ready: true, app: app.url, relay: network.relays[0], esplora: network.esplora, pid: process.pid }),
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

  local chain ${network.esplora}   relay ${network.relays[0] ?? ''}
  data in ${options.data} (--fresh starts anew)   Ctrl-C ends all of it.
`)
}

let stopping = false
const stop = () => {
  if (stopping) return
  stopping = true
  void Promise.allSettled([app.close(), network.close()]).then(() => process.exit(0))
  // a browser that keeps a socket open must not keep the program alive
  setTimeout(() => process.exit(0), 3_000).unref()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
