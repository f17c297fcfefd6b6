import { spawnSync } from 'node:child_process'

/** `npm run check`: every rule that a tool keeps, all of them run even when one fails. */
const steps: Array<[string, string[]]> = [
  ['types (app)', ['vue-tsc', '--noEmit', '-p', 'tsconfig.json']],
  ['types (node)', ['tsc', '-p', 'tsconfig.node.json']],
  ['types (core)', ['tsc', '-p', 'tsconfig.core.json']],
  ['lint', ['eslint', '.', '--max-warnings', '0']],
  ['layers', ['depcruise', '--config', '.dependency-cruiser.cjs', 'services', 'stores', 'composables', 'components', 'pages', 'relay', 'devnet', 'scripts']],
  ['dead code', ['knip']],
]

const run = (args: string[]) => spawnSync('npx', args, { stdio: 'inherit' }).status === 0

const failed = steps.filter(([name, args]) => {
  const started = Date.now()
  const good = run(args)
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name} ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return !good
})
if (failed.length > 0) {
  console.error(`check failed: ${failed.map(([name]) => name).join(', ')}`)
  process.exit(1)
}
