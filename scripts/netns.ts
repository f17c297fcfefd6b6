import { spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'

/**
 * Two browsers of one machine find each other by WebRTC only over an interface beside `lo`. Where there is none, the command runs in a
 * network namespace with a veth pair, if one may be made. Gives the command's exit status.
 */
export function runWhereWebrtcWorks(command: string, args: readonly string[], run: (command: string, args: string[]) => number, warn: (line: string) => void): number {
  const outside = Object.entries(networkInterfaces()).some(([name, addresses]) => name !== 'lo' && addresses?.some(a => a.family === 'IPv4' && !a.internal) === true)
  if (outside) return run(command, [...args])
  if (process.getuid?.() !== 0 || spawnSync('ip', ['netns', 'list']).status !== 0) {
    warn('only the loopback interface is here and no network namespace may be made: WebRTC cannot connect, the relay will')
    return run(command, [...args])
  }
  const name = `tandem-${process.pid}`
  const ip = (...commandArgs: string[]) => {
    const done = spawnSync('ip', commandArgs, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`ip ${commandArgs.join(' ')}: ${done.stderr}`)
  }
  try {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
    ip('-n', name, 'addr', 'add', '10.77.0.1/24', 'dev', 'v0')
    ip('-n', name, 'link', 'set', 'v0', 'up')
    ip('-n', name, 'link', 'set', 'v1', 'up')
    ip('-n', name, 'route', 'add', 'default', 'via', '10.77.0.2', 'dev', 'v0')
    return run('ip', ['netns', 'exec', name, command, ...args])
  } finally {
    spawnSync('ip', ['netns', 'delete', name])
  }
}
