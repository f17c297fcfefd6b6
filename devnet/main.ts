/** `npm run devnet`: the local chain alone, until Ctrl-C. */
import { parseArgs } from 'node:util'
import { startDevnet } from './server'

const USAGE = `Usage: npm run devnet -- [options]
  --port N            port to listen on, 3002 by default; a taken one moves to the next
  --host ADDRESS      127.0.0.1 by default
  --data FOLDER       where the chain is kept, .tandem/chain by default
  --fresh             forget the kept chain and begin a new one
  --automine SECONDS  mine a block this long after a transaction was broadcast; off by default
  --json              print one line of JSON when ready`

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

function readNumber(name: string, written: string, least: number, most: number): number {
  const value = Number(written)
  if (written.trim() === '' || !Number.isFinite(value) || value < least || value > most) {
    throw new Error(`--${name} must be a number from ${least} to ${most}.`)
  }
  return value
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '3002' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string', default: '.tandem/chain' },
      fresh: { type: 'boolean', default: false },
      automine: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    say(USAGE)
    return
  }
  const wanted = Math.trunc(readNumber('port', values.port, 0, 65_535))
  const devnet = await startDevnet({
    port: wanted,
    host: values.host,
    data: values.data,
    fresh: values.fresh,
    ...(values.automine === undefined ? {} : { autoMineMs: readNumber('automine', values.automine, 0, 86_400) * 1000 }),
  })
  let leaving = false
  const leave = (): void => {
    if (leaving) return
    leaving = true
    devnet.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', leave)
  process.on('SIGTERM', leave)
  if (values.json) {
    say(JSON.stringify({ ready: true, url: devnet.url, genesis: devnet.genesis, pid: process.pid }))
    return
  }
  if (wanted !== 0 && devnet.port !== wanted)
    say(`Port ${wanted} is taken, so the local chain moved to ${devnet.port}.`)
  say(`Local chain: ${devnet.url} (Esplora), kept in ${values.data}. Ctrl-C ends it.`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'The local chain could not start.'}\n`)
  process.exitCode = 1
})
