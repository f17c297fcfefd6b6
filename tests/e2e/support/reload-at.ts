import type { BrowserContext } from '@playwright/test'
import type { Member } from './member'

/** A call of the app to its key worker, before it is made or when its answer comes. */
export type Moment = readonly [
  'call' | 'answer',
  'approve' | 'makeNonces' | 'aggregateNonces' | 'makePartials' | 'aggregatePartials' | 'finalize',
]

const KEY = 'e2e-reload-at'

/**
 * Lets a page be reloaded at an exact moment of signing, which takes milliseconds: nothing of the app runs after it. Or
 * be put aside.
 */
export async function reloadable(context: BrowserContext) {
  await context.addInitScript(key => {
    if (sessionStorage.getItem(key) === 'going') sessionStorage.setItem(key, 'back')
    let going = false
    const due = (when: string, method: unknown) => sessionStorage.getItem(key) === `${when} ${String(method)}`
    const go = () => {
      going = true
      sessionStorage.setItem(key, 'going')
      location.reload()
    }
    window.Worker = new Proxy(window.Worker, {
      construct(target, args: [string | URL, WorkerOptions?]) {
        const worker = new target(...args)
        const methods = new Map<unknown, unknown>()
        // before any listener of the app: what it is not to hear any more it does not hear
        worker.addEventListener('message', (event: MessageEvent<{ id?: unknown }>) => {
          const method = methods.get(event.data.id)
          if (due('answer', method)) go()
          if (due('hide at answer', method)) {
            sessionStorage.removeItem(key)
            dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
          }
          if (going) event.stopImmediatePropagation()
        })
        const post = worker.postMessage.bind(worker) as (...args: unknown[]) => void
        worker.postMessage = (message: { id?: unknown; method?: unknown }, ...rest: unknown[]) => {
          methods.set(message.id, message.method)
          const count = `${key} ${String(message.method)}`
          sessionStorage.setItem(count, String(Number(sessionStorage.getItem(count) ?? 0) + 1))
          if (due('call', message.method)) go()
          if (!going) post(message, ...rest)
        }
        return worker
      },
    })
  }, KEY)
}

/** From now on: at this moment the member's page is reloaded, once. */
export async function reloadAt(member: Member, [when, method]: Moment) {
  await member.page.evaluate(([key, value]) => sessionStorage.setItem(key, value), [KEY, `${when} ${method}`] as const)
}

/**
 * From now on: when the worker answers this call, the browser puts the page aside, as it does for "back and forward",
 * and shows it again at once.
 */
export async function hideAt(member: Member, method: Moment[1]) {
  await member.page.evaluate(([key, value]) => sessionStorage.setItem(key, value), [
    KEY,
    `hide at answer ${method}`,
  ] as const)
}

/** How often the page has asked its worker for this. */
export async function callsOf(member: Member, method: Moment[1]): Promise<number> {
  return member.page.evaluate(count => Number(sessionStorage.getItem(count) ?? 0), `${KEY} ${method}`)
}

/** Resolves when it has been; the profile is locked. */
export async function stopped(member: Member) {
  await member.page.waitForFunction(key => sessionStorage.getItem(key) === 'back', KEY)
  await member.page.evaluate(key => sessionStorage.removeItem(key), KEY)
}

/** The same, and unlocks. */
export async function comeBack(member: Member) {
  await stopped(member)
  await member.unlock()
}
