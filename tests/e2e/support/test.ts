import { test as base, expect } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import { findChromium } from '../../support/chromium'
import { requireOrSkip } from '../../support/require'
import { Member } from './member'
import type { BrowserChoice } from './member'
import { Stack } from './stack'
import { signal } from './trouble'

export { expect }

const noBrowser = requireOrSkip(
  'chromium',
  findChromium() !== undefined,
  "no Chromium was found (CHROMIUM_PATH, Playwright's own, or the system's)",
)

export type Launch = (
  name: string,
  prepare?: (context: BrowserContext) => Promise<void>,
  browser?: BrowserChoice,
) => Promise<Member>

/**
 * `stack`: app, relay and chain, shared by the tests of one worker. `app`: where it is opened. `launch`: a person in a
 * new browser, closed at the end. A test in which a page threw fails; one that failed shows what was on every screen.
 */
export const test = base.extend<{ app: string; launch: Launch }, { stack: Stack }>({
  stack: [
    async ({}, use) => {
      const stack = await Stack.start()
      await use(stack)
      await stack.stop()
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  app: async ({ stack }, use) => use(stack.app),

  launch: async ({ app }, use, info) => {
    info.skip(noBrowser, 'no Chromium')
    const launched: Member[] = []
    await use(async (name, prepare, browser) => {
      const member = await Member.launch(name, app, prepare, browser)
      launched.push(member)
      return member
    })
    // whoever a test has stopped must be able to answer, and to end
    for (const member of launched) signal(member, 'SIGCONT')
    const failed = info.status !== info.expectedStatus
    const errors = launched.flatMap(member => member.errors.map(error => `${member.name}: ${error}`))
    if (failed) {
      for (const member of launched) await show(member, info.outputPath(`${member.name}.png`))
    }
    for (const member of launched) await member.wipe()
    expect(errors, 'errors that the pages threw').toEqual([])
  },
})

/** What a person would see when the test failed. */
async function show(member: Member, picture: string) {
  for (const [i, page] of member.context.pages().entries()) {
    const text = await page
      .locator('main')
      .innerText({ timeout: 2_000 })
      .catch(() => '(no page)')
    const said = member.console
      .filter(line => line !== '')
      .slice(-15)
      .join('\n')
    process.stderr.write(
      `\n--- ${member.name}${i > 0 ? `, tab ${i + 1}` : ''} at ${page.url().slice(0, 120)}\n${text.replace(/\n+/g, '\n')}\n[console] ${said}\n`,
    )
    await page
      .screenshot({ path: picture.replace('.png', `-${i}.png`), fullPage: true, timeout: 5_000 })
      .catch(() => undefined)
    // who could be reached is the first question of most failures
    await page
      .evaluate(() => {
        location.hash = '#/diagnostics'
      })
      .catch(() => undefined)
    const links = await page
      .getByText('Details')
      .click({ timeout: 2_000 })
      .then(
        () => page.locator('main').innerText(),
        () => '(no diagnostics)',
      )
    process.stderr.write(`[connections] ${links.replace(/\n+/g, '\n')}\n`)
  }
}
