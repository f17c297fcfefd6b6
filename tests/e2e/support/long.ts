import { appendFileSync } from 'node:fs'
import { LONG } from '../../support/long'

export { LONG }

/**
 * Whether something is left to `npm run test:long`: then the reason is among the skips that the test command lists at
 * its end.
 */
export function leftToLong(reason: string): boolean {
  if (!LONG && process.env.TANDEM_SKIPS !== undefined)
    appendFileSync(process.env.TANDEM_SKIPS, `${JSON.stringify({ capability: 'long', reason })}\n`)
  return !LONG
}
