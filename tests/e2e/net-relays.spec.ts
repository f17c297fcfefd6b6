import { expectPaid, OUTSIDE } from './support/circle'
import { circle, netTest as test } from './support/net-test'
import { leftToLong } from './support/long'
import type { Member } from './support/member'

test.use({ netOptions: { relays: 2 } })

const left = leftToLong('a dead relay in the configuration: run by npm run test:long')

const wish = { to: OUTSIDE, sats: 20_000 }

test('one dead relay in the configuration at start-up harms nothing', async ({ net, launch }) => {
  test.skip(left, 'run by npm run test:long')
  await net.relay(0).kill()
  const { everybody } = await circle(net, launch, 'Boat', ['Anna', 'Ben'], [90_000])
  const [anna, ben] = everybody as [Member, Member]
  await anna.propose(wish)
  await ben.openRequest()
  await ben.approve()
  await expectPaid(net, everybody, wish)
  for (const member of everybody) await member.expectReachable(true)
})
