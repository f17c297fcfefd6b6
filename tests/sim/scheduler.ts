import type { Clock } from '../../services/ports/clock'
import { FIRST } from './plan'

/** One run of one device: what it has under way dies with it. */
export interface Life {
  alive: boolean
}

interface Task {
  readonly at: number
  readonly seq: number
  readonly life: Life | undefined
  readonly work: () => unknown
  /** false once it has been taken back */
  called: boolean
}

/**
 * Virtual time. Everything that happens is a task with a time; tasks are run one after the other in the order of their
 * times, and all that follows from one without waiting is over before the next begins. So a run is a function of its
 * plan.
 */
export class Scheduler {
  /** unix milliseconds */
  now = FIRST
  #seq = 0
  #heap: Task[] = []

  at(at: number, life: Life | undefined, work: () => unknown): () => void {
    const task: Task = { at: Math.max(at, this.now), seq: this.#seq++, life, work, called: true }
    push(this.#heap, task)
    return () => {
      task.called = false
    }
  }

  after(ms: number, life: Life | undefined, work: () => unknown): () => void {
    return this.at(this.now + ms, life, work)
  }

  /** The answer of `work`, which is done after `ms`; none ever when the life ends before. */
  answer<T>(ms: number, life: Life, work: () => T | Promise<T>, backMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(ms, life, async () => {
        try {
          const value = await work()
          if (backMs === 0) resolve(value)
          else this.after(backMs, life, () => resolve(value))
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  clock(life: Life): Clock {
    return { now: () => this.now, after: (ms, fn) => this.after(Math.max(0, ms), life, fn) }
  }

  /** Does the next task and what follows from it; false when there is none before `end`. */
  async next(end: number): Promise<boolean> {
    for (let task = this.#heap[0]; task !== undefined && task.at <= end; task = this.#heap[0]) {
      pop(this.#heap)
      if (task.life?.alive === false || !task.called) continue
      this.now = Math.max(this.now, task.at)
      await task.work()
      await settle()
      return true
    }
    this.now = Math.max(this.now, end)
    return false
  }

  /** All sleep: time passes and nothing is done meanwhile. */
  skip(ms: number): void {
    this.now += ms
  }
}

/**
 * All promise reactions that are due: Node begins the next tick when none is left. Nothing of a run waits for another
 * thread (quick-seal.ts).
 */
const settle = (): Promise<void> =>
  new Promise(resolve => {
    process.nextTick(resolve)
  })

const before = (a: Task, b: Task): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq)

function push(heap: Task[], task: Task): void {
  let i = heap.push(task) - 1
  for (let up = (i - 1) >> 1; i > 0 && before(task, heap[up] as Task); up = (i - 1) >> 1) {
    heap[i] = heap[up] as Task
    i = up
  }
  heap[i] = task
}

function pop(heap: Task[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let i = 0
  for (;;) {
    let down = 2 * i + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && before(heap[down + 1] as Task, heap[down] as Task)) down++
    if (!before(heap[down] as Task, last)) break
    heap[i] = heap[down] as Task
    i = down
  }
  heap[i] = last
}
