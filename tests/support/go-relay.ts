import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('../interop/go-relay', import.meta.url))
const BINARY = fileURLToPath(new URL('../../.tandem/interop/go-relay', import.meta.url))
/** the compiler has a whole network library to build when its cache is empty, milliseconds */
const BUILD_MS = 570_000

/** The Go tool, on the PATH or where its installer puts it. */
function findGo(): string | undefined {
  return ['go', '/usr/local/go/bin/go'].find(name => spawnSync(name, ['version']).status === 0)
}

/**
 * Builds the relay of another make (tests/interop/go-relay) from the Go module proxy. A string says why it cannot be
 * had.
 */
export function buildGoRelay(): { readonly binary: string } | { readonly missing: string } {
  const go = findGo()
  if (go === undefined) return { missing: 'no Go found: install it, or put it on the PATH' }
  mkdirSync(join(BINARY, '..'), { recursive: true })
  // Go rebuilds only what has changed
  const built = spawnSync(go, ['build', '-trimpath', '-o', BINARY, '.'], {
    cwd: SOURCE,
    encoding: 'utf8',
    timeout: BUILD_MS,
  })
  if (built.status === 0 && existsSync(BINARY)) return { binary: BINARY }
  return { missing: `the Go relay could not be built: ${built.stderr.trim().split('\n').at(-1) ?? 'no message'}` }
}

export interface GoRelay {
  readonly addrs: readonly string[]
  readonly pid: number
  stop(): Promise<void>
}

/** Starts it on a free port of the loopback interface. */
export async function startGoRelay(binary: string, ...args: string[]): Promise<GoRelay> {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
    exited.then(([code]) => {
      throw new Error(`the Go relay ended with ${String(code)}`)
    }),
  ])
  const { addrs, pid } = JSON.parse(line) as { addrs: string[]; pid: number }
  return {
    addrs,
    pid,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
