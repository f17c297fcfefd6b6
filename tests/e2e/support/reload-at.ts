import type { BrowserContext } from '@playwright/test'
import type { Member } from './member'

/** A call of the app to its key worker, before it is made or when its answer comes. */
export type Moment = readonly ['call' | 'answer', 'approve' | 'makeNonces' | 'aggregateNonces' | 'makePartials' | 'aggregatePartials' | 'finalize']

const KEY = 'e2e-reload-at'

/** Lets a page be reloaded at an exact moment of signing, which takes milliseconds: nothing of the app runs after it. */
export async function reloadable(context: BrowserContext) {
  await context.addInitScript((key) => {
    if (sessionStorage.getItem(key) === 'going') sessionStorage.setItem(key, 'back')
    let going = false
    const due = (when: string, method: unknown) => sessionStorage.getItem(key) === `${when} ${String(method)}`
    const go = () => {
      going = true
      sessionStorage.setItem(key, 'going')
      location.reload()
    }
    const post = Worker.prototype.postMessage
    const methods = new WeakMap<Worker, Map<unknown, unknown>>()
    Worker.prototype.postMessage = function (this: Worker, message: { id?: unknown; method?: unknown }, ...rest: unknown[]) {
      let known = methods.get(this)
      if (known === undefined) {
        known = new Map()
        methods.set(this, known)
        const names = known
        this.addEventListener('message', (event: MessageEvent<{ id?: unknown }>) => {
          if (due('answer', names.get(event.data.id))) go()
          // until the page is gone nothing goes on as if nothing had happened
          if (going) event.stopImmediatePropagation()
        })
      }
      known.set(message.id, message.method)
      if (due('call', message.method)) go()
      if (!going) (post as (...args: unknown[]) => void).call(this, message, ...rest)
    } as typeof post
  }, KEY)
}

/** From now on: at this moment the member's page is reloaded, once. */
export async function reloadAt(member: Member, [when, method]: Moment) {
  await member.page.evaluate(([key, value]) => sessionStorage.setItem(key, value), [KEY, `${when} ${method}`] as const)
}

/** Resolves when it has been, and unlocks. */
export async function comeBack(member: Member) {
  await member.page.waitForFunction(key => sessionStorage.getItem(key) === 'back', KEY)
  await member.page.evaluate(key => sessionStorage.removeItem(key), KEY)
  await member.unlock()
}
