import { expect, test } from './support/test'
import { OUTSIDE } from './support/circle'
import type { Member } from './support/member'

/** `npm run pictures`: the screens that the README shows, from a spend as it really happens. */
const wanted = process.env['TANDEM_PICTURES'] === '1'
const FOLDER = 'docs/pictures'

async function picture(member: Member, name: string, size: { width: number; height: number }) {
  await member.page.setViewportSize(size)
  // figures count up and dots light for less than 200 ms; the picture is of the screen at rest
  await member.page.evaluate(() => Promise.all(document.getAnimations().map(a => a.finished.catch(() => undefined))))
  await member.page.screenshot({ path: `${FOLDER}/${name}.png` })
}

const DESKTOP = { width: 1100, height: 820 }
const PHONE = { width: 390, height: 844 }

test.skip(!wanted, 'pictures are made by "npm run pictures"')

test('pictures for the README', async ({ stack, circle }) => {
  const {
    everybody: [anna, ben, cleo],
  } = await circle('three', { coins: [600_000, 700_000] })
  await picture(anna, 'wallet', DESKTOP)
  await anna.propose({ to: OUTSIDE, sats: 1_000_000, feeRate: 3, note: 'The new roof, first half' })
  for (const cosigner of [ben, cleo]) await cosigner.openRequest()
  await picture(cleo, 'request-phone', PHONE)
  await picture(ben, 'request', DESKTOP)
  for (const cosigner of [ben, cleo]) await cosigner.approve()
  await expect(anna.status).toContainText('Sent, waiting for a block')
  await stack.mine()
  await expect(anna.status).toContainText('Paid')
  await picture(anna, 'paid', DESKTOP)
})
