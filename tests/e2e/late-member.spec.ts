import { expect, test } from './support/test'
import { expectPaid, OUTSIDE } from './support/circle'
import { OWN_PROCESS } from './support/member'

test('a proposal reaches a member who opens his tab later, without anybody clicking, and is paid', async ({
  stack,
  circle,
}) => {
  const { everybody } = await circle('three', { coins: [90_000], browser: i => (i === 2 ? OWN_PROCESS : undefined) })
  const [anna, ben, cleo] = everybody

  await cleo.quit()
  const wish = { to: OUTSIDE, sats: 50_000, note: 'new roof' }
  await anna.review(wish)
  await anna.button('Propose').click()
  await expect(anna.participant('Cleo')).toContainText('Cleo’s browser is not online', { timeout: 40_000 })
  await expect(anna.participant('Ben')).toContainText('connected')
  await anna.button('Propose to those who are here').click()
  await expect(anna.status).toContainText('Waiting for approvals')
  await ben.openRequest()
  await ben.approve()
  await expect(anna.status).toContainText('Waiting for Cleo')

  // nobody touches Anna's or Ben's screen from here on
  await cleo.start()
  await cleo.unlock()
  await cleo.openRequest()
  await expect(cleo.main).toContainText('new roof')
  expect(await cleo.spendCode()).toBe(await anna.spendCode())
  await expect(anna.participant('Cleo')).toContainText('connected')
  await cleo.approve()
  await expectPaid(stack, everybody, wish)
})
