import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalChain } from './chain'
import { endProgram, startProgram } from './programs'

interface Ready {
  readonly ready: true
  readonly app: string
  readonly relay: string
  readonly esplora: string
  readonly pid: number
}

/** The build that is served; scripts/e2e.ts made it. */
export const SITE = process.env.TANDEM_SITE ?? '.output/public'
const PORT = process.env.TANDEM_E2E_PORT ?? '4500'

/** `npm start` as a user runs it, in a process and a data folder of its own. Blocks come by `mine` only. */
export class Stack extends LocalChain {
  private constructor(
    readonly ready: Ready,
    private readonly child: ChildProcess,
    private readonly data: string,
  ) {
    super(ready.esplora)
  }

  /** `data`: a folder of an earlier stack, `fresh`: forgets what it holds; `port`: where the app is wanted. */
  static async start(
    options: { readonly data?: string; readonly fresh?: boolean; readonly port?: string } = {},
  ): Promise<Stack> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'tandem-e2e-'))
    const args = [
      '--json',
      '--data',
      data,
      '--mine',
      '0',
      '--site',
      SITE,
      '--port',
      options.port ?? PORT,
      ...(options.fresh === true ? ['--fresh'] : []),
    ]
    const { child, ready } = await startProgram<Ready>('scripts/start.ts', args)
    return new Stack(ready, child, data)
  }

  /** Ends it and starts it again at the same address, by default with the chain and the relay that it had. */
  async restart(options: { readonly fresh?: boolean; readonly port?: string } = {}): Promise<Stack> {
    await endProgram(this.child)
    return Stack.start({ data: this.data, port: new URL(this.app).port, ...options })
  }

  get app() {
    return this.ready.app
  }
  get relay() {
    return this.ready.relay
  }

  async stop() {
    await endProgram(this.child)
    rmSync(this.data, { recursive: true, force: true })
  }
}
