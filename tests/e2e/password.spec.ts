import { expect, test } from './support/test'
import { expectUntouched } from './support/circle'

test('a wrong password opens nothing and loses nothing', async ({ stack, circle }) => {
  const {
    everybody: [anna],
    wallet,
    addresses,
  } = await circle('two', { coins: [55_000] })

  await anna.lock()
  await anna.unlock('correct horse batterz')
  await expect(anna.main).toContainText('This password does not open the profile. Try again; nothing is lost.')
  await anna.page.goto(`${anna.app}/#/settings`)
  await expect(anna.button('Unlock'), 'locked is locked on every page').toBeVisible()

  await anna.unlock()
  await anna.openWallet(wallet)
  await anna.expectBalance(55_000)
  await expectUntouched(stack, addresses, [55_000])
})
