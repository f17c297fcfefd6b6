import { appendFileSync } from 'node:fs'

/**
 * What a test may need of the machine. `TANDEM_REQUIRE` is a comma-separated list of those that must not be missing.
 */
export type Capability =
  'chromium' | 'webrtc' | 'vectors' | 'netns' | 'go' | 'python' | 'firefox' | 'openssl' | 'turn' | 'nginx' | 'caddy'

/**
 * Says whether a suite must be skipped: `describe.skipIf(requireOrSkip(...))`. A capability that `TANDEM_REQUIRE` names
 * and that is missing throws instead, so the run fails. Each skip is written to the file that `TANDEM_SKIPS` names (one
 * JSON line each), from which the test command lists them at the end.
 */
export function requireOrSkip(capability: Capability, available: boolean, reason: string): boolean {
  if (available) return false
  const required = (process.env.TANDEM_REQUIRE ?? '').split(',').map(name => name.trim())
  if (required.includes(capability)) throw new Error(`TANDEM_REQUIRE names ${capability}, but: ${reason}`)
  const file = process.env.TANDEM_SKIPS
  if (file) appendFileSync(file, `${JSON.stringify({ capability, reason })}\n`)
  else console.warn(`skipped (${capability}): ${reason}`)
  return true
}
