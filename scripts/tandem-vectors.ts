/**
 * Writes tests/vectors/tandem from the code, for a change of the protocol that is meant; `--check` only compares (as
 * every test run does). The builder and the comparison live in tests/unit/vectors, because they use the tests' people
 * and samples.
 */
import { spawnSync } from 'node:child_process'

const check = process.argv.includes('--check')
const run = spawnSync('npx', ['vitest', 'run', '--project', 'unit', 'tests/unit/vectors'], {
  stdio: 'inherit',
  env: { ...process.env, TANDEM_WRITE_VECTORS: check ? '0' : '1' },
})
process.exitCode = run.status ?? 1
