import { approve, expectPaid, OUTSIDE } from './support/circle'
import { expectOver } from './support/leaks'
import { expect, netTest as test, NO_UDP } from './support/net-test'
import { leftToLong } from './support/long'

/**
 * Two relays, and members who have no other way: what the death of a relay breaks here is the session's own connection.
 */
test.use({ netOptions: { relays: 2 } })

const longTest = leftToLong('two relays that die in turn: run by npm run test:long') ? test.skip : test

const wish = { to: OUTSIDE, sats: 20_000 }

longTest(
  'two relays: whichever dies during a session, the other carries it on; both die and one comes back',
  async ({ net, netCircle }) => {
    test.setTimeout(300_000)
    const { everybody, ...made } = await netCircle('two', [200_000], () => NO_UDP)
    const [anna, ben] = everybody
    // one of the two carries the session: both die in turn, so that it is hit
    for (const [i, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      await test.step(`relay ${i + 1} dies`, async () => {
        await anna.openWallet(made.wallet)
        await anna.propose(wish)
        await expect(anna.participant('Ben')).toContainText('relay')
        await ben.openRequest()
        await net.relay(i).kill()
        await ben.approve()
        await expectPaid(net, everybody, wish)
        expect(net.relay(other).running).toBe(true)
        await net.relay(i).start()
        for (const member of everybody) await member.expectPlaces(2)
        await ben.openWallet(made.wallet)
      })
    }
    await test.step('both die, one comes back', async () => {
      await anna.openWallet(made.wallet)
      await anna.propose(wish)
      await ben.openRequest()
      await net.relay(0).kill()
      await net.relay(1).kill()
      await expect(anna.participant('Ben')).toContainText('not connected', { timeout: 40_000 })
      await ben.approve()
      await net.relay(1).start()
      await expect(anna.participant('Ben')).toContainText('relay', { timeout: 60_000 })
      await expectPaid(net, everybody, wish)
    })
    await expectOver(everybody, { ...made, relays: 1, direct: 0 })
  },
)

longTest('one dead relay in the configuration at start-up harms nothing', async ({ net, netCircle }) => {
  await net.relay(0).kill()
  const { everybody, ...made } = await netCircle('two', [90_000])
  const [anna, ben] = everybody
  await anna.propose(wish)
  await approve(ben)
  await expectPaid(net, everybody, wish)
  for (const member of everybody) await member.expectPlaces(1)
  await expectOver(everybody, { ...made, relays: 1 })
})
