import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, expect } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import { endProgram } from './programs'

export interface PlainBrowser {
  readonly context: BrowserContext
  end(): Promise<void>
}

/**
 * A browser as a person starts it, which Playwright joins afterwards: in one that it starts itself every tab counts as
 * seen, whatever is in front of it, and none is ever hidden.
 */
export async function startPlainBrowser(
  dir: string,
  {
    executablePath,
    args,
    viewport: { width, height },
  }: {
    readonly executablePath?: string
    readonly args: readonly string[]
    readonly viewport: { readonly width: number; readonly height: number }
  },
): Promise<PlainBrowser> {
  if (executablePath === undefined) throw new Error('no browser')
  const told = join(dir, 'DevToolsActivePort')
  await rm(told, { force: true })
  const child = spawn(
    executablePath,
    [
      ...args,
      '--headless=new',
      `--window-size=${width},${height}`,
      `--user-data-dir=${dir}`,
      '--remote-debugging-port=0',
      'about:blank',
    ],
    { stdio: 'ignore' },
  )
  // it writes its port, then its path, when it listens
  const listens = () => readFile(told, 'utf8').catch(() => '')
  await expect.poll(listens, { message: 'the browser listens' }).toMatch(/^\d+\n\/\S/)
  const [port] = (await listens()).split('\n')
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true })
  const [context] = browser.contexts()
  if (context === undefined) throw new Error('the browser has no window')
  return { context, end: () => endProgram(child) }
}
