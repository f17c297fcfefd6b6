import './shim'
import { parseRelayCommand, relayUsage, type RelayCommand } from './options'
import { startRelay } from './server'

const reasonOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)

const command = parseRelayCommand(process.argv.slice(2), process.env)
if (!command.ok) fail(command.error)
else if (command.value.help) process.stdout.write(`${relayUsage()}\n`)
else await run(command.value).catch((error: unknown) => fail(reasonOf(error)))

function fail(reason: string): void {
  process.stderr.write(`relay: ${reason}\n`)
  process.exit(1)
}

async function run(options: RelayCommand): Promise<void> {
  const relay = await startRelay(options)
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ ready: true, peerId: relay.peerId, addrs: relay.addrs, health: relay.healthUrl, pid: process.pid })}\n`,
    )
  } else {
    if (relay.port !== options.port && options.port !== 0)
      process.stdout.write(`Port ${options.port} is taken, using ${relay.port}.\n`)
    process.stdout.write(
      `Relay ${relay.peerId}\n${relay.addrs.map(a => `  ${a}`).join('\n')}\nHealth ${relay.healthUrl}\nStop with Ctrl-C.\n`,
    )
  }
  let stopping = false
  const stop = (drainMs: number) => (): void => {
    // a second signal does not wait
    if (stopping) process.exit(130)
    stopping = true
    relay
      .drain(drainMs)
      .then(() => relay.close())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(reasonOf(error)),
      )
  }
  // a person at the keyboard wants it gone now, a service manager gives time
  process.on('SIGINT', stop(0))
  process.on('SIGTERM', stop(options.drainMs))
  process.on('SIGHUP', () => {
    relay.renewCertificate().catch((error: unknown) => {
      process.stderr.write(`relay: ${reasonOf(error)}; the certificate in use stays\n`)
    })
  })
}
