import type { CDPSession } from '@playwright/test'
import type { Member } from './member'

/**
 * milliseconds of its processor for which the main thread may be kept from a person by one task (the usual bound of a
 * "long task")
 */
export const LONG_TASK_MS = 50

/**
 * One task of the page's main thread, milliseconds: by the clock, and of processor time, which other programs of the
 * machine do not stretch. `what`: the longest parts of it.
 */
export interface Task {
  readonly wall: number
  readonly cpu: number
  readonly what: string
}

/** As Chromium writes it; times in microseconds. */
interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: {
    readonly name?: string
    readonly data?: {
      readonly functionName?: string
      readonly url?: string
      readonly lineNumber?: number
      readonly columnNumber?: number
    }
  }
}

/** Watches every task of the member's main thread until it is stopped, which gives those of `fromMs` and more. */
export async function watchTasks(member: Member, fromMs: number): Promise<() => Promise<Task[]>> {
  const session: CDPSession = await member.context.newCDPSession(member.page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as TraceEvent[]))
  })
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] },
  })
  return async () => {
    // who has been answered by a task may be quicker than its end, and a trace that ends before has nothing of it: the
    // page answers once more when it is over
    await member.page.evaluate(() => undefined)
    const complete = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
    await session.send('Tracing.end')
    await complete
    await session.detach()
    const mains = new Set(
      events.filter(e => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map(e => `${e.pid} ${e.tid}`),
    )
    const own = events.filter(e => e.ph === 'X' && mains.has(`${e.pid} ${e.tid}`))
    return own
      .filter(e => e.name === 'RunTask' && (e.dur ?? 0) >= fromMs * 1000)
      .map(task => {
        const inside = own
          .filter(e => e !== task && e.ts >= task.ts && e.ts < task.ts + (task.dur ?? 0))
          .sort((a, b) => (b.dur ?? 0) - (a.dur ?? 0))
        const what = inside
          .slice(0, 3)
          .map(({ name, args }) =>
            [
              name,
              args?.data?.functionName,
              args?.data?.url?.split('/').at(-1),
              args?.data?.lineNumber,
              args?.data?.columnNumber,
            ]
              .filter(part => part !== undefined)
              .join(' '),
          )
          .join(', ')
        return { wall: Math.round((task.dur ?? 0) / 1000), cpu: Math.round((task.tdur ?? task.dur ?? 0) / 1000), what }
      })
  }
}

/** Bytes of live JavaScript objects, after everything that is not used any more was collected. */
export async function heapBytes(member: Member): Promise<number> {
  const session = await member.context.newCDPSession(member.page)
  try {
    await session.send('HeapProfiler.collectGarbage')
    return (await session.send('Runtime.getHeapUsage')).usedSize
  } finally {
    await session.detach()
  }
}

/** How many records lie in each store of the profile's database. */
export function storedRecords(member: Member): Promise<Record<string, number>> {
  return member.page.evaluate(async () => {
    const counts: Record<string, number> = {}
    for (const { name = '' } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const open = indexedDB.open(name)
        open.onsuccess = () => resolve(open.result)
        open.onerror = () => reject(new Error(name))
      })
      for (const store of db.objectStoreNames) {
        const count = db.transaction(store).objectStore(store).count()
        counts[store] = await new Promise<number>(resolve => {
          count.onsuccess = () => resolve(count.result)
        })
      }
      db.close()
    }
    return counts
  })
}
