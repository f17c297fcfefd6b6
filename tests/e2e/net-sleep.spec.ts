import { expectPaid, OUTSIDE } from './support/circle'
import { expectLean } from './support/leaks'
import { leftToLong } from './support/long'
import type { Member } from './support/member'
import { circle, expect, netTest as test } from './support/net-test'
import { signal } from './support/trouble'
import { noWebrtc } from './support/webrtc'

const left = leftToLong('a member without network and one that stands still while signing: run by npm run test:long')

const wish = { to: OUTSIDE, sats: 20_000 }

test('the network is off and on again for one member in the middle', async ({ net, launch }) => {
  test.skip(left, 'run by npm run test:long')
  const { everybody } = await circle(net, launch, 'Boat', ['Anna', 'Ben'], [90_000])
  const [anna, ben] = everybody as [Member, Member]
  await anna.propose(wish)
  await ben.openRequest()
  await ben.context.setOffline(true)
  // what the browser takes away is its WebSockets and requests: the relay is lost, and found again at once on return
  await ben.expectReachable(false)
  await ben.context.setOffline(false)
  await ben.expectReachable(true)
  await ben.openWallet('Boat')
  await ben.openRequest()
  await ben.approve()
  await expectPaid(net, everybody, wish)
  if (!noWebrtc) for (const member of everybody) await expectLean(member, 1, 1)
})

test('a member stands still during signing, longer than an attempt lasts, and comes back: the next attempt signs', async ({ net, launch }) => {
  test.skip(left, 'run by npm run test:long')
  const { everybody } = await circle(net, launch, 'House', ['Anna', 'Ben', 'Cleo'], [90_000])
  const [anna, ben, cleo] = everybody as [Member, Member, Member]
  await anna.propose(wish)
  await cleo.openRequest()
  await cleo.approve()
  await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')
  await ben.openRequest()
  signal(cleo, 'SIGSTOP')
  await ben.approve()
  await expect(anna.status).toContainText('Signing together')
  await expect(anna.participant('Cleo')).toContainText('not connected', { timeout: 40_000 })
  signal(cleo, 'SIGCONT')
  await expectPaid(net, everybody, wish)
})
