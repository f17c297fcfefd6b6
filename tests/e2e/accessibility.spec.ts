import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from './support/test'
import { OUTSIDE } from './support/circle'
import type { Member } from './support/member'

/** Rules of WCAG 2.2 A and AA on each main screen, at phone and desktop width. */
async function expectAccessible(member: Member, screen: string) {
  for (const size of [
    { width: 390, height: 844 },
    { width: 1100, height: 900 },
  ]) {
    await member.page.setViewportSize(size)
    const { violations } = await new AxeBuilder({ page: member.page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
      .analyze()
    expect(
      violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`),
      `${screen} at ${size.width}`,
    ).toEqual([])
    // nothing is cut off or must be scrolled sideways
    expect(
      await member.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      `${screen} fits ${size.width}`,
    ).toBe(true)
  }
}

test('main screens can be read and operated by everybody', async ({ launch, circle }) => {
  await expectAccessible(await launch('Nobody yet'), 'first run')
  const {
    everybody: [anna, ben],
    wallet,
  } = await circle('two', { coins: [90_000] })
  await anna.link('Wallets').first().click()
  await expect(anna.button('New wallet')).toBeVisible()
  await expectAccessible(anna, 'home')
  await anna.openWallet(wallet)
  await expectAccessible(anna, 'wallet')
  await anna.review({ to: OUTSIDE, sats: 40_000 })
  await expectAccessible(anna, 'review')
  await anna.button('Propose').click()
  await ben.openRequest()
  await expectAccessible(ben, 'request')
  await anna.go('/settings')
  await anna.button('Add relay').click()
  await anna.field('STUN or TURN server').fill('turn:turn.example')
  await anna.button('Add server').click()
  await expect(anna.main).toContainText('A TURN server asks for a user name.')
  await expectAccessible(anna, 'settings')
  await anna.go('/diagnostics')
  await anna.button('Test my connection').click()
  await expect(anna.page.getByRole('list', { name: 'Test results' })).toBeVisible()
  await anna.page.getByRole('list', { name: 'Members' }).getByText('Ben').click()
  await expect(anna.page.getByRole('list', { name: 'Attempts' })).toBeVisible()
  await expectAccessible(anna, 'connections')
})
