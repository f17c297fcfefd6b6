import { chromium, type LaunchOptions } from '@playwright/test'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/**
 * Path of a Chromium: `CHROMIUM_PATH`, Playwright's own, one in PATH or at the usual places; undefined when there is
 * none.
 */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH
  // a wrong CHROMIUM_PATH is no reason to take another one silently
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  return [
    chromium.executablePath(),
    ...NAMES.flatMap(name => folders.map(folder => join(folder, name))),
    ...PLACES,
  ].find(path => path !== '' && existsSync(path))
}

/** What Playwright switches off. The browser reads one list only, so ours must name these too. */
const OFF_BY_PLAYWRIGHT = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'TcpPortRandomizationWin',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'msForceBrowserSignIn',
  'msEdgeUpdateLaunchServicesPreferredVersion',
]
/**
 * Parts of the browser's own window that are pages themselves, in processes of their own, and a process held ready for
 * the next site. No page can tell; each new window costs less than half without them.
 */
const OFF = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup', 'SpareRendererForSitePerProcess']

/** How a test starts it: quiet, without background requests; root needs `--no-sandbox`. */
export function launchOptions(executablePath: string): LaunchOptions {
  return {
    executablePath,
    headless: true,
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      `--disable-features=${[...OFF_BY_PLAYWRIGHT, ...OFF].join()}`,
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  }
}
