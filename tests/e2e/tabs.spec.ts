import { expect, test } from './support/test'
import { expectPaid, fund, makeWallet, OUTSIDE } from './support/circle'

test('three profiles in three tabs of one browser are three members', async ({ stack, launch }) => {
  const anna = await launch('Anna')
  await anna.createProfile()
  const ben = await anna.tab('Ben')
  await ben.createProfile()
  const cleo = await anna.tab('Cleo')
  await cleo.createProfile()
  const everybody = [anna, ben, cleo]
  await makeWallet('Kitchen', everybody)
  await fund(stack, 'Kitchen', everybody, [75_000])

  const wish = { to: OUTSIDE, sats: 25_000 }
  await cleo.propose(wish)
  for (const cosigner of [anna, ben]) {
    await cosigner.openRequest()
    await cosigner.approve()
  }
  await expectPaid(stack, everybody, wish)
})

test('a profile that is open in another tab says so, and can be taken over', async ({ profiles }) => {
  const [anna] = await profiles(['Anna'])
  const again = await anna.tab('Anna again')
  await again.unlock()
  await expect(again.main).toContainText(
    'Anna is open in another tab of this browser. Taking it over locks it there; nothing is lost.',
  )
  await again.button('Take over here').click()
  await expect(again.button('New wallet')).toBeVisible()
  await expect(anna.main).toContainText(
    'This profile was opened in another tab, so it is locked here. Your coins are safe.',
  )
  await expect(anna.button('Unlock')).toBeVisible()
})

test('Lock shows the profiles as they are now, those of other tabs too', async ({ profiles }) => {
  const [anna] = await profiles(['Anna'])
  const ben = await anna.tab('Ben')
  await ben.createProfile()
  await anna.lock()
  await expect(anna.page.getByRole('list', { name: 'Profiles' }).getByRole('listitem')).toHaveText(['Anna', 'Ben'])
})
