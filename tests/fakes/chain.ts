import { sha256 } from '@noble/hashes/sha2.js'
import { addressToScript } from '../../services/core/crypto/address'
import { parseTx, serializeTx, txidOf, weightOf, type Tx } from '../../services/core/crypto/transaction'
import { fromHex, toHex, utf8ToBytes, type Hex } from '../../services/core/domain/bytes'
import { outPointKey, type OutPoint, type Txid } from '../../services/core/domain/ids'
import { NETWORKS } from '../../services/core/domain/network'
import { err, ok, type Result } from '../../services/core/domain/result'
import type { Chain, ChainError, ChainTx, Tip } from '../../services/ports/chain'

type Method =
  'check' | 'tip' | 'blockHash' | 'history' | 'tx' | 'rawTx' | 'outspend' | 'feeEstimates' | 'broadcast' | 'faucet'

/** One client's sight of the ledger, with faults of its own. */
export interface FakeChainView extends Chain {
  /** pays and mines one block, as the local chain does */
  faucet(address: string, sats: bigint): Promise<Result<Txid, ChainError>>
  /** every call so far, as `method` or `method argument` */
  readonly calls: string[]
  /** the next `count` calls (of `method`, when given) fail with this */
  fail(error: ChainError, options?: { count?: number; method?: Method }): void
  /** answers stay as they are now, as those of a server that has stopped following the chain */
  freeze(): void
  thaw(): void
  /** every transaction that this client's server knows, and its height */
  known(): { readonly txs: ChainTx[]; readonly height: number }
  /** runs before each call is answered; tests change the ledger here, in the middle of a sync */
  onCall(hook: ((call: string) => void) | undefined): void
}

/** A ledger that can be driven by hand, and the first sight of it. */
export interface FakeChain extends FakeChainView {
  readonly genesis: Hex
  /** another client of the same server */
  view(): FakeChainView
  /** pays from outside into the mempool */
  fund(script: Hex, sats: bigint): Txid
  /** mempool into the first block; `coinbase` is the script that each block's reward is paid to */
  mine(blocks?: number, coinbase?: Hex): Tip
  /** replaces the last `depth` blocks by `depth + 1` empty ones; their transactions go back to the mempool or vanish */
  reorg(depth: number, keepTxs?: boolean): Tip
  /** a transaction and its descendants leave the mempool */
  evict(txid: Txid): void
  /** a new chain from the same genesis: all blocks and transactions are gone */
  reset(blocks?: number): Tip
  /** the transaction, parsed; undefined when unknown */
  find(txid: Txid): { readonly tx: Tx; readonly height?: number } | undefined
  mempool(): Txid[]
  setFees(fees: ReadonlyMap<number, number>): void
}

export interface FakeChainOptions {
  /** gives a reason to refuse a transaction, e.g. a wrong signature; nothing is refused without it */
  readonly verify?: (tx: Tx, prevouts: ReadonlyArray<{ script: Uint8Array; sats: bigint }>) => string | undefined
  /** blocks at the start */
  readonly blocks?: number
}

interface Block {
  readonly height: number
  readonly hash: Hex
  readonly time: number
}
interface Entry {
  readonly tx: Tx
  readonly raw: Uint8Array
  readonly prevouts: ReadonlyArray<{ script: Uint8Array; sats: bigint } | undefined>
  readonly block?: Block
}
interface Ledger {
  readonly blocks: readonly Block[]
  readonly txs: ReadonlyMap<Txid, Entry>
}

const ABORTED: ChainError = { code: 'aborted', detail: 'aborted', retryable: false }
const NO_TX = '00'.repeat(32)
const FIRST_TIME = 1_700_000_000

/** An in-memory chain server; held by tests/contract/chain.ts together with the real adapter. */
export function createFakeChain(options: FakeChainOptions = {}): FakeChain {
  const genesis = NETWORKS.regtest.genesis
  let counter = 0
  let fees: ReadonlyMap<number, number> = new Map([
    [1, 4],
    [3, 2],
    [6, 1],
  ])
  let ledger: Ledger = { blocks: [{ height: 0, hash: genesis, time: FIRST_TIME }], txs: new Map() }

  const unique = (label: string): Uint8Array => sha256(utf8ToBytes(`${label}/${counter++}`))
  const tipOf = (l: Ledger): Block => l.blocks.at(-1)!
  const publicTip = (): Tip => ({ height: tipOf(ledger).height, hash: tipOf(ledger).hash })
  const spender = (l: Ledger, point: OutPoint): [Txid, Entry] | undefined =>
    [...l.txs].find(([, entry]) => entry.tx.inputs.some(i => i.txid === point.txid && i.vout === point.vout))

  function put(entry: Entry): Txid {
    const txid = txidOf(entry.tx)
    ledger = { ...ledger, txs: new Map([...ledger.txs, [txid, entry]]) }
    return txid
  }

  function withDescendants(txid: Txid): Set<Txid> {
    const family = new Set([txid])
    for (let before = 0; before !== family.size;) {
      before = family.size
      for (const [id, entry] of ledger.txs) if (entry.tx.inputs.some(i => family.has(i.txid))) family.add(id)
    }
    return family
  }

  function drop(txid: Txid): void {
    const gone = withDescendants(txid)
    ledger = { ...ledger, txs: new Map([...ledger.txs].filter(([id]) => !gone.has(id))) }
  }

  function appendBlock(): Block {
    const last = tipOf(ledger)
    const block = { height: last.height + 1, hash: toHex(unique('block')), time: last.time + 600 }
    ledger = { ...ledger, blocks: [...ledger.blocks, block] }
    return block
  }

  function mine(blocks = 1, coinbase?: Hex): Tip {
    for (let i = 0; i < blocks; i++) {
      const block = appendBlock()
      ledger = {
        ...ledger,
        txs: new Map([...ledger.txs].map(([id, entry]) => [id, entry.block ? entry : { ...entry, block }])),
      }
      if (coinbase !== undefined) {
        const tx: Tx = {
          version: 2,
          locktime: 0,
          inputs: [{ txid: NO_TX, vout: 0xffffffff, script: unique('coinbase'), sequence: 0xffffffff, witness: [] }],
          outputs: [{ sats: 5_000_000_000n, script: fromHex(coinbase) }],
        }
        put({ tx, raw: serializeTx(tx), prevouts: [undefined], block })
      }
    }
    return publicTip()
  }

  function fund(script: Hex, sats: bigint): Txid {
    const tx: Tx = {
      version: 2,
      locktime: 0,
      inputs: [
        {
          txid: toHex(unique('outside')),
          vout: 0,
          script: new Uint8Array(),
          sequence: 0xfffffffd,
          witness: [unique('signature')],
        },
      ],
      outputs: [{ sats, script: fromHex(script) }],
    }
    const funder = { script: fromHex(`0014${'aa'.repeat(20)}`), sats: sats + 200n }
    return put({ tx, raw: serializeTx(tx), prevouts: [funder] })
  }

  function submit(raw: Uint8Array): Result<Txid, string> {
    const parsed = parseTx(raw)
    if (!parsed.ok) return err('TX decode failed')
    const tx = parsed.value
    const txid = txidOf(tx)
    if (ledger.txs.has(txid)) return ok(txid)
    const prevouts: Array<{ script: Uint8Array; sats: bigint }> = []
    const conflicts = new Set<Txid>()
    for (const input of tx.inputs) {
      const output = ledger.txs.get(input.txid)?.tx.outputs[input.vout]
      const other = spender(ledger, input)
      if (!output || other?.[1].block) return err('bad-txns-inputs-missingorspent')
      if (other) conflicts.add(other[0])
      prevouts.push(output)
    }
    const sum = (list: ReadonlyArray<{ sats: bigint }>): bigint => list.reduce((a, b) => a + b.sats, 0n)
    const fee = sum(prevouts) - sum(tx.outputs)
    if (fee < 0n) return err('bad-txns-in-belowout')
    if (fee * 4n < BigInt(weightOf(tx))) return err('min relay fee not met')
    const reason = options.verify?.(tx, prevouts)
    if (reason !== undefined) return err(reason)
    const refusal = replacementFault(tx, fee, conflicts)
    if (refusal !== undefined) return err(refusal)
    for (const conflict of conflicts) drop(conflict)
    return ok(put({ tx, raw: raw.slice(), prevouts }))
  }

  /** BIP125 rules 2, 3 and 4, and more per vbyte, as nodes have it. */
  function replacementFault(tx: Tx, fee: bigint, conflicts: ReadonlySet<Txid>): string | undefined {
    if (conflicts.size === 0) return undefined
    const old = [...conflicts].flatMap(txid => ledger.txs.get(txid) ?? [])
    const parents = new Set(old.flatMap(entry => entry.tx.inputs.map(i => i.txid)))
    const gone = new Set([...conflicts].flatMap(txid => [...withDescendants(txid)]))
    if (tx.inputs.some(i => gone.has(i.txid))) return 'bad-txns-spends-conflicting-tx'
    if (tx.inputs.some(i => ledger.txs.get(i.txid)?.block === undefined && !parents.has(i.txid)))
      return 'replacement-adds-unconfirmed'
    const vsize = (t: Tx): bigint => BigInt(Math.ceil(weightOf(t) / 4))
    const paid = [...gone].reduce((sum, txid) => sum + feeOf(ledger.txs.get(txid)!), 0n)
    const more = fee >= paid + vsize(tx) && old.every(entry => fee * vsize(entry.tx) > feeOf(entry) * vsize(tx))
    return more ? undefined : 'insufficient fee, rejecting replacement'
  }

  const seen = new WeakMap<Ledger, { txs: ChainTx[]; height: number }>()
  function known(l: Ledger): { txs: ChainTx[]; height: number } {
    const all = seen.get(l) ?? { txs: [...l.txs.values()].map(toChainTx), height: tipOf(l).height }
    seen.set(l, all)
    return all
  }

  const control = {
    genesis,
    fund,
    mine,
    reorg(depth: number, keepTxs = true): Tip {
      const height = tipOf(ledger).height - depth
      ledger = { ...ledger, blocks: ledger.blocks.slice(0, height + 1) }
      for (const [id, entry] of [...ledger.txs]) {
        if (!entry.block || entry.block.height <= height) continue
        if (!keepTxs || entry.prevouts[0] === undefined) drop(id)
        else if (ledger.txs.has(id)) put({ ...entry, block: undefined })
      }
      for (let i = 0; i <= depth; i++) appendBlock()
      return publicTip()
    },
    evict: drop,
    reset(blocks = 1): Tip {
      ledger = { blocks: ledger.blocks.slice(0, 1), txs: new Map() }
      return mine(blocks)
    },
    find(txid: Txid) {
      const entry = ledger.txs.get(txid)
      return entry && { tx: entry.tx, height: entry.block?.height }
    },
    mempool: (): Txid[] => [...ledger.txs].filter(([, entry]) => !entry.block).map(([id]) => id),
    setFees(next: ReadonlyMap<number, number>): void {
      fees = next
    },
  }

  function view(): FakeChainView {
    const calls: string[] = []
    const faults: Array<{ error: ChainError; method?: Method; count: number }> = []
    let frozen: Ledger | undefined
    let hook: ((call: string) => void) | undefined

    async function answer<T>(
      method: Method,
      arg: string | number | undefined,
      signal: AbortSignal | undefined,
      read: (l: Ledger) => Result<T, ChainError>,
    ): Promise<Result<T, ChainError>> {
      const call = arg === undefined ? method : `${method} ${arg}`
      calls.push(call)
      hook?.(call)
      await Promise.resolve()
      if (signal?.aborted) return err(ABORTED)
      const fault = faults.find(f => f.count > 0 && (f.method === undefined || f.method === method))
      if (fault) {
        fault.count--
        return err(fault.error)
      }
      return read(frozen ?? ledger)
    }
    const read = <T>(
      method: Method,
      arg: string | number | undefined,
      signal: AbortSignal | undefined,
      get: (l: Ledger) => T,
    ): Promise<Result<T, ChainError>> => answer(method, arg, signal, l => ok(get(l)))
    const tip = (l: Ledger): Tip => ({ height: tipOf(l).height, hash: tipOf(l).hash })

    return {
      calls,
      fail: (error, { count = 1, method } = {}) => {
        faults.push({ error, count, method })
      },
      freeze: () => {
        frozen = ledger
      },
      thaw: () => {
        frozen = undefined
      },
      onCall: next => {
        hook = next
      },
      known: () => known(frozen ?? ledger),
      check: (wanted, signal) =>
        answer('check', undefined, signal, l =>
          wanted === genesis
            ? ok(tip(l))
            : err({ code: 'wrong-network', detail: `genesis is ${genesis}`, retryable: false }),
        ),
      tip: signal => read('tip', undefined, signal, tip),
      blockHash: (height, signal) => read('blockHash', height, signal, l => l.blocks[height]?.hash),
      history: (script, signal) =>
        read('history', script, signal, l =>
          [...l.txs.values()]
            .reverse()
            .filter(e => [...e.tx.outputs, ...e.prevouts].some(out => out && toHex(out.script) === script))
            .map(toChainTx)
            .sort((a, b) => (b.confirmed?.height ?? Infinity) - (a.confirmed?.height ?? Infinity) || 0),
        ),
      tx: (txid, signal) => read('tx', txid, signal, l => mapped(l.txs.get(txid), toChainTx)),
      rawTx: (txid, signal) => read('rawTx', txid, signal, l => mapped(l.txs.get(txid), entry => entry.raw.slice())),
      outspend: (txid, vout, signal) =>
        read('outspend', outPointKey({ txid, vout }), signal, l => {
          const by = l.txs.has(txid) ? spender(l, { txid, vout }) : undefined
          return by
            ? { spent: true, by: by[0], confirmed: by[1].block !== undefined }
            : { spent: false, confirmed: false }
        }),
      feeEstimates: signal => read('feeEstimates', undefined, signal, () => fees),
      broadcast: raw =>
        answer('broadcast', undefined, undefined, () => {
          const done = submit(raw)
          return done.ok ? done : err({ code: 'rejected', detail: done.error, retryable: false })
        }),
      faucet: (address, sats) =>
        answer('faucet', address, undefined, () => {
          const script = addressToScript(address, NETWORKS.regtest)
          if (!script.ok) return err({ code: 'rejected', detail: 'bad address', retryable: false })
          const txid = fund(toHex(script.value), sats)
          mine()
          return ok(txid)
        }),
    }
  }

  if (options.blocks) mine(options.blocks)
  return { ...view(), ...control, view }
}

const mapped = <T, R>(value: T | undefined, map: (value: T) => R): R | undefined =>
  value === undefined ? undefined : map(value)

function feeOf(entry: Entry): bigint {
  const paid = entry.prevouts.reduce<bigint | undefined>(
    (sum, out) => (sum === undefined || !out ? undefined : sum + out.sats),
    0n,
  )
  return paid === undefined ? 0n : paid - entry.tx.outputs.reduce((sum, out) => sum + out.sats, 0n)
}

const written = new WeakMap<Entry, ChainTx>()

function toChainTx(entry: Entry): ChainTx {
  const known = written.get(entry)
  if (known !== undefined) return known
  const made: ChainTx = {
    txid: txidOf(entry.tx),
    vin: entry.tx.inputs.map((input, i) => {
      const out = entry.prevouts[i]
      return {
        txid: input.txid,
        vout: input.vout,
        coinbase: !out,
        sequence: input.sequence,
        ...(out ? { prevoutScript: toHex(out.script), prevoutSats: out.sats } : {}),
      }
    }),
    vout: entry.tx.outputs.map(out => ({ script: toHex(out.script), sats: out.sats })),
    feeSats: feeOf(entry),
    weight: weightOf(entry.tx),
    ...(entry.block ? { confirmed: entry.block } : {}),
  }
  written.set(entry, made)
  return made
}
