import { approve, expectPaid, OUTSIDE } from './support/circle'
import { expectOver } from './support/leaks'
import { LONG, leftToLong } from './support/long'
import { expect, netTest as test } from './support/net-test'
import { HIDES, hide, isHidden } from './support/trouble'

/** milliseconds behind another tab: after two missed pings he would be shown as away */
const HIDDEN_MS = 15_000
/** in the long run beyond the 5 minutes after which a browser lets timers of a hidden page run once a minute */
const LONG_HIDDEN_MS = LONG ? 330_000 : HIDDEN_MS

leftToLong('the tab that is hidden for more than 5 minutes is run by npm run test:long, here it is hidden for 15 s')

const wish = { to: OUTSIDE, sats: 20_000 }

test('who reads something else in another tab stays connected: the others sign with the hidden tab, and a request waits there', async ({
  net,
  netCircle,
}) => {
  test.setTimeout(180_000 + LONG_HIDDEN_MS)
  const { everybody, ...made } = await netCircle('two', [200_000], i => (i === 1 ? HIDES : undefined))
  const [anna, ben] = everybody
  const there = anna.participant('Ben').getByText('connected', { exact: true })

  await test.step('he has proposed, and his tab does its part unseen', async () => {
    await ben.openWallet(made.wallet)
    await ben.propose(wish)
    const back = await hide(ben)
    await anna.openRequest()
    await anna.page.waitForTimeout(LONG_HIDDEN_MS)
    await expect(there).toBeVisible()
    await anna.approve()
    await expect(anna.status).toContainText('Sent, waiting for a block')
    expect(await isHidden(ben)).toBe(true)
    await back()
    await expectPaid(net, everybody, wish)
  })

  await test.step('he is asked meanwhile, and finds the request when he comes back', async () => {
    const back = await hide(ben)
    await anna.openWallet(made.wallet)
    await anna.propose(wish)
    await anna.page.waitForTimeout(HIDDEN_MS)
    await expect(there).toBeVisible()
    expect(await isHidden(ben)).toBe(true)
    await back()
    await ben.openWallet(made.wallet)
    await approve(ben)
    await expectPaid(net, everybody, wish)
  })
  await expectOver(everybody, { ...made, relays: 1 })
})
