import { expect, test } from './support/test'
import { expectUntouched, OUTSIDE } from './support/circle'

test('one member declines: it ends for both with its reason, and the coins are free', async ({ stack, circle }) => {
  const { everybody, wallet, addresses } = await circle('two', { coins: [80_000] })
  const [anna, ben] = everybody

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
    await member.openWallet(wallet)
    await member.expectBalance(80_000)
    await expect(member.page.getByRole('region', { name: 'History' })).toContainText('Declined')
  }
  await expectUntouched(stack, addresses, [80_000])
})
