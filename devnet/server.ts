/**
 * The local chain as a server: an engine, its index, and HTTP with Esplora's paths at the root and control under /dev.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Engine } from './engines/engine'
import { openRegtest } from './engines/regtest/regtest'
import { memoryStore, openStore } from './engines/regtest/store'
import { control } from './esplora/control'
import { Faults } from './esplora/faults'
import { Indexer } from './esplora/indexer'
import { refusal, type Reply } from './esplora/reply'
import { answer, type Request } from './esplora/routes'

export interface DevnetOptions {
  /** Wanted port, 3002 by default; a taken one moves to the next. 0 takes any free one. */
  readonly port?: number
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** Folder that keeps the chain; without it the chain lives in memory. */
  readonly data?: string
  /** Forget the chain in `data` and begin a new one. */
  readonly fresh?: boolean
  /** Mine a block this long after a transaction was broadcast, milliseconds; off by default. */
  readonly autoMineMs?: number
  /** Limit of `/utxo`, 500 by default. */
  readonly utxoLimit?: number
  /** Answer of `/fee-estimates`, sat/vB by blocks to wait. */
  readonly feeEstimates?: Readonly<Record<string, number>>
  /** milliseconds since 1970 */
  readonly now?: () => number
}

export interface Devnet {
  /** Base of the Esplora API, without a slash at its end. */
  readonly url: string
  readonly port: number
  /** Hash of block 0. */
  readonly genesis: string
  close(): Promise<void>
}

/** bytes, as electrs */
const MAX_BODY = 1_000_000
const PORT_TRIES = 100
const DEFAULT_PORT = 3002

/** A calm chain: next block 3 sat/vB, falling to 1 within six blocks. The keys are those of public servers. */
function calmEstimates(): Record<string, number> {
  const targets = [...Array.from({ length: 25 }, (_, i) => i + 1), 144, 504, 1008]
  return Object.fromEntries(targets.map(target => [String(target), target <= 2 ? 3 : target <= 6 ? 2 : 1]))
}

/** Whole body of a request, or undefined when it is too large. */
async function readBody(message: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of message as AsyncIterable<Buffer>) {
    length += part.length
    if (length > MAX_BODY) return undefined
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function send(response: ServerResponse, reply: Reply, cors = true): void {
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    ...(reply.maxAge === undefined ? {} : { 'cache-control': `public, max-age=${reply.maxAge}` }),
    ...(cors ? { 'access-control-allow-origin': '*' } : {}),
  })
  response.end(reply.body)
}

async function listen(server: Server, wanted: number, host: string): Promise<number> {
  for (let port = wanted; ; port += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || wanted === 0 || port - wanted >= PORT_TRIES || port >= 65_535) throw error
    }
  }
}

/**
 * Starts the local chain.
 * Long because what is started here must be ended in the reverse order, also when a later step fails.
 * @throws Error with a sentence when the folder is in use or damaged, or no port is free
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const {
    port: wanted = DEFAULT_PORT,
    host = '127.0.0.1',
    autoMineMs,
    utxoLimit = 500,
    feeEstimates = calmEstimates(),
  } = options
  const store = options.data === undefined ? memoryStore() : openStore(options.data, options.fresh)
  let engine: Engine
  try {
    engine = openRegtest({ store, ...(options.now === undefined ? {} : { now: options.now }) })
  } catch (error) {
    store.close()
    throw error
  }
  const indexer = new Indexer(engine)
  const faults = new Faults()

  let mining: NodeJS.Timeout | undefined
  const mineSoon = (): void => {
    if (autoMineMs === undefined || mining !== undefined) return
    mining = setTimeout(() => {
      mining = undefined
      // What fails here fails for the next caller too, who is told.
      if (indexer.mempool().length > 0) engine.mine(1).catch(() => undefined)
    }, autoMineMs)
  }

  const respond = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (message.url ?? '/').split('?')[0] ?? '/'
    const body = await readBody(message)
    if (body === undefined) {
      response.setHeader('connection', 'close')
      send(response, refusal(413, 'Request body too large'))
      return
    }
    const request: Request = { method: message.method ?? 'GET', path, body }
    if (path.startsWith('/dev/')) {
      send(response, await control(request, { engine, indexer, faults, autoMineMs }))
      return
    }
    const strike = faults.strike(path)
    if (strike?.how === 'hang') return
    if (strike?.how === 'reply') {
      send(response, strike.reply, strike.cors)
      return
    }
    const tip = (): ReturnType<typeof faults.tipFor> => faults.tipFor(path, indexer.tip)
    const reply = await answer(request, { engine, indexer, tip, utxoLimit, feeEstimates })
    if (request.method === 'POST' && reply.status === 200) mineSoon()
    if (strike?.how === 'drop-reply') response.destroy()
    else send(response, reply)
  }

  const server = createServer((message, response) => {
    respond(message, response).catch((error: unknown) => {
      // A caller that went away in mid-request is no trouble of the chain.
      if (message.destroyed && !message.complete) return
      // A full disk, most likely: the step did not happen.
      if (!response.headersSent)
        send(
          response,
          refusal(500, `The local chain failed: ${error instanceof Error ? error.message : 'unknown error'}`),
        )
    })
  })

  let port: number
  try {
    port = await listen(server, wanted, host)
  } catch (error) {
    await engine.close()
    throw error
  }
  if (indexer.mempool().length > 0) mineSoon()
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    clearTimeout(mining)
    indexer.close()
    await new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    await engine.close()
  }
  const name = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host
  return { url: `http://${name}:${port}`, port, genesis: engine.genesis, close: () => (closed ??= close()) }
}
