import { expect, test } from '@playwright/test'
import { fund, makeWallet, OUTSIDE } from '../e2e/support/circle'
import { Member } from '../e2e/support/member'
import { Stack } from '../e2e/support/stack'
import { DEADLINE_MS, report, summarize } from './result'
import { firstAt, now, observe, sightings, signTraffic } from './observe'

const RUNS = Number(process.env.TANDEM_BENCH_RUNS ?? '20')
const WARM_UP = 1
/** milliseconds for one run, filling in the form and the block after it included */
const RUN_MS = 60_000
const NAMES = ['Anna', 'Ben', 'Cleo']

/** Both coins are needed for a payment, the change is the first coin of the next run, and it shrinks slowly: sats */
const COIN = 800_000
const FIRST_CHANGE = 700_000
const PAID = COIN + 500

/** What one run gives; undefined: it did not come to that within its deadline. */
interface Run {
  gate?: number
  visible?: number
  txid?: number
  traffic?: { bytes: number; messages: number }[]
  retries: { gate: number; signing: number }
}

let stack: Stack
test.beforeAll(async () => {
  stack = await Stack.start()
})
test.afterAll(async () => {
  await stack?.stop()
})

for (const n of [2, 3]) {
  test(`a spend of ${n} members, ${RUNS} runs`, async () => {
    test.setTimeout(120_000 + (RUNS + WARM_UP) * (RUN_MS + 2 * DEADLINE_MS))
    const everybody: Member[] = []
    const done: Run[] = []
    try {
      for (const name of NAMES.slice(0, n)) everybody.push(await Member.launch(name, stack.app, { observe }))
      for (const member of everybody) await member.createProfile()
      await makeWallet('House', everybody)
      const [address = ''] = await fund(stack, 'House', everybody, [FIRST_CHANGE, COIN])
      for (let i = -WARM_UP; i < RUNS; i++) {
        const run = await spendOnce(everybody)
        if (i >= 0) done.push(run)
        // without its end nothing can follow on the same coins
        if (run.traffic === undefined) {
          process.stderr.write(
            `bench: run ${i + 1} of ${n} members did not end; gate ${run.gate ?? 'failed'}, request ${run.visible ?? 'failed'}, txid ${run.txid ?? 'failed'}\n`,
          )
          for (const member of everybody)
            process.stderr.write(
              `--- ${member.name}\n${(await member.main.innerText().catch(() => '')).replace(/\n+/g, '\n')}\n[console] ${member.console.slice(-10).join('\n')}\n`,
            )
          break
        }
        await refill(everybody, address)
      }
    } finally {
      for (const member of everybody) await member.wipe()
      report(figures(n, done))
    }
  })
}

/** One payment of two coins: the first proposes, everybody else approves, one after the other. */
async function spendOnce(everybody: readonly Member[]): Promise<Run> {
  const [proposer, ...cosigners] = everybody as [Member, ...Member[]]
  const run: Run = { retries: { gate: 0, signing: 0 } }
  await proposer.review({ to: OUTSIDE, sats: PAID, feeRate: 2 })
  await expect(proposer.page.getByRole('region', { name: 'Review' })).toContainText('Change')
  const before = await Promise.all(everybody.map(member => signTraffic(member.page)))
  const start = now()
  const opened = Promise.all(
    cosigners.map(member => member.link('Review request').waitFor({ timeout: 2 * DEADLINE_MS })),
  )
  opened.catch(() => undefined)

  await proposer.button('Propose').click()
  if (!(await throughGate(proposer, run, start))) return run
  const proposed = await sightings(proposer.page, start)
  const clicked = firstAt(proposed, 'click:Propose') ?? start
  if (run.retries.gate === 0) run.gate = since(clicked, firstAt(proposed, 'status:Waiting for approvals'))

  if (!(await reached(opened))) return run
  const path = new URL(proposer.page.url()).hash
  const seen = await Promise.all(
    cosigners.map(async member => firstAt(await sightings(member.page, start), `request:${path}`)),
  )
  // the last screen on which it came to stand; with a gate that had to be retried the wait was a person's
  if (run.retries.gate === 0 && seen.every(at => at !== undefined)) run.visible = since(clicked, Math.max(...seen))

  for (const member of cosigners) await member.openRequest()
  for (const member of cosigners.slice(0, -1)) {
    await member.approve()
    if (!(await reached(member.button('Approve').waitFor({ state: 'detached', timeout: DEADLINE_MS })))) return run
  }
  const last = cosigners.at(-1) as Member
  const waiting = new Set(await mempool())
  const stop = new AbortController()
  const answered = untilAnswered(waiting, stop.signal)
  await last.approve()
  const at = await answered
  stop.abort()
  run.txid = since(firstAt(await sightings(last.page, start), 'click:Approve'), at)

  if (
    !(await reached(
      Promise.all(
        everybody.map(member =>
          member.status.filter({ hasText: 'Sent, waiting for a block' }).waitFor({ timeout: DEADLINE_MS }),
        ),
      ),
    ))
  )
    return run
  const after = await Promise.all(everybody.map(member => signTraffic(member.page)))
  run.traffic = after.map((sum, i) => ({
    bytes: sum.bytes - (before[i]?.bytes ?? 0),
    messages: sum.messages - (before[i]?.messages ?? 0),
  }))
  const notices = await Promise.all(everybody.map(member => sightings(member.page, start)))
  run.retries.signing = Math.max(
    ...notices.map(list => list.filter(entry => entry.key === 'notice:The last attempt did not work').length),
  )
  return run
}

/** True once the proposal stands; a failed gate is tried once more by its Retry. */
async function throughGate(proposer: Member, run: Run, start: number): Promise<boolean> {
  const stands = proposer.status.filter({ hasText: 'Waiting for approvals' })
  const failed = proposer.page.getByRole('heading', { name: 'Not everyone is here' })
  await stands
    .or(failed)
    .first()
    .waitFor({ timeout: 2 * DEADLINE_MS })
  if (await stands.isVisible()) return true
  process.stderr.write(
    `bench: a gate failed after ${Math.round(now() - start)} ms: ${(await proposer.main.innerText()).replace(/\n+/g, ' / ')}\n`,
  )
  run.retries.gate++
  await proposer.button('Retry').first().click()
  return reached(stands.waitFor({ timeout: 2 * DEADLINE_MS }))
}

/** A block with the payment and the next coin; ends when everybody sees both, at the wallet page. */
async function refill(everybody: readonly Member[], address: string): Promise<void> {
  await stack.faucet(address, COIN)
  for (const member of everybody) await expect(member.status).toContainText('Paid')
  const balances: number[] = []
  for (const member of everybody) {
    await member.openWallet('House')
    await expect
      .poll(() => member.balance(), { message: `${member.name} sees change and new coin` })
      .toBeGreaterThan(COIN)
    balances.push(await member.balance())
  }
  expect(new Set(balances).size, 'everybody sees the same balance').toBe(1)
}

const mempool = async (): Promise<string[]> => (await stack.chain<string[]>('/mempool/txids')) ?? []

/** When the chain server first answered for a transaction that it did not have before; undefined after the deadline. */
async function untilAnswered(before: ReadonlySet<string>, signal: AbortSignal): Promise<number | undefined> {
  const end = now() + DEADLINE_MS
  while (now() < end && !signal.aborted) {
    const txid = (await mempool()).find(id => !before.has(id))
    if (txid !== undefined && (await stack.chain(`/tx/${txid}`)) !== undefined) return now()
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return undefined
}

const since = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : to - from
const reached = (wait: Promise<unknown>): Promise<boolean> =>
  wait.then(
    () => true,
    () => false,
  )

function figures(n: number, done: readonly Run[]) {
  // a run that was never made because an earlier one did not end is a failure too
  const all = Array.from({ length: RUNS }, (_, i): Run | undefined => done[i])
  const retries = (kind: 'gate' | 'signing') => done.reduce((sum, run) => sum + run.retries[kind], 0)
  const timed = (name: string, key: 'gate' | 'visible' | 'txid', kind: 'gate' | 'signing') =>
    summarize(
      name,
      { n, inputs: 2 },
      'ms',
      all.map(run => run?.[key]),
      { deadline: DEADLINE_MS, retries: retries(kind) },
    )
  const counted = (what: 'bytes' | 'messages') =>
    (
      [
        ['proposer', (t: readonly number[]) => t[0]],
        ['cosigner', (t: readonly number[]) => Math.max(...t.slice(1))],
      ] as const
    ).map(([member, pick]) =>
      summarize(
        `session_${what}`,
        { n, inputs: 2, member },
        what === 'bytes' ? 'B' : 'messages',
        all.map(run => run?.traffic && pick(run.traffic.map(t => t[what]))),
        { retries: retries('signing') },
      ),
    )
  return [
    timed('gate', 'gate', 'gate'),
    timed('request_visible', 'visible', 'gate'),
    timed('approve_to_txid', 'txid', 'signing'),
    ...counted('bytes'),
    ...counted('messages'),
  ]
}
