import './shim'
import { parseRelayCommand, RELAY_USAGE } from './options'
import { startRelay } from './server'

const command = parseRelayCommand(process.argv.slice(2), process.env)
if (!command.ok) fail(command.error)
else if (command.value.help) process.stdout.write(`${RELAY_USAGE}\n`)
else await run(command.value).catch((error: unknown) => fail(error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error)))

function fail(reason: string): void {
  process.stderr.write(`relay: ${reason}\n`)
  process.exit(1)
}

async function run(options: Extract<typeof command, { ok: true }>['value']): Promise<void> {
  const relay = await startRelay(options)
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ready: true, peerId: relay.peerId, addrs: relay.addrs, health: relay.healthUrl, pid: process.pid })}\n`)
  } else {
    if (relay.port !== options.port && options.port !== 0) process.stdout.write(`Port ${options.port} is taken, using ${relay.port}.\n`)
    process.stdout.write(`Relay ${relay.peerId}\n${relay.addrs.map((a) => `  ${a}`).join('\n')}\nHealth ${relay.healthUrl}\nStop with Ctrl-C.\n`)
  }
  let stopping = false
  const stop = (): void => {
    // a second signal does not wait
    if (stopping) process.exit(130)
    stopping = true
    relay.close().then(() => process.exit(0), () => process.exit(1))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
