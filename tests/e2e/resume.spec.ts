import { expect, test } from './support/test'
import { expectPaid, OUTSIDE } from './support/circle'
import { LONG, leftToLong } from './support/long'
import { OWN_PROCESS } from './support/member'
import type { Member } from './support/member'
import { callsOf, comeBack, hideAt, reloadable, reloadAt, stopped, type Moment } from './support/reload-at'

const COIN = 2_000_000
const wish = { to: OUTSIDE, sats: 10_000 }

leftToLong('reloads at every moment of signing: run by npm run test:long, here at the three worst')

/**
 * Who is reloaded when; the proposer collects the others' contributions. `closed`: then all browsers are closed, and
 * opened again in the other order.
 */
type Case = readonly [name: string, proposer: Moment | undefined, cosigner: Moment | undefined, closed?: boolean]

const WORST: readonly Case[] = [
  ['the proposer, when the signatures are made and nobody has them', ['answer', 'aggregatePartials'], undefined],
  ['the co-signer, when his part is made and has not left him', undefined, ['answer', 'makePartials']],
  // the hub signs last, so it waits for that part when its own tab is closed too
  [
    "all tabs are closed, when the co-signer's part is made and has not left him",
    undefined,
    ['answer', 'makePartials'],
    true,
  ],
]
const EVERY: readonly Case[] = [
  ...(['makeNonces', 'aggregateNonces', 'makePartials', 'aggregatePartials', 'finalize'] as const).flatMap(method =>
    (['call', 'answer'] as const).map((when): Case => [
      `the proposer, at the ${when} of ${method}`,
      [when, method],
      undefined,
    ]),
  ),
  ...(['approve', 'makeNonces', 'makePartials', 'finalize'] as const).flatMap(method =>
    (['call', 'answer'] as const).map((when): Case => [
      `the co-signer, at the ${when} of ${method}`,
      undefined,
      [when, method],
    ]),
  ),
]

test('pages are reloaded in the middle of signing: it goes on by itself when they are unlocked, and nobody approves again', async ({
  stack,
  circle,
}) => {
  const cases = LONG ? [...WORST, ...EVERY] : WORST
  test.setTimeout(120_000 + cases.length * 60_000)
  const { everybody, wallet } = await circle('two', {
    coins: [COIN],
    observe: reloadable,
    browser: () => OWN_PROCESS,
  })
  const [anna, ben] = everybody
  let left = COIN
  for (const [name, proposer, cosigner, closed = false] of cases) {
    left = await test.step(name, async () => {
      await anna.openWallet(wallet)
      await anna.propose(wish)
      await ben.openRequest()
      const gone: Member[] = []
      for (const [member, moment] of [
        [anna, proposer],
        [ben, cosigner],
      ] as const) {
        if (moment === undefined) continue
        await reloadAt(member, moment)
        gone.push(member)
      }
      await ben.approve()
      await Promise.all(gone.map(closed ? stopped : comeBack))
      if (closed) await reopen(everybody, new URL(anna.page.url()).hash.slice(1))
      // a yes that the page did not live to send was no yes: it is asked for once more, and only that
      const unsent = cosigner?.[1] === 'approve'
      if (unsent) await ben.approve()
      for (const member of everybody)
        await expect(member.status).toContainText('Sent, waiting for a block', { timeout: 60_000 })
      if (!unsent) for (const member of everybody) await expect(member.button('Approve')).toHaveCount(0)
      const tx = await expectPaid(stack, everybody, wish)
      const rest = left - wish.sats - tx.fee
      for (const member of everybody) {
        await member.openWallet(wallet)
        await member.expectBalance(rest)
      }
      return rest
    })
  }

  await test.step("the co-signer's page is put aside between nonce and signature: the nonces are gone, and others are made by themselves", async () => {
    await anna.propose(wish)
    await ben.openRequest()
    const before = await callsOf(ben, 'makeNonces')
    await hideAt(ben, 'makeNonces')
    await ben.approve()
    await expectPaid(stack, everybody, wish)
    expect((await callsOf(ben, 'makeNonces')) - before).toBeGreaterThan(1)
  })
})

/** Everybody's browser is closed, and opened again one after the other, the last first. */
async function reopen(members: readonly Member[], place: string) {
  for (const member of members) await member.quit()
  for (const member of [...members].reverse()) {
    await member.start()
    await member.unlock()
    await member.go(place)
  }
}
