import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { until } from './until'

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

function look(pid: number): Process | undefined {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    // the second field, the program's name, may hold anything but is closed by the last bracket
    const parent = Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    )
    return { pid, parent, command }
  } catch {
    // it ended meanwhile
    return undefined
  }
}

/**
 * Every process of the program that has `word` in its command line, such as the folder of its data; parents first. None
 * where there is no /proc.
 */
export function processesOf(word: string): Process[] {
  const all = existsSync('/proc')
    ? readdirSync('/proc')
        .filter(name => /^\d+$/.test(name))
        .flatMap(name => look(Number(name)) ?? [])
    : []
  const named = all.filter(p => p.command.includes(word))
  const found = named.filter(p => !named.some(q => q.pid === p.parent))
  for (const { pid } of found) found.push(...all.filter(p => p.parent === pid && !found.includes(p)))
  return found
}

/**
 * Resolves when none of them runs any more: those of a browser write into its folder for some time after the first of
 * them is gone.
 */
export async function untilGone(processes: readonly Process[]): Promise<void> {
  // one that waits to be buried has no command line, and who got its number later has another
  await until(
    () => processes.every(({ pid, command }) => look(pid)?.command !== command),
    'the end of the last process',
  )
}
