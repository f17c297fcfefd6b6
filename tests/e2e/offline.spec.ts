import { expect, test } from './support/test'
import { expectPaid, expectUntouched, OUTSIDE } from './support/circle'
import { OWN_PROCESS } from './support/member'

test('a member is offline: named, nothing is proposed; he comes back and Retry goes through', async ({
  stack,
  circle,
}) => {
  const { everybody, wallet, addresses } = await circle('three', {
    coins: [90_000],
    browser: i => (i === 1 ? OWN_PROCESS : undefined),
  })
  const [anna, ben, cleo] = everybody

  await ben.quit()
  const wish = { to: OUTSIDE, sats: 50_000 }
  await anna.review(wish)
  await anna.button('Propose').click()
  await expect(anna.participant('Ben')).toContainText(
    'Ben’s browser is not online. Ask Ben to open the wallet, then retry.',
    { timeout: 40_000 },
  )
  await expect(anna.participant('Cleo')).toContainText('connected')
  await expect(anna.main).toContainText('Nothing was proposed and nothing has been sent. Your coins are free')

  // a message to Cleo after the gate would overtake nothing: she is linked, and shows no request
  await expect(cleo.link('Review request')).toHaveCount(0)
  await expect(cleo.page.getByRole('region', { name: 'Proposals' })).toHaveCount(0)
  await cleo.expectBalance(90_000)
  await expectUntouched(stack, addresses, [90_000])

  await ben.start()
  await ben.unlock()
  await ben.openWallet(wallet)
  await expect(ben.memberRow('Anna')).toContainText('connected')
  await anna.button('Retry').click()
  await expect(anna.status).toContainText('Waiting for approvals')
  for (const cosigner of [ben, cleo]) {
    await cosigner.openRequest()
    await cosigner.approve()
  }
  await expectPaid(stack, everybody, wish)
})
