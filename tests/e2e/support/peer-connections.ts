import type { BrowserContext, Page } from '@playwright/test'

/** One RTCPeerConnection that a page made, as the browser's own protocol saw it. */
export interface MadePeer {
  readonly policy: string
  readonly servers: number
  /** kinds of the candidates that it gathered */
  readonly candidates: readonly string[]
}

/**
 * Counts what a page makes of WebRTC from outside of it: a binding of the browser's protocol is called at every
 * construction, before any script of the page has run, in every document. The page cannot tell and is not changed but
 * for that call.
 */
export async function observeMadePeers(context: BrowserContext): Promise<() => readonly MadePeer[]> {
  const made = new Map<string, { readonly policy: string; readonly servers: number; readonly candidates: string[] }>()
  let documents = 0
  const attach = async (page: Page): Promise<void> => {
    const session = await context.newCDPSession(page)
    const document = documents++
    session.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      if (name !== 'madePeer') return
      const told = JSON.parse(payload) as { id: number; policy?: string; servers?: number; candidate?: string }
      const key = `${document} ${executionContextId} ${told.id}`
      if (told.candidate === undefined)
        made.set(key, { policy: told.policy ?? 'all', servers: told.servers ?? 0, candidates: [] })
      else made.get(key)?.candidates.push(told.candidate)
    })
    await session.send('Runtime.enable')
    await session.send('Runtime.addBinding', { name: 'madePeer' })
    await session.send('Page.enable')
    await session.send('Page.addScriptToEvaluateOnNewDocument', { source: `(${watchConstruction.toString()})()` })
  }
  const pages = context.pages()
  if (pages.length === 0) throw new Error('there is no page yet, so nothing would be seen')
  for (const page of pages) await attach(page)
  return () => [...made.values()]
}

/** Runs in the page. */
function watchConstruction(): void {
  const tell = (window as unknown as { madePeer(text: string): void }).madePeer
  let n = 0
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args: [RTCConfiguration?]) {
      const peer = new target(...args)
      const id = n++
      const used = peer.getConfiguration()
      tell(JSON.stringify({ id, policy: used.iceTransportPolicy, servers: used.iceServers?.length }))
      peer.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate?.candidate) tell(JSON.stringify({ id, candidate: candidate.type }))
      })
      return peer
    },
  })
}
