import type { BrowserContext } from '@playwright/test'
import { ScriptedMember } from '../support/scripted-member'
import { expectPaid, fund, OUTSIDE, seat } from './support/circle'
import { leftToLong, LONG } from './support/long'
import { OWN_PROCESS } from './support/member'
import { expect, test } from './support/test'
import { crash } from './support/trouble'

const wish = { to: OUTSIDE, sats: 60_000 }

leftToLong(
  'a silent hub: the 30 s after which another member takes over by itself are waited for by npm run test:long, here a person presses Try again',
)

/** A device that is there and does not do a hub's work: its key worker never gets a `begin` to sign. */
async function muteHub(context: BrowserContext) {
  await context.addInitScript(() => {
    const post = Worker.prototype.postMessage as (this: Worker, message: unknown, ...rest: unknown[]) => void
    Worker.prototype.postMessage = function (
      this: Worker,
      message: { method?: string; args?: ReadonlyArray<{ type?: string } | undefined> },
      ...rest: unknown[]
    ) {
      if (message.method === 'signMessage' && message.args?.some(arg => arg?.type === 'begin') === true)
        Object.assign(window, { e2eKeptBack: true })
      else post.call(this, message, ...rest)
    } as typeof Worker.prototype.postMessage
  })
}

test("the hub's browser dies in the middle: the screen says who is missing, and when it is back and silent another member is the hub", async ({
  stack,
  profiles,
}) => {
  let muted = false
  const [[anna, ben], cleo] = await Promise.all([
    profiles(['Anna', 'Ben'], {
      observe: async context => {
        if (muted) await muteHub(context)
      },
      browser: i => (i === 0 ? OWN_PROCESS : undefined),
    }),
    ScriptedMember.create(stack.app, 'Cleo'),
  ])
  try {
    const link = await anna.createWallet('Boat', 3)
    await cleo.join(link)
    await seat(anna, [ben], link, [cleo.name])
    await cleo.confirm()
    for (const member of [anna, ben]) {
      await member.confirmSafety()
      await member.saveWalletFileLater()
    }
    await fund(stack, 'Boat', [anna, ben], [90_000])

    await anna.propose(wish)
    const session = new URL(anna.page.url()).hash
    await cleo.approveWaiting()
    await ben.openRequest()
    await crash(anna)
    await ben.approve()
    await test.step('everybody has approved, and the one who collects is gone', async () => {
      await expect(ben.participant('Anna')).toContainText('not connected', { timeout: 40_000 })
      await expect(ben.status).toContainText('Signing goes on by itself as soon as Anna is connected.')
      await expect(ben.main).toContainText('1 of 2 connected. Not connected: Anna.')
      for (const name of ['Approve', 'Try again']) await expect(ben.button(name)).toHaveCount(0)
      await expect(ben.button('Withdraw my approval')).toBeVisible()
    })

    muted = true
    await anna.start()
    await anna.unlock()
    await anna.page.evaluate(hash => {
      location.hash = hash
    }, session)
    await expect(ben.participant('Anna')).toContainText(/(?<!not )connected/, { timeout: 40_000 })
    await anna.page.waitForFunction(() => 'e2eKeptBack' in window)
    await expect(ben.status).toContainText('Signing together')
    await expect(anna.button('Approve')).toHaveCount(0)
    if (!LONG) await ben.button('Try again').click()
    for (const member of [anna, ben])
      await expect(member.status).toContainText('Sent, waiting for a block', { timeout: 60_000 })
    await expectPaid(stack, [anna, ben], wish)
    // her own device never was the hub again: somebody else's attempt was signed by everybody
    expect(cleo.heard.filter(m => m.body.type === 'begin').map(m => m.attempt?.hub)).not.toContain(
      cleo.record().roster.findIndex(e => e.name === 'Anna'),
    )
  } finally {
    await cleo.close()
  }
})
