import { parentPort, workerData } from 'node:worker_threads'
import { planOf, simpler, type Plan } from './plan'
import { run, type Outcome } from './world'

/**
 * What the simulation's worker is asked: seeds from `first`, every `step`, `count` of them; or one plan with its trace.
 */
export type Task =
  | {
      readonly first: number
      readonly step: number
      readonly count: number
      /** what fails is made simpler, unless false */ readonly shrink?: boolean
    }
  | { readonly plan: Plan }

export type Report =
  | { readonly type: 'run'; readonly seed: number; readonly outcome: Outcome }
  | { readonly type: 'broken'; readonly seed: number; readonly plan: Plan; readonly outcome: Outcome }
  | { readonly type: 'trace'; readonly line: string }
  | { readonly type: 'done' }

const say = (report: Report): void => parentPort?.postMessage(report)

/** The simplest plan found that breaks the same rule. */
async function shrink(plan: Plan, rule: string): Promise<Plan> {
  let smallest = plan
  for (let tries = 0; tries < 300;) {
    let found: Plan | undefined
    for (const candidate of simpler(smallest)) {
      if (tries++ >= 300) break
      if ((await run(candidate)).broken?.rule === rule) {
        found = candidate
        break
      }
    }
    if (!found) break
    smallest = found
  }
  return smallest
}

async function work(task: Task): Promise<void> {
  if ('plan' in task) {
    const outcome = await run(task.plan, line => say({ type: 'trace', line }))
    return say({ type: 'run', seed: task.plan.seed, outcome })
  }
  for (let i = 0; i < task.count; i++) {
    const seed = task.first + i * task.step
    const outcome = await run(planOf(seed))
    if (outcome.broken) {
      const plan = task.shrink === false ? planOf(seed) : await shrink(planOf(seed), outcome.broken.rule)
      say({ type: 'broken', seed, plan, outcome: task.shrink === false ? outcome : await run(plan) })
    } else say({ type: 'run', seed, outcome })
  }
}

await work(workerData as Task)
say({ type: 'done' })
