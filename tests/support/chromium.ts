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
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  }
}
