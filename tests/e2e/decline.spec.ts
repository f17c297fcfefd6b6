import { expect, test } from './support/test'
import { expectUntouched, fund, makeWallet, OUTSIDE } from './support/circle'

test('one member declines: it ends for both with its reason, and the coins are free', async ({ stack, launch }) => {
  const [anna, ben] = await Promise.all([launch('Anna'), launch('Ben')])
  for (const member of [anna, ben]) await member.createProfile()
  await makeWallet('Garden', [anna, ben])
  const addresses = await fund(stack, 'Garden', [anna, ben], [80_000])

  await anna.propose({ to: OUTSIDE, sats: 30_000, note: 'a fountain' })
  await ben.openRequest()
  await ben.decline()

  for (const [member, who] of [
    [anna, 'Ben'],
    [ben, 'You'],
  ] as const) {
    await expect(member.status).toContainText('Declined')
    await expect(member.status).toContainText(`${who} declined. Nothing has been sent and the coins are free.`)
    await expect(member.button('Approve')).toHaveCount(0)
    await member.openWallet('Garden')
    await member.expectBalance(80_000)
    await expect(member.page.getByRole('region', { name: 'History' })).toContainText('Declined')
  }
  await expectUntouched(stack, addresses, [80_000])
})
