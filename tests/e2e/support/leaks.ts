import { expect } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import type { Member } from './member'
import { observePeers } from './webrtc'

/** What a page holds of the browser at one moment; `peers` are the states of the connections that are not closed. */
interface Held { readonly peers: readonly string[]; readonly sockets: number; readonly timers: number }

/** Keeps every RTCPeerConnection and WebSocket of the pages and counts timers that have not fired, so that leaks can be seen from outside. */
export async function observeNetwork(context: BrowserContext) {
  await observePeers(context)
  await context.addInitScript(() => {
    const sockets: WebSocket[] = []
    const timers = new Set<unknown>()
    Object.assign(window, { keptSockets: sockets, keptTimers: timers })
    window.WebSocket = new Proxy(window.WebSocket, {
      construct(target, args: [string, string[]?]) {
        const socket = new target(...args)
        sockets.push(socket)
        return socket
      },
    })
    const { setTimeout: set, clearTimeout: clear } = window
    const wrapped = (work: TimerHandler, ms?: number, ...args: unknown[]) => {
      const id = set(() => {
        timers.delete(id)
        if (typeof work === 'function') (work as (...a: unknown[]) => void)(...args)
      }, ms)
      timers.add(id)
      return id
    }
    window.setTimeout = wrapped as typeof window.setTimeout
    window.clearTimeout = (id) => {
      timers.delete(id)
      clear(id)
    }
  })
}

function held(member: Member): Promise<Held> {
  return member.page.evaluate(() => {
    const { keptPeers, keptSockets, keptTimers } = window as unknown as { keptPeers: RTCPeerConnection[]; keptSockets: WebSocket[]; keptTimers: Set<unknown> }
    return {
      peers: keptPeers.map(p => p.connectionState).filter(state => state !== 'closed').sort(),
      sockets: keptSockets.filter(s => s.readyState <= WebSocket.OPEN).length,
      timers: keptTimers.size,
    }
  })
}

/** In the end one WebRTC connection to each other member and one WebSocket to each relay: what failed on the way left nothing. */
export async function expectLean(member: Member, others: number, relays: number) {
  await expect.poll(async () => {
    const { peers, sockets } = await held(member)
    return { peers, sockets }
  }, { message: `${member.name} holds one connection to each`, timeout: 60_000 }).toEqual({ peers: Array.from({ length: others }, () => 'connected'), sockets: relays })
}
