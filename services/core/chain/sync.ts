/**
 * Brings a wallet's chain state up to date with its server.
 *
 *  1. A state is replaced whole or not at all: every failure leaves the caller with the state it had.
 * 2. The tip is read before and after. When it moved, everything is asked again; when it never rests, the result
 * carries
 *     the older tip, so that the next sync asks everything.
 * 3. Under an unchanged tip only the mempool can have changed: a quick sync asks the scripts that hold coins or
 * unconfirmed
 *     transactions and the receive addresses in use. Every 20th asks all, for payments to old addresses.
 *  4. Unused scripts are watched 20 past the last used one, on both branches (BIP44), whatever the mode.
 *  5. Of two answers that contradict each other about a transaction both are asked again, once.
 * 6. When the newest block that both should know is not the server's, everything is asked again. Block 1 tells a reorg
 * from a
 * reset: all local chains share the regtest genesis, so another block 1 is another chain, and the scan starts from
 * nothing.
 */
import type { Hex } from '../domain/bytes'
import { placeKey, type ScriptPlace, type Txid } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import type { Chain, ChainError, ChainTx, Tip } from '../../ports/chain'
import { LIMITS } from '../wire/limits'
import { concurrently } from './concurrent'
import { EMPTY_STATE, type ChainState, type WatchedScript } from './state'
import { readWallet } from './view'

/** receive addresses past the last used one that a quick sync asks */
const HOT_AHEAD = 5
/** quick syncs between two full ones under one tip: five minutes at the calm pace */
const QUICK_MAX = 20
/** scans within one sync while the tip moves */
const ROUNDS = 3
/** latest tips kept as anchors */
const ANCHORS = 12
/** Bounds of what a server may make us scan and keep; a wallet of people does not come near. */
const MAX_INDEX = 5_000
const MAX_TXS = 10_000

export interface SyncOptions {
  readonly chain: Chain
  /** hex of the output scripts, in the order of the places */
  readonly scriptsAt: (places: readonly ScriptPlace[]) => Promise<readonly Hex[]>
  readonly state: ChainState
  readonly signal?: AbortSignal
  /** requests at once (the adapter has a bound of its own) */
  readonly concurrency?: number
  /** ask every script */
  readonly full?: boolean
  /** highest receive index that a person was shown on this device */
  readonly shown?: number
}

/** How the server's chain lies to the one that was seen before. */
type Place =
  | 'first'
  | 'same'
  | 'extended'
  /** the stored tip was replaced; everything is asked again */
  | 'reorg'
  /** the stored blocks are unknown to the server ("this local chain was reset"); scanned from nothing */
  | 'chain-reset'
  /** the server is on our chain but has fewer blocks than it had: nothing is taken from it */
  | 'behind'

export interface SyncOutcome {
  readonly state: ChainState
  readonly place: Place
  /** transactions, confirmations or tip differ from before */
  readonly changed: boolean
}

/** Syncs once. Errors are the port's, plus `bad-answer` for a scan without end. */
export async function syncWallet(o: SyncOptions): Promise<Result<SyncOutcome, ChainError>> {
  const first = await o.chain.tip(o.signal)
  if (!first.ok) return first
  const located = await locate(o.chain, o.state, first.value, o.signal)
  if (!located.ok) return located
  const place = located.value
  if (place === 'behind') return ok({ state: o.state, place, changed: false })

  const base = place === 'chain-reset' ? EMPTY_STATE : o.state
  const anchored = await anchorsOf(o, base, place, first.value)
  if (!anchored.ok) return anchored
  let before = first.value
  let full = o.full === true || place !== 'same' || base.quickSyncs >= QUICK_MAX
  for (let round = 1; ; round++) {
    const scan = await new Scan(o, base, full).run()
    if (!scan.ok) return scan
    const after = await o.chain.tip(o.signal)
    if (!after.ok) return after
    if (after.value.hash === before.hash || round === ROUNDS) {
      const tips = [...anchored.value.filter(a => a.height < before.height), before]
      const state = {
        ...scan.value,
        tip: before,
        anchors: [...tips.slice(0, 1), ...tips.slice(1).slice(-ANCHORS)],
        quickSyncs: full ? 0 : base.quickSyncs + 1,
      }
      return ok({ state, place, changed: place === 'chain-reset' || !sameFacts(o.state, state) })
    }
    before = after.value
    full = true
  }
}

/**
 * Invariant 6. Two requests at most: where the fork lies does not matter, because after it every script is asked again.
 */
async function locate(
  chain: Chain,
  state: ChainState,
  tip: Tip,
  signal?: AbortSignal,
): Promise<Result<Place, ChainError>> {
  if (!state.tip) return ok('first')
  if (tip.hash === state.tip.hash) return ok('same')
  const seen = new Map<number, Hex>()
  for (const tx of state.txs.values()) if (tx.confirmed) seen.set(tx.confirmed.height, tx.confirmed.hash)
  for (const block of [...state.anchors, state.tip]) seen.set(block.height, block.hash)
  const heights = [...seen.keys()].filter(height => height > 0 && height <= tip.height).sort((a, b) => a - b)
  const agrees = async (height: number | undefined): Promise<Result<boolean, ChainError>> => {
    if (height === undefined) return ok(false)
    const answer = await chain.blockHash(height, signal)
    return answer.ok ? ok(answer.value === seen.get(height)) : answer
  }
  const newest = await agrees(heights.at(-1))
  if (!newest.ok) return newest
  if (newest.value) return ok(tip.height < state.tip.height ? 'behind' : 'extended')
  const oldest = await agrees(heights.length > 1 ? heights[0] : undefined)
  return oldest.ok ? ok(oldest.value ? 'reorg' : 'chain-reset') : oldest
}

/** Block 1 and the earlier tips, as far as they are on the chain that the server has now. */
async function anchorsOf(
  o: SyncOptions,
  state: ChainState,
  place: Place,
  tip: Tip,
): Promise<Result<readonly Tip[], ChainError>> {
  const first = state.anchors[0]
  if (first?.height === 1) return ok(place === 'reorg' ? [first] : state.anchors)
  if (tip.height < 1) return ok([])
  const hash = await o.chain.blockHash(1, o.signal)
  if (!hash.ok) return hash
  return ok(hash.value === undefined ? [] : [{ height: 1, hash: hash.value }])
}

function sameFacts(a: ChainState, b: ChainState): boolean {
  return (
    a.tip?.hash === b.tip?.hash &&
    a.txs.size === b.txs.size &&
    [...b.txs].every(([txid, tx]) => {
      const old = a.txs.get(txid)
      return old !== undefined && old.confirmed?.hash === tx.confirmed?.hash
    })
  )
}

const scriptsOf = (tx: ChainTx): Hex[] => [
  ...tx.vout.map(out => out.script),
  ...tx.vin.flatMap(input => input.prevoutScript ?? []),
]

/** One pass over the scripts of a wallet. */
class Scan {
  private readonly scripts = new Map<string, WatchedScript>()
  private readonly byScript = new Map<Hex, string>()
  /** every script that a known transaction touches, so that one watched later is known as used at once */
  private readonly paid = new Set<Hex>()
  private readonly txs: Map<Txid, ChainTx>
  private readonly asked = new Set<string>()
  private readonly wanted: ReadonlySet<string>
  private readonly lastUsed: [number, number] = [-1, -1]

  constructor(
    private readonly o: SyncOptions,
    base: ChainState,
    full: boolean,
  ) {
    this.txs = new Map(base.txs)
    for (const tx of base.txs.values()) for (const script of scriptsOf(tx)) this.paid.add(script)
    for (const watched of base.scripts) this.watch(watched)
    this.wanted = full ? new Set(this.scripts.keys()) : this.hotKeys(base)
  }

  async run(): Promise<Result<Pick<ChainState, 'scripts' | 'txs'>, ChainError>> {
    for (let next = await this.due(); next.length > 0; next = await this.due()) {
      const done = await this.ask(next)
      if (!done.ok) return done
      if (Math.max(...this.lastUsed) + LIMITS.gapLimit > MAX_INDEX || this.txs.size > MAX_TXS) {
        return err({ code: 'bad-answer', detail: 'the scan of this wallet does not end', retryable: false })
      }
    }
    const settled = await this.ask(this.contradictions())
    if (!settled.ok) return settled
    const scripts = [...this.scripts.values()].sort((a, b) => a.branch - b.branch || a.index - b.index)
    const listed = new Set(scripts.flatMap(s => s.txids))
    return ok({ scripts, txs: new Map([...this.txs].filter(([txid]) => listed.has(txid))) })
  }

  /** What is to be asked and was not: the wanted ones, and the gap past the last used index (invariant 4). */
  private async due(): Promise<string[]> {
    const due = new Set([...this.wanted].filter(key => !this.asked.has(key)))
    // a script that turns out to be paid already moves the gap on
    for (let gap = this.gap(); gap.length > 0; gap = this.gap()) {
      const scripts = await this.o.scriptsAt(gap)
      for (const [i, place] of gap.entries()) {
        this.watch({ ...place, script: scripts[i] ?? '', txids: [] })
        due.add(placeKey(place.branch, place.index))
      }
    }
    return [...due]
  }

  /** Places up to the gap that are not watched yet. */
  private gap(): ScriptPlace[] {
    return ([0, 1] as const)
      .flatMap(branch =>
        Array.from({ length: this.lastUsed[branch] + LIMITS.gapLimit + 1 }, (_, index) => ({ branch, index })),
      )
      .filter(({ branch, index }) => !this.scripts.has(placeKey(branch, index)))
  }

  private async ask(keys: readonly string[]): Promise<Result<unknown, ChainError>> {
    return concurrently(keys, this.o.concurrency ?? 4, async key => {
      const watched = this.scripts.get(key)
      if (!watched) return ok(undefined)
      const history = await this.o.chain.history(watched.script, this.o.signal)
      if (!history.ok) return history
      this.asked.add(key)
      this.scripts.set(key, { ...watched, txids: history.value.map(tx => tx.txid) })
      for (const tx of history.value) {
        this.txs.set(tx.txid, tx)
        for (const script of scriptsOf(tx)) {
          this.paid.add(script)
          this.noteUse(this.scripts.get(this.byScript.get(script) ?? ''))
        }
      }
      return ok(undefined)
    })
  }

  /** Invariant 5: scripts asked in this pass that disagree whether a transaction exists. */
  private contradictions(): string[] {
    const listing = new Map([...this.scripts].map(([key, s]) => [key, new Set(s.txids)]))
    const again = new Set<string>()
    for (const tx of this.txs.values()) {
      const touched = this.touched(tx).filter(key => this.asked.has(key))
      const saying = touched.filter(key => listing.get(key)?.has(tx.txid))
      if (saying.length > 0 && saying.length < touched.length) for (const key of touched) again.add(key)
    }
    return [...again]
  }

  private watch(watched: WatchedScript): void {
    const key = placeKey(watched.branch, watched.index)
    this.scripts.set(key, watched)
    this.byScript.set(watched.script, key)
    if (this.paid.has(watched.script)) this.noteUse(watched)
  }

  private touched(tx: ChainTx): string[] {
    return [...new Set(scriptsOf(tx).flatMap(script => this.byScript.get(script) ?? []))]
  }

  private noteUse(at: WatchedScript | undefined): void {
    if (at && at.index > this.lastUsed[at.branch]) this.lastUsed[at.branch] = at.index
  }

  /** Invariant 3. */
  private hotKeys(base: ChainState): Set<string> {
    const wallet = readWallet(base)
    const hot = new Set(wallet.coins.map(coin => placeKey(coin.branch, coin.index)))
    for (const tx of base.txs.values()) if (!tx.confirmed) for (const key of this.touched(tx)) hot.add(key)
    const ahead = Math.max(wallet.lastUsed[0] + HOT_AHEAD, this.o.shown ?? -1)
    for (let index = wallet.lastUsed[0] + 1; index <= ahead; index++)
      if (this.scripts.has(placeKey(0, index))) hot.add(placeKey(0, index))
    return hot
  }
}
