/**
 * The control calls of the local chain. Bodies are JSON whatever their content type says, so that a page can send them
 * as `text/plain` without a preflight. What is wrong in a body comes back as 400 with `{ error: sentence }`.
 */
import { addressScript, scriptAddress } from '../engines/address'
import type { ChainBlock } from '../engines/block'
import type { Engine } from '../engines/engine'
import { dustThreshold } from '../engines/script'
import { FAULT_KINDS, type FaultKind, type Faults } from './faults'
import type { Indexer } from './indexer'
import type { Reply } from './reply'
import type { Request } from './routes'

const MAX_BLOCKS = 1_000
const MAX_DEPTH = 100
const MAX_COUNT = 1_000_000

export interface ControlContext {
  readonly engine: Engine
  readonly indexer: Indexer
  readonly faults: Faults
  /** milliseconds; undefined when blocks come on demand only */
  readonly autoMineMs: number | undefined
}

/** A sentence for whoever called; becomes a 400. */
class BadInput extends Error {}

type Fields = Readonly<Record<string, unknown>>

const made = (value: unknown): Reply => ({ status: 200, type: 'application/json', body: JSON.stringify(value) })
const denied = (status: number, error: string): Reply => ({
  status,
  type: 'application/json',
  body: JSON.stringify({ error }),
})

function readFields(body: Uint8Array, allowed: readonly string[]): Fields {
  const written = new TextDecoder().decode(body).trim()
  let value: unknown
  try {
    value = written === '' ? {} : JSON.parse(written)
  } catch {
    throw new BadInput('The body must be JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput('The body must be a JSON object.')
  const unknown = Object.keys(value).find(key => !allowed.includes(key))
  if (unknown !== undefined)
    throw new BadInput(`Unknown field "${unknown.slice(0, 40)}"; allowed are ${allowed.join(', ')}.`)
  return value as Fields
}

function readInteger(fields: Fields, name: string, least: number, most: number, preset?: number): number {
  const value = fields[name] ?? preset
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw new BadInput(`"${name}" must be a whole number from ${least} to ${most}.`)
  }
  return value
}

function readFlag(fields: Fields, name: string, preset: boolean): boolean {
  const value = fields[name] ?? preset
  if (typeof value !== 'boolean') throw new BadInput(`"${name}" must be true or false.`)
  return value
}

function readScript(fields: Fields): Uint8Array {
  const { address } = fields
  const script = typeof address === 'string' ? addressScript(address.trim()) : undefined
  if (script === undefined) throw new BadInput('"address" must be an address of the local chain (bcrt1…).')
  return script
}

async function mine(body: Uint8Array, { engine, indexer }: ControlContext): Promise<Reply> {
  const fields = readFields(body, ['blocks', 'address'])
  const blocks = readInteger(fields, 'blocks', 1, MAX_BLOCKS, 1)
  const script = fields.address === undefined ? undefined : readScript(fields)
  const hashes = await engine.mine(blocks, script)
  return made({ height: indexer.tip.height, tip: indexer.tip.hash, blocks: hashes })
}

/** Pays by a real transaction and mines it into one block, unless `mine` is false. */
async function faucet(body: Uint8Array, { engine, indexer }: ControlContext): Promise<Reply> {
  const fields = readFields(body, ['address', 'sats', 'mine'])
  const script = readScript(fields)
  const sats = readInteger(fields, 'sats', Number(dustThreshold(script)), 2_100_000_000_000_000)
  const mined = readFlag(fields, 'mine', true)
  const paid = await engine.pay(script, BigInt(sats))
  if (!paid.ok) return denied(400, `The faucet cannot pay this: ${paid.rejection.message}.`)
  if (mined) await engine.mine(1)
  return made({ txid: paid.txid, height: indexer.tip.height })
}

function fault(body: Uint8Array, { indexer, faults }: ControlContext): Reply {
  const fields = readFields(body, ['kind', 'path', 'count'])
  const kind = typeof fields.kind === 'number' ? String(fields.kind) : fields.kind
  if (kind === 'clear') {
    faults.clear()
    return made({ faults: [] })
  }
  if (!FAULT_KINDS.some(known => known === kind))
    throw new BadInput(`"kind" must be one of ${FAULT_KINDS.join(', ')}, clear.`)
  const { path } = fields
  if (path !== undefined && (typeof path !== 'string' || !path.startsWith('/') || path.length > 200)) {
    throw new BadInput('"path" must begin with a slash, as /tx or /address/*/txs.')
  }
  const count = fields.count === undefined ? undefined : readInteger(fields, 'count', 1, MAX_COUNT)
  faults.add(kind as FaultKind, path, count, indexer.tip)
  return made({ faults: faults.list() })
}

async function reorg(body: Uint8Array, { engine, indexer }: ControlContext): Promise<Reply> {
  const fields = readFields(body, ['depth', 'keepTxs'])
  const depth = readInteger(fields, 'depth', 1, Math.min(MAX_DEPTH, indexer.tip.height))
  return made(await engine.reorg(depth, readFlag(fields, 'keepTxs', true)))
}

async function info({ engine, indexer, faults, autoMineMs }: ControlContext): Promise<Reply> {
  const miner = await engine.minerWallet()
  const tip: ChainBlock = indexer.tip
  return made({
    network: 'regtest',
    genesis: engine.genesis,
    chain: indexer.blockAt(1)?.hash ?? null,
    height: tip.height,
    tip: tip.hash,
    mempool: indexer.mempool().length,
    faucet: { address: scriptAddress(miner.script), sats: Number(miner.sats) },
    autoMineMs: autoMineMs ?? null,
    faults: faults.list(),
  })
}

/** Answers a call under `/dev/`. */
export async function control(request: Request, context: ControlContext): Promise<Reply> {
  const call = `${request.method} ${request.path}`
  try {
    switch (call) {
      case 'GET /dev/info':
        return await info(context)
      case 'POST /dev/mine':
        return await mine(request.body, context)
      case 'POST /dev/faucet':
        return await faucet(request.body, context)
      case 'POST /dev/fault':
        return fault(request.body, context)
      case 'POST /dev/reorg':
        return await reorg(request.body, context)
      default:
        return denied(404, `There is no ${call.slice(0, 100)}.`)
    }
  } catch (error) {
    if (error instanceof BadInput) return denied(400, error.message)
    throw error
  }
}
