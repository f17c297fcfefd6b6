import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A relay in a process of its own, as `npm run relay` starts it, that can be killed and started again at the same
 * address.
 */
export class RelayProcess {
  private readonly data = mkdtempSync(join(tmpdir(), 'tandem-bench-relay-'))
  private child: ChildProcess | undefined
  address = ''
  port = 0

  static async start(): Promise<RelayProcess> {
    const relay = new RelayProcess()
    await relay.run()
    return relay
  }

  /** Starts it unless it runs. */
  async run(): Promise<void> {
    if (this.child !== undefined) return
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        'relay/main.ts',
        '--json',
        '--data',
        this.data,
        '--port',
        String(this.port),
        '--health-port',
        '0',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    this.child = child
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (text: Buffer) => resolve(text.toString()))
      child.once('exit', code => reject(new Error(`the relay ended with ${code}`)))
    })
    const { addrs } = JSON.parse(line) as { addrs: string[] }
    this.address = addrs[0] ?? ''
    this.port = Number(/\/tcp\/(\d+)\//.exec(this.address)?.[1])
  }

  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    this.child = undefined
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.data, { recursive: true, force: true })
  }
}
