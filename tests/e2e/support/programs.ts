import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'

export interface Program<Ready> {
  readonly child: ChildProcess
  readonly ready: Ready
}

/** In this folder they find the packages that are not bundled. */
const FOLDER = 'test-results/programs'
const bundles = new Map<string, Promise<string>>()

/** One file instead of hundreds, which would be compiled at every start: that takes longer than all the rest of it. */
function bundled(script: string): Promise<string> {
  const outfile = join(FOLDER, script.replace(/\.ts$/, '.mjs'))
  const made =
    bundles.get(script) ??
    build({
      entryPoints: [script],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // it reads a file beside itself
      external: ['tiny-secp256k1'],
      banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
      outfile,
      logLevel: 'error',
    }).then(() => outfile)
  bundles.set(script, made)
  return made
}

/** One of our own programs in a process of its own; resolves with the JSON line that it prints when it is ready. */
export async function startProgram<Ready>(script: string, args: readonly string[]): Promise<Program<Ready>> {
  const file = await bundled(script)
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
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
