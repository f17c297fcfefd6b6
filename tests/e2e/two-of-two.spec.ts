import { expect, test } from './support/test'
import { expectPaid, fund, makeWallet, OUTSIDE } from './support/circle'

test('two of two spend together, and the coins move on the chain', async ({ stack, launch }) => {
  const [anna, ben] = await Promise.all([launch('Anna'), launch('Ben')])
  for (const member of [anna, ben]) await member.createProfile()
  await makeWallet('Boat', [anna, ben])
  const [address = ''] = await fund(stack, 'Boat', [anna, ben], [100_000])

  const wish = { to: OUTSIDE, sats: 60_000, feeRate: 2, note: 'new sails' }
  await anna.propose(wish)
  await ben.openRequest()
  await expect(ben.main).toContainText('new sails')
  expect(await ben.spendCode()).toBe(await anna.spendCode())
  await ben.approve()

  const tx = await expectPaid(stack, [anna, ben], wish)
  expect(await stack.utxos(address)).toEqual([])
  const rest = 100_000 - 60_000 - tx.fee
  for (const member of [anna, ben]) {
    await member.openWallet('Boat')
    await member.expectBalance(rest)
  }
})
