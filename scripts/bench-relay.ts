import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { goRelay, startOurs, type MeasuredRelay } from '../tests/bench/measured-relay'
import { measure, slopes, type Load } from '../tests/bench/relay-run'
import type { BenchResult } from '../tests/bench/result'

/**
 * `npm run -s bench:relay`: how many clients one relay process holds and what each costs it, ours beside the one of
 * go-libp2p where Go is present. Clients are the app's own libp2p adapter, in processes of their own, on the loopback
 * interface. What each figure means stands in docs/scale.md.
 */
const SIZES = [100, 500, 2000]
const QUICK_SIZES = [20, 60, 100]
/** sockets of a process beside those of its clients */
const SPARE_FILES = 200

function usage(problem: string): never {
  console.error(
    `bench:relay: ${problem}. Options: --json --out FILE --quick (${QUICK_SIZES.join(', ')} clients) --clients N,N,... (${SIZES.join(',')} unless given) --only tandem|go-libp2p`,
  )
  process.exit(2)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
        quick: { type: 'boolean', default: false },
        clients: { type: 'string' },
        only: { type: 'string' },
      },
    })
    const sizes = values.clients?.split(',').map(Number) ?? (values.quick ? QUICK_SIZES : SIZES)
    if (sizes.some(n => !Number.isInteger(n) || n < 2 || n > 20_000))
      usage(`--clients ${values.clients} is no list of whole numbers from 2 to 20000`)
    if (values.only !== undefined && !['tandem', 'go-libp2p'].includes(values.only))
      usage(`--only ${values.only} is no relay`)
    return { ...values, sizes }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

const output = (command: string, args: string[]): string => {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : 'unknown'
}

const options = readOptions()
if (process.platform !== 'linux') usage('it reads memory and processor time from /proc, which only Linux has')
// Node and Go raise the soft limit of open files to the hard one by themselves
const files = Number(output('sh', ['-c', 'ulimit -H -n']))
if (files < Math.max(...options.sizes) + SPARE_FILES)
  usage(
    `${files} files may be open, which is too few for ${Math.max(...options.sizes)} clients: raise it with ulimit -n`,
  )

const load: Load = { workers: 2, group: 5, presenceS: options.quick ? 5 : 20, circuits: options.quick ? 20 : 200 }
const relays: Array<readonly [string, (clients: number) => Promise<MeasuredRelay>]> = [['tandem', startOurs]]
const go = goRelay()
if ('start' in go) relays.push(['go-libp2p', go.start])
else console.error(`bench:relay: without the relay of go-libp2p: ${go.missing}`)

const startedAt = new Date().toISOString()
const results: BenchResult[] = []
for (const [name, start] of relays) {
  if (options.only !== undefined && options.only !== name) continue
  for (const n of options.sizes) {
    console.error(`bench:relay: ${name}, ${n} clients`)
    results.push(...(await measure(start, n, load)))
  }
}

const processors = cpus()
const document = {
  schema: 1,
  bench: 'relay',
  commit: output('git', ['describe', '--always', '--dirty', '--abbrev=40', '--exclude', '*']),
  startedAt,
  machine: {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    node: process.version,
    go: output('sh', ['-c', 'PATH=$PATH:/usr/local/go/bin go version']),
  },
  results,
  slopes: slopes(results),
}
if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(document, null, 2)}\n`)
if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`)
else process.stdout.write(`${head()}\n\n${table()}\n\n${growth()}\n`)
process.exit(results.some(r => r.name === 'clients_held' && r.failures > 0) ? 1 : 0)

function head(): string {
  return `${startedAt.slice(0, 10)}, commit ${document.commit}, on ${document.machine.cpu}, ${document.machine.cores} cores, Node ${document.machine.node}, ${document.machine.go}`
}

function columns(rows: readonly string[][], left: number): string {
  const width = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)))
  return rows
    .map(row =>
      row
        .map((cell, i) => (i < left ? cell.padEnd(width[i] ?? 0) : cell.padStart(width[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function table(): string {
  return columns(
    [
      ['name', 'relay', 'unit', 'clients', 'failed', 'p50', 'p95', 'max'],
      ...results.map(r => [
        r.name,
        String(r.params.relay),
        r.unit,
        String(r.params.n),
        String(r.failures),
        String(r.p50),
        String(r.p95),
        String(r.max),
      ]),
    ],
    3,
  )
}

function growth(): string {
  return columns(
    [
      ['slope of', 'relay', 'unit', 'per client', 'at none', 'power of n'],
      ...document.slopes.map(s => [s.name, s.relay, s.unit, String(s.perClient), String(s.atZero), String(s.exponent)]),
    ],
    3,
  )
}
