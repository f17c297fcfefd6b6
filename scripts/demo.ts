import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { findChromium } from '../tests/support/chromium'
import { BUILT, buildIfChanged } from './build'

/**
 * `npm run demo`: a window with three tabs, in which three people have a wallet with coins. It is driven from outside,
 * as the tests of tests/e2e drive their browsers: the app that is shown is the one that ships.
 */
const PORT = '4380'

function refuse(sentence: string): never {
  console.error(`demo: ${sentence}`)
  process.exit(1)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { headless: { type: 'boolean', default: false }, site: { type: 'string' } },
    })
    return values
  } catch (error) {
    const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1)
    refuse(`${problem}. Options: --headless (no window) --site DIR (shows this build as it is)`)
  }
}

const { headless, site } = readOptions()
const chromium = findChromium()
if (chromium === undefined)
  refuse('no Chromium was found; install one ("npx playwright install chromium") or name it in CHROMIUM_PATH.')
const { DISPLAY, WAYLAND_DISPLAY } = process.env
if (!headless && process.platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY)
  refuse('there is no display to open a window on (DISPLAY and WAYLAND_DISPLAY are empty).')

if (site === undefined) buildIfChanged(false)
const { status } = spawnSync('npx', ['playwright', 'test', '--config', 'tests/demo/playwright.config.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    CHROMIUM_PATH: chromium,
    TANDEM_SITE: site ?? BUILT,
    TANDEM_E2E_PORT: PORT,
    TANDEM_PREPARED: '.tandem/demo/prepared',
    TANDEM_DEMO_HEADLESS: headless ? '1' : '',
  },
})
process.exit(status ?? 1)
