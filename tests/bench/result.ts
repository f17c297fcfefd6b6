import { appendFileSync, readFileSync } from 'node:fs'

/** One measured thing. `samples` in `unit`, in the order of the runs; a failed run stands in it as its deadline. */
export interface BenchResult {
  readonly name: string
  readonly params: Readonly<Record<string, number | string>>
  readonly unit: 'ms' | 'B' | 'messages' | 'tasks' | 'kB' | 'ratio' | 'clients' | 'places' | '1/s' | 'ms/s'
  readonly runs: number
  readonly failures: number
  /** gates or signing attempts that had to be made again; a run that needed one is no failure */
  readonly retries: number
  readonly samples: readonly number[]
  readonly p50: number
  readonly p95: number
  readonly max: number
  /** what `p95` must not reach (`ms`) or exceed (all else) */
  readonly target?: number
  readonly ok?: boolean
}

/** What is to be reached at three members, by name. */
const TARGETS: Readonly<Record<string, number>> = { gate: 2_000, approve_to_txid: 500, first_load_js_gz: 150 }

/** What a failed run counts as, milliseconds: the gate's own limit, and as long for what follows it. */
export const DEADLINE_MS = 30_000

/** Nearest rank: the smallest sample that at least `share` of all samples do not exceed. */
function rank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Rounded to a tenth, which is all that the clocks give; ratios to a thousandth. */
const rounded = (value: number, unit: BenchResult['unit']): number =>
  unit === 'ratio' ? Math.round(value * 1_000) / 1_000 : Math.round(value * 10) / 10

/**
 * Figures of one series. `undefined` is a run that failed: it counts as `deadline` where there is one, else (bytes,
 * messages) it has no sample. A failure misses the target whatever the percentiles say.
 */
export function summarize(
  name: string,
  params: BenchResult['params'],
  unit: BenchResult['unit'],
  measured: ReadonlyArray<number | undefined>,
  options: { readonly deadline?: number; readonly retries?: number; readonly target?: number } = {},
): BenchResult {
  const failures = measured.filter(value => value === undefined).length
  const samples = measured.flatMap(value => {
    const counted = value ?? options.deadline
    return counted === undefined ? [] : [rounded(counted, unit)]
  })
  const sorted = [...samples].sort((a, b) => a - b)
  const target = options.target ?? (params.n === undefined || params.n === 3 ? TARGETS[name] : undefined)
  const p95 = rank(sorted, 0.95)
  const good =
    target === undefined || (failures === 0 && sorted.length > 0 && (unit === 'ms' ? p95 < target : p95 <= target))
  return {
    name,
    params,
    unit,
    runs: measured.length,
    failures,
    retries: options.retries ?? 0,
    samples,
    p50: rank(sorted, 0.5),
    p95,
    max: sorted.at(-1) ?? 0,
    ...(target === undefined ? {} : { target, ok: good }),
  }
}

/** Hands results from the measuring process to the one that prints them, a JSON line each. */
export function report(results: readonly BenchResult[]): void {
  const file = process.env.TANDEM_BENCH_OUT
  for (const result of results) {
    if (file === undefined) process.stdout.write(`${JSON.stringify(result)}\n`)
    else appendFileSync(file, `${JSON.stringify(result)}\n`)
  }
}

/** @throws when the file is not there */
export function readReport(file: string): BenchResult[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as BenchResult)
}
