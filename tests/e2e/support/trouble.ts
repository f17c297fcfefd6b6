import { readdirSync, readFileSync } from 'node:fs'
import { expect } from '@playwright/test'
import type { BrowserChoice, Member } from './member'

interface Process { readonly pid: number; readonly parent: number; readonly command: string }

function running(): Process[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap((name): Process[] => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      // the second field, the program's name, may hold anything but is closed by the last bracket
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[1])
      return [{ pid: Number(name), parent, command }]
    } catch {
      // it ended meanwhile
      return []
    }
  })
}

/** Every process of the browser that keeps its data in `dir`, the first one first. */
function browserProcesses(dir: string): number[] {
  const all = running()
  const found = all.filter(p => p.command.includes(`--user-data-dir=${dir}\0`) && !p.command.includes('--type='))
  for (const { pid } of found) found.push(...all.filter(p => p.parent === pid && !found.includes(p)))
  return found.map(p => p.pid)
}

/** A signal to every process of the member's browser: it crashes, or the machine stands still and goes on. A guest tab has none. */
export function signal(member: Member, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') {
  for (const pid of member.dir === undefined ? [] : browserProcesses(member.dir)) {
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
 * The tab stops, as one that the browser has suspended: its page runs nothing while its connections stay open. By the debugger, because
 * Chromium's own freezing spares a page that Playwright keeps in front. Gives what ends it.
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

export const isHidden = (member: Member): Promise<boolean> => member.page.evaluate(() => document.visibilityState === 'hidden')

/** The person reads something else in another tab; the member's browser must be one of those that hide. Gives what brings the app back. */
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
