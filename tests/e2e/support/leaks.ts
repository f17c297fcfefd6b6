import { expect } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import type { Member } from './member'
import { observePeers, noWebrtc } from './webrtc'

/** What a page holds of the browser at one moment. */
export interface Held {
  /** states of the connections that are not closed */
  readonly peers: readonly string[]
  readonly sockets: number
  /** timers that have not fired, and intervals, by their milliseconds */
  readonly timers: readonly string[]
  /** listeners on `window` and `document`, by what they listen to */
  readonly listeners: readonly string[]
}

/**
 * Keeps every RTCPeerConnection and WebSocket of the pages, their timers, and the listeners on `window` and `document`,
 * so that leaks can be seen from outside.
 */
export async function observeNetwork(context: BrowserContext) {
  await observePeers(context)
  await context.addInitScript(watchPage)
}

interface Watched {
  readonly keptPeers: readonly RTCPeerConnection[]
  readonly keptSockets: readonly WebSocket[]
  readonly keptTimers: ReadonlyMap<number, string>
  readonly keptListeners: ReadonlySet<{ readonly name: string }>
}

/** Runs in the page, before any script of its own. */
function watchPage(): void {
  const keptSockets: WebSocket[] = []
  const keptTimers = new Map<number, string>()
  const keptListeners = new Set<{ readonly name: string; readonly call: unknown; readonly capture: boolean }>()
  Object.assign(window, { keptSockets, keptTimers, keptListeners })

  window.WebSocket = new Proxy(window.WebSocket, {
    construct(target, args: [string, string[]?]) {
      const socket = new target(...args)
      keptSockets.push(socket)
      return socket
    },
  })

  const { setTimeout: later, clearTimeout: clear, setInterval: often, clearInterval: stop } = window
  window.setTimeout = ((work: TimerHandler, ms?: number, ...args: unknown[]) => {
    const id = later(() => {
      keptTimers.delete(id)
      if (typeof work === 'function') (work as (...a: unknown[]) => void)(...args)
    }, ms)
    keptTimers.set(id, `after ${ms ?? 0} ms`)
    return id
  }) as typeof window.setTimeout
  window.setInterval = ((work: TimerHandler, ms?: number, ...args: unknown[]) => {
    const id = often(work, ms, ...args)
    keptTimers.set(id, `every ${ms ?? 0} ms`)
    return id
  }) as typeof window.setInterval
  // either ends both, as in every browser
  for (const [name, end] of [
    ['clearTimeout', clear],
    ['clearInterval', stop],
  ] as const) {
    window[name] = id => {
      if (typeof id === 'number') keptTimers.delete(id)
      end(id)
    }
  }

  for (const target of [window, document] as readonly EventTarget[]) {
    const { addEventListener: add, removeEventListener: remove } = target
    const captures = (options?: boolean | AddEventListenerOptions): boolean =>
      typeof options === 'object' ? options.capture === true : options === true
    const nameOf = (type: string): string => `${target === window ? 'window' : 'document'} ${type}`
    const find = (type: string, call: unknown, capture: boolean) =>
      [...keptListeners].find(kept => kept.name === nameOf(type) && kept.call === call && kept.capture === capture)
    target.addEventListener = (
      type: string,
      call: EventListenerOrEventListenerObject | null,
      options?: boolean | AddEventListenerOptions,
    ) => {
      const capture = captures(options)
      // Playwright puts its own listeners into the page, from no script of the site
      const ours = (new Error().stack ?? '').includes(location.origin)
      if (ours && call !== null && find(type, call, capture) === undefined) {
        const kept = { name: nameOf(type), call, capture }
        keptListeners.add(kept)
        const forget = () => {
          keptListeners.delete(kept)
        }
        if (typeof options === 'object') {
          if (options.once === true) add.call(target, type, forget, { once: true, capture })
          options.signal?.addEventListener('abort', forget, { once: true })
        }
      }
      add.call(target, type, call, options)
    }
    target.removeEventListener = (
      type: string,
      call: EventListenerOrEventListenerObject | null,
      options?: boolean | EventListenerOptions,
    ) => {
      const kept = find(type, call, captures(options))
      if (kept !== undefined) keptListeners.delete(kept)
      remove.call(target, type, call, options)
    }
  }
}

/** What the page holds now. */
export function held(member: Member): Promise<Held> {
  return member.page.evaluate(() => {
    const { keptPeers, keptSockets, keptTimers, keptListeners } = window as unknown as Watched
    return {
      peers: keptPeers
        .map(p => p.connectionState)
        .filter(state => state !== 'closed')
        .sort(),
      sockets: keptSockets.filter(s => s.readyState <= WebSocket.OPEN).length,
      timers: [...keptTimers.values()].sort(),
      listeners: [...keptListeners].map(l => l.name).sort(),
    }
  })
}

/** Those of `now` that were not there before, each as often as it came. */
function added(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before]
  return now.filter(item => {
    const known = rest.indexOf(item)
    if (known >= 0) rest.splice(known, 1)
    return known < 0
  })
}

/**
 * One WebRTC connection to each of `others` members and one WebSocket to each relay: what failed on the way left
 * nothing.
 */
export async function expectLean(member: Member, others: number, relays: number) {
  await expect
    .poll(
      async () => {
        const { peers, sockets } = await held(member)
        return { peers, sockets }
      },
      { message: `${member.name} holds one connection to each`, timeout: 60_000 },
    )
    .toEqual({ peers: Array.from({ length: others }, () => 'connected'), sockets: relays })
}

/**
 * Locks: every connection closes, every timer and listener of the open profile ends. `blank`: what the page held when
 * no profile was open.
 */
async function expectNothingLeft(member: Member, blank: Held) {
  await member.lock()
  await expect
    .poll(
      async () => {
        const { peers, sockets, timers, listeners } = await held(member)
        return { peers, sockets, timers: added(timers, blank.timers), listeners: added(listeners, blank.listeners) }
      },
      { message: `${member.name} locked: nothing is left`, timeout: 60_000 },
    )
    .toEqual({ peers: [], sockets: 0, timers: [], listeners: [] })
}

export interface Over {
  readonly wallet: string
  /** relays that run now */
  readonly relays: number
  /** WebRTC connections that each member holds; all the others by default, none where WebRTC cannot connect */
  readonly direct?: number
  readonly blank: Held
}

/**
 * The trouble is over: no coin is held for a proposal, nobody holds more connections than are needed, and nothing is
 * left after Lock.
 */
export async function expectOver(
  everybody: readonly Member[],
  { wallet, relays, direct = noWebrtc ? 0 : everybody.length - 1, blank }: Over,
) {
  for (const member of everybody) {
    await member.openWallet(wallet)
    await expect(member.main.getByText('Held for a proposal'), `${member.name} holds no coin`).toHaveCount(0)
  }
  for (const member of everybody) await expectLean(member, direct, relays)
  for (const member of everybody) await expectNothingLeft(member, blank)
}
