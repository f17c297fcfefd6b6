import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * `npm run check`: every rule that a tool keeps, all of them run even when one fails; the longest first, as many at a
 * time as there are cores.
 */
const LAYERS = 'services stores composables components pages'
const steps: Array<[string, string]> = [
  ['lint', 'eslint . --max-warnings 0'],
  ['types (node)', 'tsc -p tsconfig.node.json'],
  ['types (app)', 'vue-tsc --noEmit -p tsconfig.json'],
  ['types (core)', 'tsc -p tsconfig.core.json'],
  [
    'curves in workers',
    `depcruise --config .dependency-cruiser.threads.cjs app.vue error.vue middleware plugins ${LAYERS}`,
  ],
  ['format', 'prettier --check --log-level warn .'],
  ['dead code', 'knip'],
  ['layers', `depcruise --config .dependency-cruiser.cjs relay devnet scripts ${LAYERS}`],
  ['lines', 'tsx scripts/line-length.ts'],
  ['structure', 'tsx scripts/structure.ts --check'],
  ['commits', 'tsx scripts/commit-subjects.ts'],
]

/** What a step says comes in one piece: others run beside it. */
function run(command: string): Promise<{ readonly good: boolean; readonly output: string }> {
  return new Promise(resolve => {
    const child = spawn('npx', command.split(' '), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    child.on('error', error => resolve({ good: false, output: String(error) }))
    child.on('close', code => resolve({ good: code === 0, output }))
  })
}

const failed: string[] = []
const waiting = [...steps]
async function work(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const [name, command] = step
    const started = Date.now()
    const { good, output } = await run(command)
    if (output.trim() !== '') console.log(output.trim())
    console.log(`${good ? 'ok  ' : 'FAIL'} ${name} ${((Date.now() - started) / 1000).toFixed(1)} s`)
    if (!good) failed.push(name)
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work))
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exit(1)
}
