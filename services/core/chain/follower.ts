/**
 * Keeps one wallet's chain state fresh: a sync at once, then by the poll policy, sooner when somebody asks. One sync
 * runs at a time; a wish that comes in the middle is served by one more run behind it.
 */
import type { Hex } from '../domain/bytes'
import type { ScriptPlace } from '../domain/ids'
import type { ChainStatusView } from '../domain/views'
import type { Chain, ChainError } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import { nextPollMs } from './poll'
import type { ChainState } from './state'
import { syncWallet } from './sync'
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

export interface Follower {
  readonly wallet: WalletChain
  readonly state: ChainState
  readonly status: ChainStatusView
  /** syncs now (all scripts when `full`); resolves when that sync is over */
  refresh(full?: boolean): Promise<void>
  stop(): void
}

export function createFollower(deps: FollowerDeps): Follower {
  let state = deps.initial
  let wallet = readWallet(state)
  let status: ChainStatusView = { state: 'idle', ...(state.tip === undefined ? {} : { height: state.tip.height }) }
  let failures = 0
  let checked = false
  let stopped = false
  let cancel = () => {}
  let running: Promise<void> | undefined
  let again: { full: boolean } | undefined
  const abort = new AbortController()

  function fail(error: ChainError) {
    failures++
    status = {
      ...status,
      state: error.code === 'wrong-network' ? 'wrong-network' : 'unreachable',
      detail: `${error.code}: ${error.detail}`,
    }
    deps.changed(false)
  }

  async function once(full: boolean): Promise<void> {
    if (status.state === 'idle') {
      status = { ...status, state: 'syncing' }
      deps.changed(false)
    }
    if (!checked) {
      // signet and testnet4 share their address prefix: only the genesis block tells the server's network
      const right = await deps.chain.check(deps.genesis, abort.signal)
      if (stopped) return
      if (!right.ok) return fail(right.error)
      checked = true
    }
    const result = await syncWallet({
      chain: deps.chain,
      scriptsAt: deps.scriptsAt,
      state,
      signal: abort.signal,
      full,
      shown: deps.shown(),
    })
    if (stopped) return
    if (!result.ok) return fail(result.error)
    const { value } = result
    // a reset chain is said once, until a block is seen that belongs to the new one
    const reset = value.place === 'chain-reset' || (status.state === 'reset' && value.place === 'same')
    const news = value.changed || value.state.tip?.hash !== state.tip?.hash
    const recovered = failures > 0 || (status.state !== 'synced' && status.state !== 'reset')
    failures = 0
    if (value.state !== state) {
      state = value.state
      wallet = readWallet(state)
      if (news) await deps.save(state)
    }
    status = {
      state: reset ? 'reset' : 'synced',
      at: deps.clock.now(),
      ...(state.tip === undefined ? {} : { height: state.tip.height }),
    }
    if (news || recovered || reset) deps.changed(news)
  }

  function refresh(full = false): Promise<void> {
    if (stopped) return Promise.resolve()
    cancel()
    if (running !== undefined) {
      again = { full: full || again?.full === true }
      return running
    }
    running = (async () => {
      let wish: { full: boolean } | undefined = { full }
      while (wish !== undefined && !stopped) {
        again = undefined
        await once(wish.full)
        wish = again
      }
    })().finally(() => {
      running = undefined
      if (!stopped)
        cancel = deps.clock.after(
          nextPollMs({ local: deps.local, unconfirmed: wallet.unconfirmed || deps.expecting(), failures }),
          () => void refresh(),
        )
    })
    return running
  }

  return {
    get wallet() {
      return wallet
    },
    get state() {
      return state
    },
    get status() {
      return status
    },
    refresh,
    stop() {
      stopped = true
      cancel()
      abort.abort()
    },
  }
}
