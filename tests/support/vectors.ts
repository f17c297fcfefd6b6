import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { requireOrSkip } from './require'

const folder = resolve(process.env.TANDEM_VECTORS ?? '.vectors')

/**
 * True when the official vectors are not here; their suites are then skipped, or fail when `TANDEM_REQUIRE` has
 * `vectors`.
 */
export const noVectors = (file: string): boolean =>
  requireOrSkip(
    'vectors',
    existsSync(resolve(folder, file)),
    `${file} is not there: run "npm run vectors" or set TANDEM_VECTORS`,
  )

export const readVectorText = (file: string): string => readFileSync(resolve(folder, file), 'utf8')
export const readVectors = <T>(file: string): T => JSON.parse(readVectorText(file)) as T
