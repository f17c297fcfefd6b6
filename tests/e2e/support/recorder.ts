import type { BrowserContext } from '@playwright/test'
import type { Member } from './member'

/**
 * One thing that crossed the worker's boundary or went into a store, with every text and every run of bytes inside it.
 */
export interface Recorded {
  readonly where:
    | 'to worker'
    | 'from worker'
    | 'indexeddb'
    | 'storage'
    | 'console'
    | 'indexeddb of the worker'
    | 'console of the worker'
  /** method of the call, name of the store, or key */
  readonly what: string
  readonly texts: readonly string[]
  /** lower-case hex */
  readonly bytes: readonly string[]
}

/** Runs in pages and in the key worker, before the app's own code: writes down, changes nothing. */
function observe(inWorker: boolean) {
  const channel = new BroadcastChannel('e2e-recorder')
  const kept: unknown[] = []
  Object.assign(globalThis, { e2eRecorded: kept })
  if (!inWorker) channel.addEventListener('message', event => kept.push(event.data))

  const write = (where: string, what: string, value: unknown) => {
    const texts: string[] = []
    const bytes: string[] = []
    const seen = new Set<unknown>()
    const hex = (list: Iterable<number>) => Array.from(list, b => b.toString(16).padStart(2, '0')).join('')
    const walk = (v: unknown): void => {
      if (v === null || v === undefined || typeof v === 'function' || typeof v === 'symbol') return
      if (typeof v !== 'object') return void texts.push(String(v))
      if (seen.has(v)) return
      seen.add(v)
      if (v instanceof ArrayBuffer) return void bytes.push(hex(new Uint8Array(v)))
      if (ArrayBuffer.isView(v)) return void bytes.push(hex(new Uint8Array(v.buffer, v.byteOffset, v.byteLength)))
      if (typeof CryptoKey !== 'undefined' && v instanceof CryptoKey)
        return void texts.push(`CryptoKey, extractable: ${v.extractable}`)
      if (v instanceof Error) return void texts.push(v.name, v.message)
      if (Array.isArray(v) && v.length > 15 && v.every(n => Number.isInteger(n) && n >= 0 && n < 256))
        bytes.push(hex(v as number[]))
      if (v instanceof Map || v instanceof Set) return [...v].forEach(walk)
      for (const [key, inner] of Object.entries(v)) {
        texts.push(key)
        walk(inner)
      }
    }
    walk(value)
    const entry = { where, what, texts, bytes }
    if (inWorker) channel.postMessage(entry)
    else kept.push(entry)
  }

  const suffix = inWorker ? ' of the worker' : ''
  for (const name of ['put', 'add'] as const) {
    const original = IDBObjectStore.prototype[name]
    IDBObjectStore.prototype[name] = function (this: IDBObjectStore, ...args: Parameters<typeof original>) {
      write(`indexeddb${suffix}`, this.name, args)
      return original.apply(this, args)
    }
  }
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const original = console[level].bind(console)
    console[level] = (...args: unknown[]) => {
      write(`console${suffix}`, level, args)
      original(...args)
    }
  }
  if (inWorker) return

  const setItem = Storage.prototype.setItem
  Storage.prototype.setItem = function (key: string, value: string) {
    write('storage', key, value)
    setItem.call(this, key, value)
  }
  const calls = new Map<unknown, string>()
  const post = Worker.prototype.postMessage as (this: Worker, message: unknown, ...rest: unknown[]) => void
  Worker.prototype.postMessage = function (
    this: Worker,
    message: { id?: unknown; method?: string },
    ...rest: unknown[]
  ) {
    const method = message.method ?? ''
    if (method !== '') calls.set(message.id, method)
    write('to worker', method, message)
    post.call(this, message, ...rest)
  } as typeof Worker.prototype.postMessage
  globalThis.Worker = new Proxy(globalThis.Worker, {
    construct(target, args: ConstructorParameters<typeof Worker>) {
      const worker = new target(...args)
      worker.addEventListener('message', (event: MessageEvent<{ id?: unknown }>) =>
        write('from worker', calls.get(event.data.id) ?? '', event.data),
      )
      return worker
    },
  })
}

/** Puts the recorder into every page of a browser, and before the code of its key worker. */
export async function record(context: BrowserContext) {
  // the transpiler names inner functions by a helper that the browser does not have
  const source = (inWorker: boolean) => `(() => { const __name = f => f; (${observe.toString()})(${inWorker}) })();`
  await context.addInitScript({ content: source(false) })
  await context.route(/\/_nuxt\/worker-[^/]+\.js$/, async route => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `${source(true)}\n${await response.text()}` })
  })
}

/** What was written down since the page was loaded. */
export function recorded(member: Member): Promise<Recorded[]> {
  return member.page.evaluate(() => (globalThis as unknown as { e2eRecorded: Recorded[] }).e2eRecorded)
}
