/**
 * Keeps one wallet's chain state fresh: a sync at once, then by the poll policy, sooner when somebody asks. One sync
 * runs at a time; a request that comes in the middle is served by one more run behind it.
 */
import type { Hex } from '../domain/bytes'
import type { ScriptPlace } from '../domain/ids'
import type { ChainStatusView } from '../domain/views'
import type { Chain, ChainError } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import { nextPollMs } from './poll'
import type { ChainState } from './state'
import { syncWallet, type SyncOutcome } from './sync'
import { readWallet } from './view'
import type { WalletChain } from './view'

export interface FollowerDeps {
  readonly chain: Chain
  readonly clock: Clock
  readonly genesis: Hex
  /** the local chain: polled faster while something waits for its block */
  readonly local: boolean
  readonly scriptsAt: (places: readonly ScriptPlace[]) => Promise<readonly Hex[]>
  readonly initial: ChainState
  /** highest receive index shown on this device */
  shown(): number
  /** a payment of this wallet is on its way although the chain does not show it yet */
  expecting(): boolean
  /** awaited before `changed` is called */
  save(state: ChainState): Promise<void>
  /** after each sync and each change of the status; `news`: tip or transactions differ */
  changed(news: boolean): void
}

export class Follower {
  readonly #abort = new AbortController()
  #state: ChainState
  #wallet: WalletChain
  #status: ChainStatusView
  #failures = 0
  #checked = false
  #stopped = false
  #cancel = (): void => {}
  #running: Promise<void> | undefined
  /** asked for while a sync runs */
  #again: { readonly full: boolean } | undefined

  constructor(private readonly d: FollowerDeps) {
    this.#state = d.initial
    this.#wallet = readWallet(d.initial)
    this.#status = { state: 'idle', ...heightOf(d.initial) }
  }

  get wallet(): WalletChain {
    return this.#wallet
  }

  get state(): ChainState {
    return this.#state
  }

  get status(): ChainStatusView {
    return this.#status
  }

  /** Syncs now (all scripts when `full`); resolves when that sync is over. */
  refresh(full = false): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    this.#cancel()
    if (this.#running !== undefined) {
      this.#again = { full: full || this.#again?.full === true }
      return this.#running
    }
    this.#running = this.#run(full).finally(() => {
      this.#running = undefined
      if (!this.#stopped) this.#schedule()
    })
    return this.#running
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
    this.#abort.abort()
  }

  async #run(full: boolean): Promise<void> {
    let asked: { readonly full: boolean } | undefined = { full }
    while (asked !== undefined && !this.#stopped) {
      this.#again = undefined
      await this.#once(asked.full)
      asked = this.#again
    }
  }

  #schedule(): void {
    const unconfirmed = this.#wallet.unconfirmed || this.d.expecting()
    const ms = nextPollMs({ local: this.d.local, unconfirmed, failures: this.#failures })
    this.#cancel = this.d.clock.after(ms, () => void this.refresh())
  }

  async #once(full: boolean): Promise<void> {
    if (this.#status.state === 'idle') {
      this.#status = { ...this.#status, state: 'syncing' }
      this.d.changed(false)
    }
    if (!this.#checked) {
      // signet and testnet4 share their address prefix: only the genesis block tells the server's network
      const right = await this.d.chain.check(this.d.genesis, this.#abort.signal)
      if (this.#stopped) return
      if (!right.ok) return this.#fail(right.error)
      this.#checked = true
    }
    const result = await syncWallet({
      chain: this.d.chain,
      scriptsAt: this.d.scriptsAt,
      state: this.#state,
      signal: this.#abort.signal,
      full,
      shown: this.d.shown(),
    })
    if (this.#stopped) return
    if (result.ok) await this.#take(result.value)
    else this.#fail(result.error)
  }

  async #take(value: SyncOutcome): Promise<void> {
    // a reset chain is said once, until a block is seen that belongs to the new one
    const reset = value.place === 'chain-reset' || (this.#status.state === 'reset' && value.place === 'same')
    const news = value.changed || value.state.tip?.hash !== this.#state.tip?.hash
    const recovered = this.#failures > 0 || (this.#status.state !== 'synced' && this.#status.state !== 'reset')
    this.#failures = 0
    if (value.state !== this.#state) {
      this.#state = value.state
      this.#wallet = readWallet(this.#state)
      if (news) await this.d.save(this.#state)
    }
    this.#status = { state: reset ? 'reset' : 'synced', at: this.d.clock.now(), ...heightOf(this.#state) }
    if (news || recovered || reset) this.d.changed(news)
  }

  #fail(error: ChainError): void {
    this.#failures++
    this.#status = {
      ...this.#status,
      state: error.code === 'wrong-network' ? 'wrong-network' : 'unreachable',
      detail: `${error.code}: ${error.detail}`,
    }
    this.d.changed(false)
  }
}

const heightOf = ({ tip }: ChainState): { readonly height?: number } =>
  tip === undefined ? {} : { height: tip.height }
