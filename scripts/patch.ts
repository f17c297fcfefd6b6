import { fileURLToPath } from 'node:url'
import { applyPatches } from './apply-patches'

const outcome = applyPatches(fileURLToPath(new URL('..', import.meta.url)))
if (!outcome.ok) {
  process.stderr.write(`patch: ${outcome.reason}\n`)
  process.exit(1)
}
