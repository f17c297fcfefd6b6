import { encodeInvite, parseInvite } from '../../services/core/roster/invite'
import type { Invite } from '../../services/core/roster/invite'
import { expect, test } from './support/test'

/** What the creator's link says, read as the app reads it. */
function read(link: string): Invite {
  const invite = parseInvite(link, { now: 0, available: ['regtest'] })
  if (!invite.ok) throw new Error(invite.error.code)
  return invite.value
}

test('bad invites are refused with a sentence, and nobody is asked for a seat', async ({ launch, profiles }) => {
  const [anna, ben] = await profiles(['Anna', 'Ben'])
  const link = await anna.createWallet('Harbour', 2)
  const invite = read(link)
  const withPayload = (payload: string) => `${anna.app}/#/join/${payload}`

  const refusals = [
    [
      'cut short',
      link.slice(0, -9),
      'This invite link is not complete or was changed on its way. Copy the whole link and paste it again.',
    ],
    [
      'one letter changed',
      link.slice(0, -30) + (link.at(-30) === 'A' ? 'B' : 'A') + link.slice(-29),
      'This invite link is not complete or was changed on its way.',
    ],
    [
      'other network',
      withPayload(encodeInvite({ ...invite, network: 'signet' })),
      'This invite is for another network (signet), which this app is not set up for.',
    ],
    [
      'expired',
      withPayload(encodeInvite({ ...invite, expiresAt: Math.floor(Date.now() / 1000) - 60 })),
      'This invite has expired. Ask for a new one.',
    ],
  ] as const
  for (const [what, bad, sentence] of refusals) {
    await test.step(what, async () => {
      await ben.page.goto(bad)
      await ben.button('Join').click()
      await expect(ben.main).toContainText(sentence)
      await expect(ben.field('Invite link')).toHaveValue(bad)
      await ben.link('Wallets').first().click()
    })
  }
  await test.step('pasted into the empty field', async () => {
    await ben.button('Join a wallet').click()
    await ben.button('Join').click()
    await expect(ben.main).toContainText('Paste the invite link that you were sent.')
  })
  await test.step("the creator's own key, on another device", async () => {
    const twin = await launch('Anna')
    await twin.restore(anna.words, [])
    await twin.join(link)
    await expect(twin.main).toContainText('This is your own invite. Send it to the others.')
    await twin.quit()
  })
  await expect(anna.page.getByRole('list', { name: 'Seats' }).getByRole('listitem')).toHaveText([/Anna/, 'Free seat'])
  await expect(anna.button('Everyone is here')).toBeDisabled()

  // the good link is good still
  await ben.page.goto(link)
  await expect(ben.page.getByRole('region', { name: 'Invitation' })).toContainText('Anna invites you to')
})
