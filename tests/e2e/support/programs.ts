import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Program<Ready> {
  readonly child: ChildProcess
  readonly ready: Ready
}

/** One of our own programs, as its npm script runs it; resolves with the JSON line that it prints when it is ready. */
export async function startProgram<Ready>(script: string, args: readonly string[]): Promise<Program<Ready>> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`${script} ended with ${code}`)))
    if (child.stdout === null) return reject(new Error('no output'))
    createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line) as Ready))
  })
  return { child, ready }
}

/** Resolves when the program is gone. */
export async function endProgram(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill(signal)
  await gone
}
