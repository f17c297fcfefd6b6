import { readdirSync, readFileSync } from 'node:fs'

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
export function browserProcesses(dir: string): number[] {
  const all = running()
  const found = all.filter(p => p.command.includes(`--user-data-dir=${dir}\0`) && !p.command.includes('--type='))
  for (const { pid } of found) found.push(...all.filter(p => p.parent === pid && !found.includes(p)))
  return found.map(p => p.pid)
}
