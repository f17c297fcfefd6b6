import { spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'

type Run = (command: string, args: string[]) => number

/** The variable in which a run finds the name of the namespace that was made for it. */
const NAMED = 'TANDEM_NETNS'

/**
 * Runs the command in a network namespace of its own, with a veth pair beside `lo`, and gives its exit status;
 * undefined when none may be made (needs root and `ip`). What runs in it finds the namespace's name in `TANDEM_NETNS`
 * and may change its network as it likes.
 */
export function runInNamespace(command: string, args: readonly string[], run: Run): number | undefined {
  if (process.getuid?.() !== 0 || spawnSync('ip', ['netns', 'list']).status !== 0) return undefined
  const name = `tandem-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' }).status !== 0) return undefined
  const ip = (...commandArgs: string[]) => {
    const done = spawnSync('ip', commandArgs, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`ip ${commandArgs.join(' ')}: ${done.stderr}`)
  }
  try {
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
    ip('-n', name, 'addr', 'add', '10.77.0.1/24', 'dev', 'v0')
    ip('-n', name, 'link', 'set', 'v0', 'up')
    ip('-n', name, 'link', 'set', 'v1', 'up')
    ip('-n', name, 'route', 'add', 'default', 'via', '10.77.0.2', 'dev', 'v0')
    return run('ip', ['netns', 'exec', name, 'env', `${NAMED}=${name}`, command, ...args])
  } finally {
    spawnSync('ip', ['netns', 'delete', name])
  }
}

/**
 * Two browsers of one machine find each other by WebRTC only over an interface beside `lo`. Where there is none, the
 * command runs in a network namespace, if one may be made. Gives the command's exit status.
 */
export function runWhereWebrtcWorks(
  command: string,
  args: readonly string[],
  run: Run,
  warn: (line: string) => void,
): number {
  const outside = Object.entries(networkInterfaces()).some(
    ([name, addresses]) => name !== 'lo' && addresses?.some(a => a.family === 'IPv4' && !a.internal) === true,
  )
  const status = outside ? undefined : runInNamespace(command, args, run)
  if (status !== undefined) return status
  if (!outside)
    warn(
      'only the loopback interface is here and no network namespace may be made: WebRTC cannot connect, the relay will',
    )
  return run(command, [...args])
}
