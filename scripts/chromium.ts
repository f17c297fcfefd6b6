import { spawnSync } from 'node:child_process'
import { findChromium } from '../tests/support/chromium'

/** Path of a Chromium; installs Debian's when there is none and this user may. Says in one line how, when it cannot. */
export function ensureChromium(): string | undefined {
  const found = findChromium()
  if (found !== undefined) return found
  const mayInstall = process.getuid?.() === 0 && spawnSync('which', ['apt-get']).status === 0
  if (mayInstall) {
    console.log('No Chromium found: installing the system package "chromium" ...')
    spawnSync('apt-get', ['update'], { stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation'], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  const now = findChromium()
  if (now === undefined)
    console.error(
      'No Chromium: install one ("apt-get install chromium" or "npx playwright install chromium") or name it in CHROMIUM_PATH.',
    )
  return now
}
