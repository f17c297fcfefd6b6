/**
 * The chain port over Esplora's REST API (electrs, mempool.space, our devnet).
 * @see https://github.com/Blockstream/esplora/blob/master/API.md
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromHex, toHex } from '../../core/domain/bytes'
import type { Txid } from '../../core/domain/ids'
import { err, ok, type Result } from '../../core/domain/result'
import { MAX_RAW_TX_BYTES, rawTxid } from '../../core/domain/txid'
import type { Chain, ChainError, ChainTx, Tip } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import {
  isKnownAlready,
  parseFaucet,
  parseFees,
  parseHash,
  parseHeight,
  parseJson,
  parseOutspend,
  parseRefusal,
  parseTx,
  parseTxs,
} from './parse'
import { createRequester, type Answer } from './request'

export interface EsploraOptions {
  /** base URL of the API; a slash at its end is ignored */
  readonly base: string
  /** URL that takes POST {address, sats} for test coins */
  readonly faucet?: string
  readonly fetch?: typeof fetch
  readonly clock: Clock
  readonly entropy: Entropy
  /** requests at once, 4 by default; 2 is polite to public hosts */
  readonly maxConcurrent?: number
  readonly log: Log
}

/** Confirmed transactions per page. */
const PAGE = 25
/**
 * Transactions on one page that are taken: the first has up to 75, a server set to more generous pages may give more.
 */
const MAX_PAGE = 1_000
/** Pages of one script that are read; no address of a shared wallet has 10 000 transactions. */
const MAX_PAGES = 400
/**
 * Bytes of answers: a short text, one transaction as JSON (its largest, in a block of its own), a page of ordinary
 * ones.
 */
const BYTES = { text: 4_096, fees: 65_536, tx: 16_000_000, page: 32_000_000 } as const

const badAnswer = (what: string): { readonly ok: false; readonly error: ChainError } =>
  err({ code: 'bad-answer', detail: `the answer is not ${what}`, retryable: true })

/**
 * The Chain port over Esplora REST.
 * Long because it is the port as one object: a question of the API each, of a few lines.
 */
export function createEsplora(o: EsploraOptions): Chain {
  const base = o.base.replace(/\/+$/, '')
  const request = createRequester({
    fetch: o.fetch ?? ((...args) => fetch(...args)),
    clock: o.clock,
    entropy: o.entropy,
    maxConcurrent: o.maxConcurrent ?? 4,
    log: o.log,
  })

  /** GET; undefined for 404. A 400 answers a request that we did not mean to make. */
  async function get<T>(
    path: string,
    maxBytes: number,
    what: string,
    parse: (body: Uint8Array) => T | undefined,
    more: { signal?: AbortSignal; tries?: number } = {},
  ): Promise<Result<T | undefined, ChainError>> {
    const answer = await request({ url: base + path, maxBytes, ...more })
    if (!answer.ok) return answer
    if (answer.value.status === 404) return ok(undefined)
    const value = answer.value.status === 200 ? parse(answer.value.body) : undefined
    if (value !== undefined) return ok(value)
    o.log.write('warn', 'esplora.bad-answer', { path: path.split('/')[1] ?? '', status: answer.value.status, what })
    return badAnswer(what)
  }

  /** As `get`, for what always exists. */
  async function must<T>(...args: Parameters<typeof get<T>>): Promise<Result<T, ChainError>> {
    const answer = await get<T>(...args)
    return answer.ok && answer.value === undefined ? badAnswer(args[2]) : (answer as Result<T, ChainError>)
  }

  /** A server that balances its load may not know a fresh transaction on one machine: gone is what is unknown twice. */
  async function twice<T>(
    read: () => Promise<Result<T | undefined, ChainError>>,
  ): Promise<Result<T | undefined, ChainError>> {
    const first = await read()
    return first.ok && first.value === undefined ? read() : first
  }

  const blockHash = (height: number, signal?: AbortSignal): Promise<Result<string | undefined, ChainError>> =>
    get(`/block-height/${height}`, BYTES.text, 'a block hash', parseHash, { signal })

  /** Height first, then its hash: a pair that belongs together whatever arrives in between. */
  async function tip(signal?: AbortSignal): Promise<Result<Tip, ChainError>> {
    for (let tries = 0; tries < 3; tries++) {
      const height = await must('/blocks/tip/height', BYTES.text, 'a height', parseHeight, { signal })
      if (!height.ok) return height
      const hash = await blockHash(height.value, signal)
      if (!hash.ok) return hash
      // Without one the chain has just become shorter: ask again.
      if (hash.value !== undefined) return ok({ height: height.value, hash: hash.value })
    }
    return badAnswer('a tip')
  }

  /** Checked to be the transaction that was asked for. */
  const readTx = (
    txid: Txid,
    more: { signal?: AbortSignal; tries?: number },
  ): Promise<Result<ChainTx | undefined, ChainError>> =>
    get(
      `/tx/${txid}`,
      BYTES.tx,
      'this transaction',
      body => {
        const found = parseTx(parseJson(body))
        return found?.txid === txid ? found : undefined
      },
      more,
    )

  /** A page whose every transaction touches the script. */
  const page = (
    path: string,
    script: string,
    most: number,
    signal?: AbortSignal,
  ): Promise<Result<ChainTx[], ChainError>> =>
    must(
      path,
      BYTES.page,
      'a list of transactions of this script',
      body => {
        const txs = parseTxs(parseJson(body), most)
        return txs?.every(
          t => t.vout.some(out => out.script === script) || t.vin.some(input => input.prevoutScript === script),
        )
          ? txs
          : undefined
      },
      { signal },
    )

  async function history(script: string, signal?: AbortSignal): Promise<Result<ChainTx[], ChainError>> {
    const path = `/scripthash/${toHex(sha256(fromHex(script)))}/txs`
    const first = await page(path, script, MAX_PAGE, signal)
    if (!first.ok) return first
    const found = new Map(first.value.map(t => [t.txid, t]))
    // One kind of server gives 50 unconfirmed and 25 confirmed, another 50 in all: only a short page is surely the
    // whole.
    let more = first.value.length >= PAGE
    let last = first.value.filter(t => t.confirmed).at(-1)?.txid
    for (let pages = 1; more; pages++) {
      if (pages > MAX_PAGES) return badAnswer('a history of bounded length')
      const next = await page(last === undefined ? `${path}/chain` : `${path}/chain/${last}`, script, MAX_PAGE, signal)
      if (!next.ok) return next
      const before = found.size
      for (const t of next.value) found.set(t.txid, t)
      last = next.value.at(-1)?.txid
      more = next.value.length >= PAGE
      if (more && found.size === before) return badAnswer('a list that goes on')
    }
    return ok(
      [...found.values()].sort((a, b) => (b.confirmed?.height ?? Infinity) - (a.confirmed?.height ?? Infinity) || 0),
    )
  }

  /** Is it there after all? Asked without patience, for a broadcast of unknown or doubtful outcome. */
  async function isKnown(txid: Txid): Promise<boolean> {
    const seen = await readTx(txid, { tries: 1 })
    return seen.ok && seen.value !== undefined
  }

  async function broadcast(raw: Uint8Array): Promise<Result<Txid, ChainError>> {
    const txid = rawTxid(raw)
    if (txid === undefined) return err({ code: 'rejected', detail: 'not a transaction', retryable: false })
    const answer = await request({ url: `${base}/tx`, body: toHex(raw), maxBytes: BYTES.text })
    const verdict = readVerdict(answer, txid)
    return verdict.ok || !(await isKnown(txid)) ? verdict : ok(txid)
  }

  async function askFaucet(url: string, address: string, sats: bigint): Promise<Result<Txid, ChainError>> {
    const answer = await request({ url, body: JSON.stringify({ address, sats: Number(sats) }), maxBytes: BYTES.text })
    if (!answer.ok) return answer
    if (answer.value.status !== 200)
      return err({ code: 'rejected', detail: parseRefusal(answer.value.body), retryable: false })
    const txid = parseFaucet(parseJson(answer.value.body))
    return txid === undefined ? badAnswer('a txid') : ok(txid)
  }

  const { faucet } = o
  return {
    tip,
    blockHash,
    history,
    broadcast,
    async check(genesis, signal) {
      const hash = await must('/block-height/0', BYTES.text, 'a block hash', parseHash, { signal })
      if (!hash.ok) return hash
      if (hash.value !== genesis)
        return err({ code: 'wrong-network', detail: `genesis is ${hash.value}`, retryable: false })
      return tip(signal)
    },
    tx: (txid, signal) => twice(() => readTx(txid, { signal })),
    rawTx: (txid, signal) =>
      twice(() =>
        get(
          `/tx/${txid}/raw`,
          MAX_RAW_TX_BYTES,
          'the bytes of this transaction',
          body => (rawTxid(body) === txid ? body : undefined),
          { signal },
        ),
      ),
    outspend: (txid, vout, signal) =>
      must(
        `/tx/${txid}/outspend/${vout}`,
        BYTES.text,
        'the state of an output',
        body => parseOutspend(parseJson(body)),
        { signal },
      ),
    feeEstimates: signal =>
      must('/fee-estimates', BYTES.fees, 'a list of fees', body => parseFees(parseJson(body)), { signal }),
    ...(faucet === undefined ? {} : { faucet: (address: string, sats: bigint) => askFaucet(faucet, address, sats) }),
  }
}

function readVerdict(answer: Result<Answer, ChainError>, txid: Txid): Result<Txid, ChainError> {
  if (!answer.ok) return answer
  const { status, body } = answer.value
  if (status === 200) return parseHash(body) === txid ? ok(txid) : badAnswer('the txid that was sent')
  const reason = parseRefusal(body)
  return isKnownAlready(reason) ? ok(txid) : err({ code: 'rejected', detail: reason, retryable: false })
}
