import { expect, test } from '@playwright/test'
import type { BrowserContext } from '@playwright/test'
import { fund, OUTSIDE, seat } from '../e2e/support/circle'
import { watchTasks } from '../e2e/support/main-thread'
import { Member } from '../e2e/support/member'
import { Stack } from '../e2e/support/stack'
import { ScriptedMember } from '../support/scripted-member'
import { DEADLINE_MS, report, summarize } from './result'

const RUNS = Number(process.env.TANDEM_BENCH_RUNS ?? '20')
const WARM_UP = 1
/** milliseconds of one task from which on it is a long one (Long Tasks API) */
const LONG_MS = 50
const COIN = 5_000_000
const PAID = 20_000

/** Keeps what the browser itself calls long tasks of the page, milliseconds each. */
async function observeLongTasks(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const longTasks: number[] = []
    Object.assign(window, { longTasks })
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) longTasks.push(duration)
    }).observe({ type: 'longtask', buffered: true })
  })
}
const longTasks = (member: Member): Promise<number[]> =>
  member.page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks)

/** Long tasks of one run, by the clock and by processor time. */
interface Run {
  readonly clock: number
  readonly cpu: number
}

/** One payment that the browser proposes, and one that it is asked for, each until the network has it. */
async function payBothWays(stack: Stack, anna: Member, ben: ScriptedMember): Promise<Run> {
  const walletId = ben.record('House').id
  const sent = anna.status.filter({ hasText: 'Sent, waiting for a block' })
  const paid = async () => {
    await sent.waitFor({ timeout: DEADLINE_MS })
    await stack.mine()
    await expect(anna.status).toContainText('Paid')
    await ben.wallets.refresh(walletId)
    await anna.openWallet('House')
  }
  const before = await longTasks(anna)
  const stop = await watchTasks(anna, LONG_MS)
  await anna.propose({ to: OUTSIDE, sats: PAID })
  await ben.approveWaiting('House')
  await paid()
  const asked = await ben.musig2.proposeSpend({ walletId, recipient: OUTSIDE, amountSats: BigInt(PAID), feeRate: 2 })
  if (!asked.success) throw new Error(asked.error)
  await anna.openRequest()
  await anna.approve()
  await paid()
  const tasks = await stop()
  const after = (await longTasks(anna)).slice(before.length)
  for (const task of tasks)
    process.stderr.write(`bench: a task of ${task.wall} ms, ${task.cpu} of them on the processor: ${task.what}\n`)
  return { clock: after.length, cpu: tasks.filter(task => task.cpu >= LONG_MS).length }
}

test(`long tasks of a browser that signs with a scripted member, ${RUNS} runs`, async () => {
  test.setTimeout(120_000 + (RUNS + WARM_UP) * 4 * DEADLINE_MS)
  const stack = await Stack.start()
  const anna = await Member.launch('Anna', stack.app, { observe: observeLongTasks })
  const ben = await ScriptedMember.create(stack.app, 'Ben')
  const done: Run[] = []
  try {
    await anna.createProfile()
    const link = await anna.createWallet('House', 2)
    await ben.join(link)
    await seat(anna, [], link, [ben.name])
    await anna.confirmSafety()
    await anna.saveWalletFileLater()
    await ben.confirm()
    await fund(stack, 'House', [anna], [COIN])
    for (let i = -WARM_UP; i < RUNS; i++) {
      const run = await payBothWays(stack, anna, ben)
      if (i >= 0) done.push(run)
    }
  } finally {
    await ben.close()
    await anna.wipe()
    await stack.stop()
    const all = Array.from({ length: RUNS }, (_, i): Run | undefined => done[i])
    const params = { n: 2, sessions: 2 }
    report([
      summarize(
        'long_tasks',
        params,
        'tasks',
        all.map(run => run?.clock),
        { target: 0 },
      ),
      summarize(
        'long_tasks_cpu',
        params,
        'tasks',
        all.map(run => run?.cpu),
        { target: 0 },
      ),
    ])
  }
})
