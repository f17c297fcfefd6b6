import { rmSync } from 'node:fs'
import { PREPARED } from './prepared'

/** Before each run: what an earlier one prepared was made by another build. */
export default function forgetPrepared() {
  rmSync(PREPARED, { recursive: true, force: true })
}
