import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * What every suite needs in a fresh checkout: the patches, and the types that Nuxt writes (tsconfig.json stands on
 * them).
 */
const run = (args: string[]) => spawnSync('npx', args, { stdio: 'inherit' }).status ?? 1

process.exitCode = run(['tsx', 'scripts/patch.ts'])
if (process.exitCode === 0 && !existsSync('.nuxt/tsconfig.json')) process.exitCode = run(['nuxt', 'prepare'])
