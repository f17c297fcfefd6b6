import { expect } from '@playwright/test'
import { processesOf } from '../../support/processes'
import type { BrowserChoice, Member } from './member'

/**
 * A signal to every process of the member's browser: it crashes, or the machine stands still and goes on.
 *
 * @throws Error when the browser is not hers alone
 */
export function signal(member: Member, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') {
  if (member.dir === undefined) throw new Error(`${member.name} has no browser process of her own`)
  for (const { pid } of processesOf(member.dir)) {
    try {
      process.kill(pid, name)
    } catch (error) {
      // it went with its parent a moment ago
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** The browser crashes: no page hears of it, nobody says goodbye. What it has stored stays. */
export async function crash(member: Member) {
  const gone = member.context.waitForEvent('close')
  signal(member, 'SIGKILL')
  await gone
}

/**
 * The tab stops, as one that the browser has suspended: its page runs nothing while its connections stay open. By the
 * debugger, because Chromium's own freezing spares a page that Playwright keeps in front. Gives what ends it.
 */
export async function freeze(member: Member): Promise<() => Promise<void>> {
  const session = await member.context.newCDPSession(member.page)
  await session.send('Debugger.enable')
  const paused = new Promise(resolve => session.once('Debugger.paused', resolve))
  await session.send('Debugger.pause')
  await paused
  return async () => {
    await session.send('Debugger.disable')
    await session.detach()
  }
}

/** A browser whose tabs can be hidden. */
export const HIDES: BrowserChoice = { plain: true }

export const isHidden = (member: Member): Promise<boolean> =>
  member.page.evaluate(() => document.visibilityState === 'hidden')

/**
 * The person reads something else in another tab; the member's browser must be one of those that hide. Gives what
 * brings the app back.
 */
export async function hide(member: Member): Promise<() => Promise<void>> {
  const other = await member.context.newPage()
  await other.bringToFront()
  await expect.poll(() => isHidden(member), { message: `${member.name}’s tab is hidden` }).toBe(true)
  return async () => {
    await member.page.bringToFront()
    await expect.poll(() => isHidden(member), { message: `${member.name}’s tab is seen again` }).toBe(false)
    await other.close()
  }
}
