import { expect, test } from './support/test'
import { expectUntouched, fund, makeWallet } from './support/circle'

test('a wrong password opens nothing and loses nothing', async ({ stack, launch }) => {
  const [anna, ben] = await Promise.all([launch('Anna'), launch('Ben')])
  for (const member of [anna, ben]) await member.createProfile()
  await makeWallet('Atelier', [anna, ben])
  const addresses = await fund(stack, 'Atelier', [anna, ben], [55_000])

  await anna.lock()
  await anna.unlock('correct horse batterz')
  await expect(anna.main).toContainText('This password does not open the profile. Try again; nothing is lost.')
  await anna.page.goto(`${anna.app}/#/settings`)
  await expect(anna.button('Unlock'), 'locked is locked on every page').toBeVisible()

  await anna.unlock()
  await anna.openWallet('Atelier')
  await anna.expectBalance(55_000)
  await expectUntouched(stack, addresses, [55_000])
})
