import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** `npm run check`: every rule that a tool keeps, all of them run even when one fails; the longest first, as many at a time as there are cores. */
const steps: Array<[string, string[]]> = [
  ['lint', ['eslint', '.', '--max-warnings', '0']],
  ['types (node)', ['tsc', '-p', 'tsconfig.node.json']],
  ['types (app)', ['vue-tsc', '--noEmit', '-p', 'tsconfig.json']],
  ['types (core)', ['tsc', '-p', 'tsconfig.core.json']],
  [
    'curves in workers',
    [
      'depcruise',
      '--config',
      '.dependency-cruiser.threads.cjs',
      'app.vue',
      'error.vue',
      'pages',
      'components',
      'composables',
      'stores',
      'middleware',
      'plugins',
      'services',
    ],
  ],
  ['dead code', ['knip']],
  [
    'layers',
    [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      'services',
      'stores',
      'composables',
      'components',
      'pages',
      'relay',
      'devnet',
      'scripts',
    ],
  ],
]

/** What a step says comes in one piece: others run beside it. */
function run(args: string[]): Promise<{ readonly good: boolean; readonly output: string }> {
  return new Promise(resolve => {
    const child = spawn('npx', args, {
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
    const [name, args] = step
    const started = Date.now()
    const { good, output } = await run(args)
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
