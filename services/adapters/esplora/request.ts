/**
 * HTTP as public Esplora servers bear it: few requests at once, patience on overload, nothing that needs a preflight.
 *
 *  1. Only simple requests: GET without own headers, POST as text/plain. electrs answers OPTIONS with 404.
 *  2. An overloaded server may refuse without CORS headers: a bare TypeError backs off like a 429.
 * 3. Every try has a deadline and a bound on its body; a place in the queue is held for the try only, not while
 * waiting.
 *  4. A POST is tried once.
 */
import { err, ok, type Result } from '../../core/domain/result'
import type { ChainError } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'

export interface RequestOptions {
  readonly fetch: typeof fetch
  readonly clock: Clock
  /** jitter */
  readonly entropy: Entropy
  /** requests at once: 4, or 2 on public hosts */
  readonly maxConcurrent: number
  readonly log: Log
}

export interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

interface Ask {
  readonly url: string
  /** bytes of the answer that are read at most */
  readonly maxBytes: number
  readonly signal?: AbortSignal
  /** text/plain body; makes it a POST */
  readonly body?: string
  /** tries in all, 5 unless said otherwise; 1 for a POST */
  readonly tries?: number
}

export type Requester = (ask: Ask) => Promise<Result<Answer, ChainError>>

/** milliseconds for one try, body included */
const TIMEOUT_MS = 10_000
/** milliseconds between tries, at least and at most */
const BACKOFF_MS = { least: 250, most: 8_000 } as const
const TRIES = 5
/** a server that hangs is given one more chance, not four: each costs ten seconds */
const TIMEOUTS = 2
/** busy or broken for the moment; other refusals do not change by asking again */
const RETRY_STATUS: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

type Failure = { readonly error: ChainError; readonly timedOut: boolean }

const trouble = (code: ChainError['code'], detail: string, retryable = true): ChainError => ({
  code,
  detail,
  retryable,
})
const ABORTED = trouble('aborted', 'aborted', false)

/**
 * Gives 200, 400 and 404 as answers (they mean something in this API) and everything else as an error. Never rejects.
 * Long because retry, pace and time limit of one request share its state.
 */
export function createRequester(o: RequestOptions): Requester {
  const slots = createSlots(o.maxConcurrent)

  /** between 0 and 1 */
  const chance = (): number => {
    const [a = 0, b = 0] = o.entropy.bytes(2)
    return (a * 256 + b) / 65_536
  }

  async function once(ask: Ask): Promise<Result<Answer, Failure>> {
    const fail = (error: ChainError, timedOut = false): Result<never, Failure> => err({ error, timedOut })
    const leave = await slots.enter(ask.signal)
    if (!leave) return fail(ABORTED)
    const controller = new AbortController()
    const cleanUps: Array<() => void> = [leave]
    // The race ends the try even when the fetch does not heed its signal.
    const stopped = new Promise<Result<never, Failure>>(resolve => {
      cleanUps.push(
        o.clock.after(TIMEOUT_MS, () =>
          resolve(fail(trouble('unreachable', `no answer in ${TIMEOUT_MS / 1000} s`), true)),
        ),
      )
      cleanUps.push(onAbort(ask.signal, () => resolve(fail(ABORTED))))
    })
    const fetched = (async (): Promise<Result<Answer, Failure>> => {
      const response = await o.fetch(ask.url, {
        cache: 'no-store',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal: controller.signal,
        ...(ask.body === undefined
          ? {}
          : { method: 'POST', body: ask.body, headers: { 'content-type': 'text/plain' } }),
      })
      const body = await readBody(response, ask.maxBytes)
      return body
        ? ok({ status: response.status, body })
        : fail(trouble('bad-answer', `answer is longer than ${ask.maxBytes} bytes`))
    })().catch((error: unknown) => fail(trouble('unreachable', error instanceof Error ? error.message : 'no answer')))
    const result = await Promise.race([fetched, stopped])
    // After an answer this does nothing; otherwise it frees the connection.
    controller.abort()
    for (const cleanUp of cleanUps) cleanUp()
    return result
  }

  /** false when aborted */
  function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      const cancel = o.clock.after(ms, () => {
        forget()
        resolve(true)
      })
      const forget = onAbort(signal, () => {
        cancel()
        resolve(false)
      })
    })
  }

  return async ask => {
    const tries = ask.body === undefined ? (ask.tries ?? TRIES) : 1
    let wait: number = BACKOFF_MS.least
    let timeouts = 0
    for (let n = 1; ; n++) {
      if (ask.signal?.aborted) return err(ABORTED)
      const answer = await once(ask)
      if (answer.ok && [200, 400, 404].includes(answer.value.status)) return answer
      const error = answer.ok ? refusalOf(answer.value.status) : answer.error.error
      if (!answer.ok && answer.error.timedOut) timeouts++
      const again = answer.ok ? RETRY_STATUS.has(answer.value.status) : error.code === 'unreachable'
      if (!again || n >= tries || timeouts >= TIMEOUTS) {
        if (error.code !== 'aborted')
          o.log.write('warn', 'esplora.failed', { code: error.code, detail: error.detail, tries: n })
        return err(error)
      }
      // Jitter that grows from the last wait, so that clients which failed together do not come back together.
      wait = Math.min(BACKOFF_MS.most, Math.round(BACKOFF_MS.least + chance() * (wait * 3 - BACKOFF_MS.least)))
      o.log.write('debug', 'esplora.retry', { code: error.code, detail: error.detail, inMs: wait })
      if (!(await pause(wait, ask.signal))) return err(ABORTED)
    }
  }
}

function refusalOf(status: number): ChainError {
  if (status === 429) return trouble('rate-limited', 'HTTP 429')
  return trouble('server-error', `HTTP ${status}`, status >= 500)
}

/** Whole body; undefined when it is longer than allowed. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    length += next.value.length
    if (length > maxBytes) {
      void reader?.cancel().catch(() => undefined)
      return undefined
    }
    parts.push(next.value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Calls once on abort, at once when it has happened; the returned function forgets it. */
function onAbort(signal: AbortSignal | undefined, fn: () => void): () => void {
  if (signal?.aborted) fn()
  signal?.addEventListener('abort', fn, { once: true })
  return () => signal?.removeEventListener('abort', fn)
}

/**
 * At most `count` inside at once, first come first served. `enter` gives the way out, or undefined when aborted while
 * waiting.
 */
function createSlots(count: number): { enter(signal?: AbortSignal): Promise<(() => void) | undefined> } {
  let free = count
  const queue: Array<() => void> = []
  const leaver = (): (() => void) => {
    let left = false
    return () => {
      if (left) return
      left = true
      const next = queue.shift()
      if (next) next()
      else free++
    }
  }
  return {
    enter: signal =>
      new Promise(resolve => {
        if (signal?.aborted) return resolve(undefined)
        if (free > 0) {
          free--
          return resolve(leaver())
        }
        const turn = (): void => {
          forget()
          resolve(leaver())
        }
        const forget = onAbort(signal, () => {
          queue.splice(queue.indexOf(turn), 1)
          resolve(undefined)
        })
        queue.push(turn)
      }),
  }
}
