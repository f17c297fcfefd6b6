import { expect, test } from './support/test'
import { expectUntouched, OUTSIDE } from './support/circle'

test('the proposer cancels before all have approved; an approval is withdrawn: nothing is sent, the coins are free', async ({
  stack,
  circle,
}) => {
  const { everybody, wallet, addresses } = await circle('three', { coins: [65_000] })
  const [anna, ben, cleo] = everybody

  await test.step('cancelled by who proposed it', async () => {
    await anna.propose({ to: OUTSIDE, sats: 30_000 })
    await ben.openRequest()
    await ben.approve()
    await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')
    await anna.button('Cancel proposal').click()
    await expect(anna.status).toContainText('Cancelled')
    await expect(ben.status).toContainText('Anna cancelled the proposal. Nothing has been sent and the coins are free.')
    await expect(cleo.link('Review request')).toHaveCount(0)
  })

  await test.step('withdrawn by who had approved it', async () => {
    await anna.openWallet(wallet)
    await anna.propose({ to: OUTSIDE, sats: 20_000 })
    await ben.openRequest()
    await ben.approve()
    await ben.button('Withdraw my approval').click()
    for (const member of [anna, ben]) await expect(member.status).toContainText('Approval withdrawn')
    await expect(cleo.link('Review request')).toHaveCount(0)
  })

  for (const member of everybody) {
    await member.openWallet(wallet)
    await member.expectBalance(65_000)
  }
  await expectUntouched(stack, addresses, [65_000])
})
