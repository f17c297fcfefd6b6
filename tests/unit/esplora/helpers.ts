import { sha256 } from '@noble/hashes/sha2.js'
import { createEsplora, type EsploraOptions } from '../../../services/adapters/esplora'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import type { Chain } from '../../../services/ports/chain'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'
import { createFakeLog, type FakeLog } from '../../fakes/log'

export const BASE = 'http://esplora.test/api'
export const SCRIPT = `5120${'11'.repeat(32)}`
export const TXS = `/scripthash/${toHex(sha256(fromHex(SCRIPT)))}/txs`
export const hash = (n: number): string => n.toString(16).padStart(64, '0')

export type Step = (path: string, init: RequestInit) => Response | Promise<Response>
export const text =
  (body: string, status = 200): Step =>
  () =>
    new Response(body, { status })
export const json = (value: unknown, status = 200): Step => text(JSON.stringify(value), status)
/** what a browser's fetch does on a refused connection or a missing CORS header */
export const bare: Step = () => {
  throw new TypeError('Failed to fetch')
}
/** never answers; ends when its signal does, as fetch promises */
export const hang: Step = (_path, init) =>
  new Promise((_resolve, reject) => {
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
  })

export interface Rig {
  readonly chain: Chain
  readonly clock: FakeClock
  readonly log: FakeLog
  readonly asked: string[]
  readonly inits: RequestInit[]
  /** fake milliseconds at which each request went out, from 0 */
  readonly times: number[]
  /** lets fake time run until the promise is settled */
  run<T>(promise: Promise<T>): Promise<T>
}

/** The adapter over scripted answers: the steps in turn, the last one for ever. */
export function rig(steps: Step | readonly Step[], more: Partial<EsploraOptions> = {}): Rig {
  const clock = new FakeClock(0)
  const log = createFakeLog()
  const asked: string[] = []
  const inits: RequestInit[] = []
  const times: number[] = []
  const list = Array.isArray(steps) ? [...(steps as Step[])] : [steps as Step]
  const chain = createEsplora({
    base: BASE,
    clock,
    log,
    entropy: createFakeEntropy(),
    fetch: async (input, init = {}) => {
      const path = String(input as string).replace(BASE, '')
      asked.push(`${init.method ?? 'GET'} ${path}`)
      inits.push(init)
      times.push(clock.now())
      const step = list.length > 1 ? list.shift() : list[0]
      return await step!(path, init)
    },
    ...more,
  })
  return {
    chain,
    clock,
    log,
    asked,
    inits,
    times,
    async run(promise) {
      let settled = false
      const watch = (): void => {
        settled = true
      }
      promise.then(watch, watch)
      for (let i = 0; i < 1_000 && !settled; i++) await clock.advance(100)
      if (!settled) throw new Error('still waiting after 100 s')
      return promise
    },
  }
}

export const status = (height?: number): unknown =>
  height === undefined
    ? { confirmed: false }
    : { confirmed: true, block_height: height, block_hash: hash(height), block_time: 1_700_000_000 + height }

/** A transaction paying SCRIPT as Esplora writes it. */
export const txJson = (n: number, height?: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  txid: hash(n),
  version: 2,
  locktime: 0,
  vin: [
    {
      txid: hash(9_999),
      vout: 1,
      prevout: { scriptpubkey: '0014' + '22'.repeat(20), value: 2_000 },
      scriptsig: '',
      is_coinbase: false,
      sequence: 0xfffffffd,
    },
  ],
  vout: [{ scriptpubkey: SCRIPT, value: 1_500 }],
  size: 200,
  weight: 500,
  fee: 500,
  status: status(height),
  ...more,
})
