import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { serveStatic } from '../../../scripts/serve'
import type { Served } from '../../../scripts/serve'
import { LocalChain } from './chain'
import { endProgram, startProgram } from './programs'
import { newNetwork, PORTS, SITE } from './stack'

interface RelayReady {
  readonly addrs: readonly string[]
  readonly peerId: string
}

/** `npm run relay` in a process of its own, which can be killed and started again as the same relay. */
export class RelayProcess {
  private child?: ChildProcess
  address = ''

  constructor(
    private readonly data: string,
    readonly port: number,
    private readonly host: string,
  ) {}

  get running() {
    return this.child !== undefined
  }

  /** At the same port with the same identity as before. */
  async start() {
    const args = [
      '--json',
      '--host',
      this.host,
      '--port',
      String(this.port),
      '--health-port',
      String(this.port + 1),
      '--data',
      this.data,
    ]
    const { child, ready } = await startProgram<RelayReady>('relay/main.ts', args)
    this.child = child
    const [address = ''] = ready.addrs
    if (this.address !== '' && this.address !== address)
      throw new Error(`the relay came back as ${address}, it was ${this.address}`)
    this.address = address
  }

  /** As a power cut would: no goodbye. */
  async kill() {
    const was = this.child
    this.child = undefined
    if (was !== undefined) await endProgram(was, 'SIGKILL')
  }
}

export interface NetStackOptions {
  readonly relays?: number
  /** where everything listens; an address that the browsers of other namespaces reach */
  readonly host?: string
  /** addresses of relays that somebody else runs, for config.json */
  readonly otherRelays?: readonly string[]
  /** STUN servers of config.json */
  readonly stun?: readonly string[]
}

/** App, chain and relays as an operator would run them: each a program of its own, so that one can die alone. */
export class NetStack extends LocalChain {
  private constructor(
    readonly app: string,
    esplora: string,
    readonly relays: readonly RelayProcess[],
    private readonly served: Served,
    private readonly devnet: ChildProcess,
    private readonly data: string,
  ) {
    super(esplora)
  }

  static async start({
    relays: count = 1,
    host = '127.0.0.1',
    otherRelays = [],
    stun = [],
  }: NetStackOptions = {}): Promise<NetStack> {
    const data = await newNetwork()
    const devnet = await startProgram<{ url: string; genesis: string }>('devnet/main.ts', [
      '--json',
      '--host',
      host,
      '--port',
      String(PORTS.chain),
      '--data',
      join(data, 'chain'),
    ])
    const relays = Array.from(
      { length: count },
      // the first is the one that prepared members know
      (_, i) => new RelayProcess(join(data, i === 0 ? 'relay' : `relay-${i}`), PORTS.relay + 2 * i, host),
    )
    for (const relay of relays) await relay.start()
    const { url, genesis } = devnet.ready
    const served = await serveStatic({
      root: SITE,
      port: PORTS.app,
      host,
      config: () => ({
        version: 1,
        relays: [...relays.map(r => r.address), ...otherRelays],
        stun,
        networks: { regtest: { esplora: url, genesis, faucet: `${url}/dev/faucet` } },
      }),
    })
    return new NetStack(served.url, url, relays, served, devnet.child, data)
  }

  get relayAddresses() {
    return this.relays.map(relay => relay.address)
  }

  /** The relay of this number; a test that names one that is not there is wrong. */
  relay(i: number): RelayProcess {
    const relay = this.relays[i]
    if (relay === undefined) throw new Error(`no relay ${i}`)
    return relay
  }

  async stop() {
    await this.served.close()
    for (const relay of this.relays) await relay.kill()
    await endProgram(this.devnet)
    rmSync(this.data, { recursive: true, force: true })
  }
}
