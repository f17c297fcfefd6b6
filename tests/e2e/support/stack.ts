import type { ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalChain } from './chain'
import { PREPARED } from './prepared'
import { endProgram, startProgram } from './programs'

interface Ready {
  readonly ready: true
  readonly app: string
  readonly relay: string
  readonly esplora: string
  readonly pid: number
}

interface StackOptions {
  /** a folder of an earlier stack */
  readonly data?: string
  /** forgets what the folder holds */
  readonly fresh?: boolean
  /** where the app is wanted */
  readonly port?: string
  /** seconds until a block holds what was broadcast; 0, which is usual here: only by `mine` */
  readonly mine?: number
}

/** The build that is served; scripts/e2e.ts made it. */
export const SITE = process.env.TANDEM_SITE ?? '.output/public'
const BASE = Number(process.env.TANDEM_E2E_PORT ?? '4500')
/**
 * Where the tests' app, chain and relays are, of which one test after the other has its own: storage belongs to an
 * origin, and a wallet names its relays. A relay has two ports, WebSocket and health.
 */
export const PORTS = { app: BASE, chain: BASE + 75, relay: BASE + 80 } as const

/** Where the internet is for the members at home (namespaces.ts): the address of the run's own interface. */
export const INTERNET_HOST = '10.77.0.1'

/** A new chain with the relay identity that all tests of a run have in common, so that prepared members meet there. */
export async function newNetwork(): Promise<string> {
  const common = join(PREPARED, 'network')
  if (!existsSync(common)) {
    await Stack.start({ data: `${common}.new` }).then(stack => stack.end())
    renameSync(`${common}.new`, common)
  }
  const data = mkdtempSync(join(tmpdir(), 'tandem-e2e-'))
  cpSync(common, data, { recursive: true })
  return data
}

/** `npm start` as a user runs it, in a process and a data folder of its own. */
export class Stack extends LocalChain {
  private constructor(
    readonly ready: Ready,
    private readonly child: ChildProcess,
    private readonly data: string,
  ) {
    super(ready.esplora)
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'tandem-e2e-'))
    const args = [
      '--json',
      '--data',
      data,
      '--mine',
      String(options.mine ?? 0),
      '--site',
      SITE,
      '--port',
      options.port ?? String(PORTS.app),
      '--relay-port',
      String(PORTS.relay),
      '--chain-port',
      String(PORTS.chain),
      ...(options.fresh === true ? ['--fresh'] : []),
    ]
    const { child, ready } = await startProgram<Ready>('scripts/start.ts', args)
    return new Stack(ready, child, data)
  }

  /** Ends it and starts it again at the same address, by default with the chain and the relay that it had. */
  async restart(options: Omit<StackOptions, 'data'> = {}): Promise<Stack> {
    await this.end()
    return Stack.start({ data: this.data, port: new URL(this.app).port, ...options })
  }

  get app() {
    return this.ready.app
  }
  get relay() {
    return this.ready.relay
  }
  get relayAddresses() {
    return [this.ready.relay]
  }

  /** Ends it; its data folder stays. */
  async end() {
    await endProgram(this.child)
  }

  async stop() {
    await this.end()
    rmSync(this.data, { recursive: true, force: true })
  }
}
