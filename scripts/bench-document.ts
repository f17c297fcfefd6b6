import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { BenchResult } from '../tests/bench/result'

export const RECORD = 'docs/measurements.md'

const output = (command: string, args: string[]): string => {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : 'unknown'
}

const targetOf = (r: BenchResult): string =>
  r.target === undefined ? '' : `${r.unit === 'ms' ? '<' : '<='} ${r.target} ${r.ok === true ? 'ok' : 'MISSED'}`
const paramsOf = (r: Pick<BenchResult, 'params'>): string =>
  Object.entries(r.params)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')

function table(results: readonly BenchResult[]): string {
  const rows = results.map(r => [
    r.name,
    paramsOf(r),
    r.unit,
    String(r.runs),
    String(r.failures),
    String(r.retries),
    String(r.p50),
    String(r.p95),
    String(r.max),
    targetOf(r),
  ])
  return columns(
    [['name', 'params', 'unit', 'runs', 'failed', 'retries', 'p50', 'p95', 'max', 'target (p95)'], ...rows],
    i => i > 2 && i < 9,
  )
}

/** How a figure grows: a straight line through its points, and the power that it follows (1 is in proportion). */
export interface Growth {
  readonly name: string
  readonly params: BenchResult['params']
  /** what grows, such as `inputs` */
  readonly by: string
  readonly unit: string
  readonly each: number
  readonly atNone: number
  readonly exponent: number
}

const GROWTH_HEAD = ['slope of', 'of', 'by', 'unit', 'each', 'at none', 'power']
const growthRow = (g: Growth): string[] => [
  g.name,
  paramsOf(g),
  g.by,
  g.unit,
  String(g.each),
  String(g.atNone),
  String(g.exponent),
]

function columns(all: readonly string[][], right: (column: number) => boolean): string {
  const width = (all[0] ?? []).map((_, i) => Math.max(...all.map(row => row[i]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, i) => (right(i) ? cell.padStart(width[i] ?? 0) : cell.padEnd(width[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The figures of the record are those of the last run, between the two marks of this name. */
function record(results: readonly BenchResult[], growth: readonly Growth[], head: string, mark: string): void {
  const rows = results.map(
    r =>
      `| \`${r.name}\` | ${paramsOf(r)} | ${r.unit} | ${r.runs} | ${r.failures} | ${r.retries} | ${r.p50} | ${r.p95} | ${r.max} | ${targetOf(r)} |`,
  )
  const figures = [
    head,
    '',
    '| name | of | unit | runs | failed | retries | p50 | p95 | max | target (p95) |',
    '|---|---|---|---:|---:|---:|---:|---:|---:|---|',
    ...rows,
    ...(growth.length === 0
      ? []
      : [
          '',
          `| ${GROWTH_HEAD.join(' | ')} |`,
          '|---|---|---|---|---:|---:|---:|',
          ...growth.map(g => `| ${growthRow(g).join(' | ')} |`),
        ]),
  ].join('\n')
  const page = readFileSync(RECORD, 'utf8')
  const [open, close] = [`<!-- ${mark} -->\n`, `\n<!-- /${mark} -->`]
  const from = page.indexOf(open) + open.length
  const to = page.indexOf(close, from - 1)
  if (from < open.length || to < 0) throw new Error(`${RECORD} has no place for ${mark}`)
  writeFileSync(RECORD, page.slice(0, from) + figures + page.slice(to))
}

export interface Publishing {
  /** name of the document, such as `tandem` */
  readonly bench: string
  /** name of the marks in the record */
  readonly mark: string
  /** ISO 8601 */
  readonly startedAt: string
  /** path of the browser, when one took part */
  readonly chromium?: string
  readonly results: readonly BenchResult[]
  readonly slopes?: readonly Growth[]
  readonly json?: boolean
  readonly out?: string
  readonly strict?: boolean
  readonly record?: boolean
}

/** Prints and writes what was asked for; gives the exit status. */
export function publish(p: Publishing): number {
  const processors = cpus()
  const document = {
    schema: 1,
    bench: p.bench,
    commit: output('git', ['describe', '--always', '--dirty', '--abbrev=40', '--exclude', '*']),
    startedAt: p.startedAt,
    machine: {
      cpu: processors[0]?.model ?? 'unknown',
      cores: processors.length,
      node: process.version,
      ...(p.chromium === undefined ? {} : { chromium: output(p.chromium, ['--version', '--no-sandbox']) }),
    },
    results: p.results,
    ...(p.slopes === undefined ? {} : { slopes: p.slopes }),
  }
  const growth = p.slopes ?? []
  const head = `${p.startedAt.slice(0, 10)}, commit ${document.commit}, on ${document.machine.cpu}, ${document.machine.cores} cores, Node ${document.machine.node}${document.machine.chromium === undefined ? '' : `, ${document.machine.chromium}`}`
  if (p.record === true) record(p.results, growth, head, p.mark)
  if (p.out !== undefined) writeFileSync(p.out, `${JSON.stringify(document, null, 2)}\n`)
  if (p.json === true) process.stdout.write(`${JSON.stringify(document)}\n`)
  else
    process.stdout.write(
      `${head}\n\n${table(p.results)}\n${growth.length === 0 ? '' : `\n${columns([GROWTH_HEAD, ...growth.map(growthRow)], i => i > 3)}\n`}`,
    )
  const missed = p.results.filter(r => r.ok === false)
  for (const r of missed)
    console.error(
      `bench: ${r.name} ${paramsOf(r)} missed its target: p95 ${r.p95} ${r.unit}, ${r.failures} failed; wanted ${r.target}`,
    )
  // a series in which nothing succeeded has measured nothing
  return p.results.every(r => r.failures < r.runs) && (p.strict !== true || missed.length === 0) ? 0 : 1
}
