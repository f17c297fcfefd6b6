import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Ready {
  readonly ready: true
  readonly app: string
  readonly relay: string
  readonly esplora: string
  readonly pid: number
}

/** `npm start` as a user runs it, in a process and a data folder of its own. */
export class Stack {
  private constructor(readonly ready: Ready, private readonly child: ChildProcess, private readonly data: string) {}

  static async start(args: string[] = []): Promise<Stack> {
    const data = mkdtempSync(join(tmpdir(), 'tandem-e2e-'))
    const child = spawn('npx', ['tsx', 'scripts/start.ts', '--json', '--data', data, '--mine', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    const ready = await new Promise<Ready>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`npm start ended with ${code}`)))
      if (child.stdout === null) return reject(new Error('no output'))
      createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line) as Ready))
    })
    return new Stack(ready, child, data)
  }

  get app() { return this.ready.app }

  private async control(path: string, body: unknown) {
    const response = await fetch(`${this.ready.esplora}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return await response.json() as Record<string, unknown>
  }

  mine(blocks = 1) { return this.control('/dev/mine', { blocks }) }
  faucet(address: string, sats: number) { return this.control('/dev/faucet', { address, sats }) }
  fault(kind: string, more: Record<string, unknown> = {}) { return this.control('/dev/fault', { kind, ...more }) }

  async chain<T = Record<string, unknown>>(path: string): Promise<T | undefined> {
    const response = await fetch(`${this.ready.esplora}${path}`)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return await response.json() as T
  }

  async stop() {
    const gone = new Promise(resolve => this.child.once('exit', resolve))
    // the whole group that this test made: npx, tsx and the program itself
    if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGTERM')
    await gone
    rmSync(this.data, { recursive: true, force: true })
  }
}
