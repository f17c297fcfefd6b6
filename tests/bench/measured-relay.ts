import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { buildGoRelay } from '../support/go-relay'

/** A relay under measurement, in a process of its own. */
export interface MeasuredRelay {
  readonly name: 'tandem' | 'go-libp2p'
  /** whether it forwards gossip */
  readonly gossip: boolean
  readonly address: string
  /** resident memory now, bytes */
  memory(): number
  /** processor time so far, milliseconds; counted in steps of 10 */
  cpu(): number
  stop(): Promise<void>
}

/** What the kernel counts in, per second (`getconf CLK_TCK` is 100 on every Linux). */
const TICKS = 100

function watch(name: MeasuredRelay['name'], gossip: boolean, address: string, child: ChildProcess): MeasuredRelay {
  const { pid } = child
  return {
    name,
    gossip,
    address,
    memory: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) * 1024,
    cpu() {
      // after the name in brackets: user and system time are the 12th and 13th
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS
    },
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGINT')
      await exited
    },
  }
}

async function ready(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output')
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
    once(child, 'exit').then(() => {
      throw new Error('the relay ended before it was ready')
    }),
  ])
  return (JSON.parse(line) as { addrs: string[] }).addrs[0] ?? ''
}

/** Ours, with bounds wide enough for this many clients of one address. */
export async function startOurs(clients: number): Promise<MeasuredRelay> {
  const wide = String(clients * 2)
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'relay/main.ts',
      '--port',
      '0',
      '--json',
      '--log',
      'none',
      '--data',
      '.tandem/bench-relay',
      '--fresh',
      '--reservations',
      wide,
      '--reservations-per-ip',
      wide,
      '--connections-per-ip',
      wide,
      '--connections-per-ip-second',
      '1000000',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return watch('tandem', true, await ready(child), child)
}

/** The one of go-libp2p, or why it cannot be had. */
export function goRelay():
  { readonly start: (clients: number) => Promise<MeasuredRelay> } | { readonly missing: string } {
  const built = buildGoRelay()
  if (!('binary' in built)) return built
  return {
    async start(clients) {
      const child = spawn(built.binary, ['-reservations', String(clients * 2)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      return watch('go-libp2p', false, await ready(child), child)
    },
  }
}
