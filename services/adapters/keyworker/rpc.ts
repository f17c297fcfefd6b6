/**
 * Calls across the worker boundary: one message per call and one per answer, by id. Values are copied (structured
 * clone), no buffer is transferred, nothing is shared. What goes out of the worker is what the ports return, nothing
 * else.
 */
import type { Aggregator, Signer } from '../../ports/signer'
import { err } from '../../core/domain/result'

type Vault = Signer & Aggregator
type Method = Exclude<keyof Vault, 'onLocked'>

/**
 * Every method that may be called, with the way in which a failure of the worker itself shows: as a vault error, a
 * signer error, "input 0 of nobody", false, or a rejection where the answer has no room for it.
 */
const METHODS: Readonly<Record<Method, 'vault' | 'signer' | 'input' | 'false' | 'reject'>> = {
  profiles: 'reject',
  createProfile: 'vault',
  unlock: 'vault',
  lock: 'reject',
  checkWords: 'vault',
  revealWords: 'vault',
  seal: 'reject',
  open: 'vault',
  sealFile: 'reject',
  openFile: 'vault',
  newAccount: 'reject',
  ownsAccount: 'false',
  signStatement: 'signer',
  signMessage: 'signer',
  approve: 'signer',
  retract: 'reject',
  makeNonces: 'signer',
  makePartials: 'signer',
  eraseNonces: 'reject',
  openWallet: 'reject',
  deriveScripts: 'reject',
  isXCoordinate: 'false',
  aggregateNonces: 'input',
  aggregatePartials: 'input',
  finalize: 'input',
  checkEvidence: 'false',
  verifyMessage: 'false',
  verifyStatement: 'false',
}

interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}
type Answer =
  | { readonly id: number; readonly value: unknown }
  /** an exception: its name and message, which never hold a secret */
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } }
  | { readonly locked: 'user' | 'takeover' }

/** The half of MessagePort, Worker and worker scope that is used. */
export interface RpcPort {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

/**
 * Serves a vault over a port. `vault` is called by the first call that needs it; until then `early` answers what it
 * can, so that the first screen does not wait for code that it does not use.
 */
export function serveVault(
  port: RpcPort,
  vault: () => Promise<Vault>,
  early: Partial<Pick<Vault, 'profiles'>> = {},
): void {
  let made: Promise<Vault> | undefined
  const get = (): Promise<Vault> =>
    (made ??= vault()
      .then(instance => {
        instance.onLocked(locked => port.postMessage({ locked } satisfies Answer))
        return instance
      })
      .catch((error: unknown) => {
        // a chunk that could not be fetched may come the next time
        made = undefined
        throw error
      }))
  const answer = async ({ id, method, args }: Call): Promise<void> => {
    try {
      if (!Object.hasOwn(METHODS, method)) throw new TypeError('no such method')
      const source: Partial<Vault> =
        made === undefined && method === 'profiles' && early.profiles !== undefined ? early : await get()
      const call = source[method] as (...rest: readonly unknown[]) => Promise<unknown>
      port.postMessage({ id, value: await call(...args) } satisfies Answer)
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'Error', message: 'failed' }
      port.postMessage({ id, error: { name, message } } satisfies Answer)
    }
  }
  port.addEventListener('message', event => void answer(event.data as Call))
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The vault as the main thread sees it. `crashed` ends every open call, and every later one, with its typed failure.
 */
export function connectVault(port: RpcPort): { readonly vault: Vault; crashed(reason: string): void } {
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(reason: 'user' | 'takeover') => void>()
  let next = 0
  let dead: string | undefined

  port.addEventListener('message', event => {
    const data = event.data as Answer
    if ('locked' in data) {
      for (const listener of [...listeners]) listener(data.locked)
      return
    }
    const entry = waiting.get(data.id)
    waiting.delete(data.id)
    if ('error' in data) entry?.reject(Object.assign(new Error(data.error.message), { name: data.error.name }))
    else entry?.resolve(data.value)
  })

  async function call(method: Method, args: readonly unknown[]): Promise<unknown> {
    const id = next++
    try {
      return await new Promise<unknown>((resolve, reject) => {
        if (dead !== undefined) return reject(new Error(dead))
        waiting.set(id, { resolve, reject })
        port.postMessage({ id, method, args } satisfies Call)
      })
    } catch (error) {
      waiting.delete(id)
      const detail = error instanceof Error ? error.message : 'failed'
      switch (METHODS[method]) {
        case 'vault':
          return err({ code: 'storage-failed' })
        case 'signer':
          return err({ code: 'locked', detail })
        case 'input':
          return err({ member: undefined, input: 0 })
        case 'false':
          return false
        case 'reject':
          throw error
      }
    }
  }

  const proxy = Object.fromEntries(
    (Object.keys(METHODS) as Method[]).map(method => [method, (...args: readonly unknown[]) => call(method, args)]),
  )
  const onLocked: Signer['onLocked'] = listener => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }
  return {
    vault: { ...proxy, onLocked } as Vault,
    crashed(reason) {
      dead = reason
      for (const entry of [...waiting.values()]) entry.reject(new Error(reason))
      waiting.clear()
      // whatever was unlocked is gone with the worker
      for (const listener of [...listeners]) listener('user')
    },
  }
}
