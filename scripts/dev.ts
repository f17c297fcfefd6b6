import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startLocalNetwork } from './local-network'
import { listenFrom } from './serve'

/**
 * `npm run dev`: the app with hot reload, beside a local relay and a local chain. They have ports and a data folder of
 * their own, so that `npm start` may run at the same time.
 */
const PORTS = { app: 4280, relay: 4310, chain: 4295 }
const HOST = '127.0.0.1'
const MINE_SECONDS = 10

function usage(problem: string): never {
  console.error(`dev: ${problem}. Options: --port N --data DIR`)
  process.exit(1)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: String(PORTS.app) },
        data: { type: 'string', default: '.tandem/dev' },
      },
    })
    const port = Number(values.port)
    if (!Number.isInteger(port) || port < 1 || port > 65_000) usage(`--port ${values.port} is not a port`)
    return { port, data: resolve(values.data) }
  } catch (error) {
    usage(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error))
  }
}

/** The first port from `wanted` on that nobody listens on. */
async function freePort(wanted: number): Promise<number> {
  const probe = createServer()
  const port = await listenFrom(probe, wanted, HOST)
  await new Promise(done => probe.close(done))
  return port
}

async function untilAnswered(url: string): Promise<void> {
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await new Promise(done => setTimeout(done, 250))
}

const { port: wanted, data } = readOptions()
const files = join(data, 'public')
mkdirSync(files, { recursive: true })
const network = await startLocalNetwork({
  host: HOST,
  data,
  mineSeconds: MINE_SECONDS,
  relayPort: PORTS.relay,
  chainPort: PORTS.chain,
})
// nuxt.config.ts serves this folder before public/
writeFileSync(join(files, 'config.json'), JSON.stringify(network.config))

const port = await freePort(wanted)
const app = `http://${HOST}:${port}`
const nuxt = spawn('npx', ['nuxt', 'dev', '--host', HOST, '--port', String(port), '--no-fork'], {
  stdio: 'inherit',
  env: { ...process.env, TANDEM_DEV_FILES: files, NUXT_TELEMETRY_DISABLED: '1' },
})
nuxt.on('exit', code => void network.close().then(() => process.exit(code ?? 0)))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => nuxt.kill(signal))

await untilAnswered(app)
console.log(`
  Tandem with hot reload:   ${app}

  local chain ${network.esplora}   relay ${network.relays[0] ?? ''}
  data in ${data}   Ctrl-C ends all of it.
`)
