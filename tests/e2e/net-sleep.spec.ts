import { approve, expectPaid, expectUntouched, OUTSIDE } from './support/circle'
import { expectOver } from './support/leaks'
import { LONG, leftToLong } from './support/long'
import { OWN_PROCESS } from './support/member'
import { expect, expectReached, netTest as test } from './support/net-test'
import { crash, freeze, signal } from './support/trouble'

/**
 * milliseconds that the tab sleeps: beyond every timeout of the network; in the long run beyond the browser's own
 * throttling of 5 minutes
 */
const SLEEP_MS = LONG ? 360_000 : 60_000
/**
 * milliseconds after which loss and return of a member must be on the screen: two pings, 4 s apart, 2 s each
 * (docs/connectivity.md, "Statuses")
 */
const SHOWN_MS = 15_000

leftToLong('the tab that sleeps for 6 minutes is run by npm run test:long, here it sleeps for one')
const longTest = leftToLong(
  'a member without network and one that stands still while signing: run by npm run test:long',
)
  ? test.skip
  : test

const wish = { to: OUTSIDE, sats: 20_000 }

test('a tab is frozen for long and thawed: away is shown, then back, and the session goes on', async ({
  net,
  netCircle,
}) => {
  test.setTimeout(180_000 + SLEEP_MS)
  const { everybody, ...made } = await netCircle('two', [90_000], () => OWN_PROCESS)
  const [anna, ben] = everybody
  await anna.propose(wish)
  await ben.openRequest()

  const asleep = Date.now()
  const thaw = await freeze(ben)
  // the loss is on the screen in time; a dial that begins at once may hide the words until it has failed
  await expect(anna.participant('Ben').getByText('connected', { exact: true })).toHaveCount(0, { timeout: SHOWN_MS })
  await expect(anna.participant('Ben')).toContainText('not connected')
  await anna.page.waitForTimeout(SLEEP_MS - (Date.now() - asleep))
  await expect(anna.participant('Ben').getByText('connected', { exact: true })).toHaveCount(0)
  await thaw()
  await expect(anna.participant('Ben').getByText('connected', { exact: true })).toBeVisible({ timeout: SHOWN_MS })
  await ben.approve()
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1 })
})

longTest('the network is off and on again for one member in the middle', async ({ net, netCircle }) => {
  const { everybody, ...made } = await netCircle('two', [90_000])
  const [anna, ben] = everybody
  await anna.propose(wish)
  await ben.openRequest()
  await ben.context.setOffline(true)
  // what the browser takes away is its WebSockets and requests: the relay is lost, and found again at once on return
  await ben.expectPlaces(0)
  await ben.context.setOffline(false)
  await ben.expectPlaces(1)
  await ben.openWallet(made.wallet)
  await approve(ben)
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1 })
})

test('a member crashes during the gate and another stands still: both are named; back again, the payment goes through and nothing is left', async ({
  net,
  netCircle,
}) => {
  test.setTimeout(240_000)
  const { everybody, addresses, ...made } = await netCircle('three', [90_000], i => (i === 0 ? undefined : OWN_PROCESS))
  const [anna, ben, cleo] = everybody
  await anna.review(wish)
  signal(cleo, 'SIGSTOP')
  await anna.button('Propose').click()
  await crash(ben)
  await expect(anna.participant('Ben')).toContainText('Ben’s browser is not online', { timeout: 60_000 })
  await expect(anna.participant('Cleo')).toContainText(
    /Cleo’s browser (is not online|did not answer|could not be reached|is connected but does not answer)/,
    { timeout: 60_000 },
  )
  await expect(anna.main).toContainText('Nothing was proposed and nothing has been sent. Your coins are free')
  await expectUntouched(net, addresses, [90_000])

  signal(cleo, 'SIGCONT')
  await ben.start()
  await ben.unlock()
  await expectReached([ben], made.wallet, 'connected', everybody)
  await anna.button('Retry').first().click()
  await expect(anna.status).toContainText('Waiting for approvals', { timeout: 40_000 })
  await approve(ben, cleo)
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1 })
})

longTest(
  'a member stands still during signing, longer than an attempt lasts, and comes back: the next attempt signs',
  async ({ net, netCircle }) => {
    const { everybody, ...made } = await netCircle('three', [90_000], i => (i === 2 ? OWN_PROCESS : undefined))
    const [anna, ben, cleo] = everybody
    await anna.propose(wish)
    await approve(cleo)
    await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')
    await ben.openRequest()
    signal(cleo, 'SIGSTOP')
    await ben.approve()
    await expect(anna.status).toContainText('Signing together')
    await expect(anna.participant('Cleo')).toContainText('not connected', { timeout: 40_000 })
    signal(cleo, 'SIGCONT')
    await expectPaid(net, everybody, wish)
    await expectOver(everybody, { ...made, relays: 1 })
  },
)
