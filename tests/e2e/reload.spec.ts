import { expect, test } from './support/test'
import { expectPaid, OUTSIDE } from './support/circle'

test('a co-signer reloads between his vote and the signature: no second approval is asked', async ({
  stack,
  circle,
}) => {
  const { everybody } = await circle('three', { coins: [90_000] })
  const [anna, ben, cleo] = everybody

  const wish = { to: OUTSIDE, sats: 40_000 }
  await anna.propose(wish)
  await ben.openRequest()
  await ben.approve()
  await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')

  await ben.page.reload()
  await ben.unlock()
  // the way back to the request is kept
  await expect(ben.status).toContainText('Waiting for Cleo.')
  await expect(ben.button('Approve')).toHaveCount(0)

  await cleo.openRequest()
  await cleo.approve()
  await expectPaid(stack, everybody, wish)
  await expect(ben.button('Approve')).toHaveCount(0)
})
