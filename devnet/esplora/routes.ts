/** The Esplora calls: paths, pages, status codes and texts of electrs' src/rest.rs. */
import { addressScript } from '../engines/address'
import { merkleBranch, type ChainBlock } from '../engines/block'
import { concatBytes, fromHex, toHex } from '../engines/bytes'
import type { Engine } from '../engines/engine'
import { scriptHash, type IndexedTx, type Indexer } from './indexer'
import { bytes, json, refusal, text, type Reply } from './reply'
import { blockShape, mempoolShape, recentShape, spendShape, statusShape, txShape } from './shapes'

const MINED_PER_PAGE = 25
const MAX_WAITING = 50
const BLOCKS_PER_PAGE = 10
const RECENT = 10
/** seconds */
const SHORT = 10
const LONG = 157_784_630
const RECENT_AGE = 5
/** Confirmations from which an answer counts as settled. */
const SETTLED = 10

export interface RouteContext {
  readonly engine: Engine
  readonly indexer: Indexer
  /** Tip that the tip calls answer with; differs from the indexer's under the `stale-tip` fault. */
  readonly tip: () => ChainBlock
  /** Unspent outputs of one script above which the answer is an error, as on public servers. */
  readonly utxoLimit: number
  /** sat/vB by blocks to wait */
  readonly feeEstimates: Readonly<Record<string, number>>
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
}

/** Roots that are no call of their own. */
const NEED_MORE: ReadonlySet<string> = new Set(['block', 'block-height', 'tx', 'address', 'scripthash'])

const isHash = (value: string): boolean => /^[0-9a-fA-F]{64}$/.test(value)
const isNumber = (value: string): boolean => /^\+?\d{1,10}$/.test(value)
const missingBlock = refusal(404, 'Block not found')
const missingTx = refusal(404, 'Transaction not found')
const badHash = refusal(400, 'Invalid hex string')
const badNumber = refusal(400, 'Invalid number')

/** Answers one call of the API. Unknown paths and methods, OPTIONS among them, get electrs' 404. */
export async function answer(request: Request, context: RouteContext): Promise<Reply> {
  const [, root = '', ...rest] = request.path.split('/')
  const nothing = refusal(404, `endpoint does not exist ${JSON.stringify(request.path)}`)
  if (request.method === 'POST') return root === 'tx' && rest.length === 0 ? broadcast(request.body, context) : nothing
  if (request.method !== 'GET' || (rest.length === 0 && NEED_MORE.has(root))) return nothing
  switch (root) {
    case 'blocks':
      return blocks(rest, context) ?? nothing
    case 'block-height':
      return blockHeight(rest, context) ?? nothing
    case 'block':
      return block(rest, context) ?? nothing
    case 'tx':
      return transaction(rest, context) ?? nothing
    case 'address':
    case 'scripthash':
      return script(root, rest, context) ?? nothing
    case 'mempool':
      return mempool(rest, context) ?? nothing
    case 'fee-estimates':
      return rest.length === 0 ? json(context.feeEstimates, SHORT) : nothing
    default:
      return nothing
  }
}

const ageAt = (height: number | undefined, { indexer }: RouteContext): number =>
  height !== undefined && indexer.tip.height - height >= SETTLED ? LONG : SHORT

/** The text of a refused broadcast, as electrs passes the node's on. */
async function broadcast(body: Uint8Array, { engine }: RouteContext): Promise<Reply> {
  const refused = (code: number, message: string): Reply =>
    refusal(400, `sendrawtransaction RPC error: ${JSON.stringify({ code, message })}`)
  const written = new TextDecoder().decode(body).trim()
  if (!/^([0-9a-fA-F]{2})+$/.test(written))
    return refused(-22, 'TX decode failed. Make sure the tx has at least one input.')
  const result = await engine.submit(fromHex(written.toLowerCase()))
  return result.ok ? text(result.txid, 0) : refused(result.rejection.code, result.rejection.message)
}

function blocks([first, second, ...more]: readonly string[], { indexer, tip }: RouteContext): Reply | undefined {
  if (more.length > 0) return undefined
  if (first === 'tip') {
    if (second === 'hash') return text(tip().hash, SHORT)
    return second === 'height' ? text(String(tip().height), SHORT) : undefined
  }
  if (second !== undefined) return undefined
  const from = first !== undefined && isNumber(first) ? Number(first) : tip().height
  if (indexer.blockAt(from) === undefined) return missingBlock
  const page: unknown[] = []
  for (let height = from; height >= 0 && page.length < BLOCKS_PER_PAGE; height -= 1) {
    const found = indexer.blockAt(height)
    if (found !== undefined) page.push(blockShape(found))
  }
  return json(page, SHORT)
}

function blockHeight([height = '', ...more]: readonly string[], context: RouteContext): Reply | undefined {
  if (more.length > 0) return undefined
  if (!isNumber(height)) return badNumber
  const found = context.indexer.blockAt(Number(height))
  return found === undefined ? missingBlock : text(found.hash, ageAt(found.height, context))
}

function block([hash = '', part, index, ...more]: readonly string[], context: RouteContext): Reply | undefined {
  const { indexer } = context
  if (more.length > 0 || (index !== undefined && part !== 'txs' && part !== 'txid')) return undefined
  if (!isHash(hash)) return badHash
  const found = indexer.block(hash.toLowerCase())
  if (part === 'status') {
    // Also for blocks that were never known: electrs answers 200 with `false`.
    if (found === undefined) return json({ in_best_chain: false, height: null, next_best: null }, SHORT)
    const next = indexer.blockAt(found.height + 1)
    return json(
      { in_best_chain: true, height: found.height, next_best: next?.hash ?? null },
      ageAt(found.height, context),
    )
  }
  if (part !== undefined && !['header', 'txids', 'raw', 'txs', 'txid'].includes(part)) return undefined
  if (found === undefined) return missingBlock
  switch (part) {
    case undefined:
      return json(blockShape(found), LONG)
    case 'header':
      return text(toHex(found.headerBytes), LONG)
    case 'txids':
      return json(
        found.txs.map(({ txid }) => txid),
        LONG,
      )
    case 'raw':
      return bytes(rawBlock(found), LONG)
    case 'txid': {
      if (index === undefined || !isNumber(index)) return badNumber
      const tx = found.txs[Number(index)]
      return tx === undefined ? refusal(404, 'tx index out of range') : text(tx.txid, LONG)
    }
    default: {
      const start = index !== undefined && isNumber(index) ? Number(index) : 0
      if (start % MINED_PER_PAGE !== 0) return refusal(400, `start index must be a multiple of ${MINED_PER_PAGE}`)
      if (start >= found.txs.length) return refusal(400, 'start index out of range')
      return json(
        shapes(found.txs.slice(start, start + MINED_PER_PAGE).flatMap(({ txid }) => indexer.tx(txid) ?? [])),
        ageAt(found.height, context),
      )
    }
  }
}

function rawBlock({ headerBytes, txs }: ChainBlock): Uint8Array {
  const count = txs.length < 0xfd ? [txs.length] : [0xfd, txs.length & 0xff, txs.length >> 8]
  return concatBytes(headerBytes, Uint8Array.from(count), ...txs.map(({ raw }) => raw))
}

function transaction([txid = '', part, index, ...more]: readonly string[], context: RouteContext): Reply | undefined {
  const { indexer } = context
  if (more.length > 0 || (index !== undefined) !== (part === 'outspend')) return undefined
  if (part !== undefined && !['hex', 'raw', 'status', 'merkle-proof', 'outspend', 'outspends'].includes(part))
    return undefined
  if (!isHash(txid)) return badHash
  const id = txid.toLowerCase()
  const entry = indexer.tx(id)
  const age = ageAt(entry?.block?.height, context)
  if (part === 'status') return json(statusShape(entry?.block), age)
  if (part === 'outspend') {
    if (index === undefined || !isNumber(index)) return badNumber
    const spend = indexer.spendOf(id, Number(index))
    return json(spendShape(spend, indexer), ageAt(spend && indexer.tx(spend.txid)?.block?.height, context))
  }
  if (part === 'merkle-proof') {
    if (entry?.block === undefined) return refusal(404, 'Transaction not found or is unconfirmed')
    const ids = entry.block.txs.map(tx => tx.txid)
    const pos = ids.indexOf(id)
    return json({ block_height: entry.block.height, merkle: merkleBranch(ids, pos), pos }, age)
  }
  if (entry === undefined) return missingTx
  switch (part) {
    case undefined:
      return json(txShape(entry), age)
    case 'hex':
      return text(toHex(entry.tx.raw), age)
    case 'raw':
      return bytes(entry.tx.raw, age)
    default:
      return json(
        entry.tx.outputs.map((_, vout) => spendShape(indexer.spendOf(id, vout), indexer)),
        SHORT,
      )
  }
}

const shapes = (entries: readonly IndexedTx[]): unknown[] => entries.map(txShape)

function script(
  kind: 'address' | 'scripthash',
  [name = '', part, page, last, ...more]: readonly string[],
  context: RouteContext,
): Reply | undefined {
  const { indexer } = context
  if (more.length > 0 || (page !== undefined && part !== 'txs') || (last !== undefined && page !== 'chain'))
    return undefined
  let hash: string
  if (kind === 'address') {
    const found = addressScript(name)
    if (found === undefined)
      return refusal(400, isForeignAddress(name) ? 'Address on invalid network' : 'Invalid address')
    hash = scriptHash(found)
  } else {
    if (!isHash(name)) return refusal(400, 'Invalid scripthash')
    hash = name.toLowerCase()
  }
  if (part === undefined) {
    const { chain, mempool: waiting } = indexer.statsOf(hash)
    return json({ [kind]: name, chain_stats: chain, mempool_stats: waiting }, SHORT)
  }
  if (part === 'utxo') {
    const unspent = indexer.unspentOf(hash)
    if (unspent.length > context.utxoLimit) {
      return refusal(
        400,
        `Too many unspent transaction outputs (>${context.utxoLimit}). Contact support to raise limits.`,
      )
    }
    return json(
      unspent.map(({ txid, vout, value }) => ({
        txid,
        vout,
        status: statusShape(indexer.tx(txid)?.block),
        value: Number(value),
      })),
      SHORT,
    )
  }
  if (part !== 'txs') return undefined
  switch (page) {
    case undefined:
      return json(
        shapes([...indexer.waitingOf(hash, MAX_WAITING), ...indexer.minedOf(hash, undefined, MINED_PER_PAGE)]),
        SHORT,
      )
    // A last id that is no id counts as none, one that is unknown ends the list.
    case 'chain':
      return json(
        shapes(
          indexer.minedOf(hash, last !== undefined && isHash(last) ? last.toLowerCase() : undefined, MINED_PER_PAGE),
        ),
        SHORT,
      )
    case 'mempool':
      return json(shapes(indexer.waitingOf(hash, MAX_WAITING)), SHORT)
    default:
      return undefined
  }
}

/** Looks like an address of another Bitcoin network. */
const isForeignAddress = (name: string): boolean => /^(bc1|tb1|[13])[0-9a-zA-Z]{20,90}$/.test(name)

function mempool([part, ...more]: readonly string[], { indexer }: RouteContext): Reply | undefined {
  if (more.length > 0) return undefined
  const waiting = indexer.mempool()
  switch (part) {
    case undefined:
      return json(mempoolShape(waiting), SHORT)
    case 'txids':
      return json(
        waiting.map(({ tx }) => tx.txid),
        SHORT,
      )
    case 'recent':
      return json(waiting.slice(-RECENT).reverse().map(recentShape), RECENT_AGE)
    default:
      return undefined
  }
}
