import { expect, test } from './support/test'
import { expectUntouched, OUTSIDE } from './support/circle'

/** The last letter of a good address changed. */
const TYPO = `${OUTSIDE.slice(0, -1)}${OUTSIDE.endsWith('q') ? 'p' : 'q'}`
/** x = eefdea4c..., of BIP340's vectors */
const OFF_CURVE = 'bcrt1pam775nxmvam4pfpqlm5q06k0y84e3x9w0xuhdpmxuna2qj3dfg6qfntxll'

test('what is wrong in a spend gets a sentence at its field; nothing is lost and nothing is sent', async ({
  stack,
  circle,
}) => {
  const {
    everybody: [anna, ben],
    addresses,
  } = await circle('two', { coins: [40_000] })

  const good = { Recipient: OUTSIDE, Amount: '10000', 'Fee rate': '2' }
  const wrong = [
    ['Recipient', '', 'Paste the address that should be paid.'],
    ['Recipient', TYPO, 'A character of this address is wrong or missing.'],
    // by its form a taproot address; the key in it is on no point of the curve, so that nobody could ever spend
    ['Recipient', OFF_CURVE, 'This kind of address cannot be paid yet.'],
    [
      'Recipient',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      'This address belongs to another network.',
    ],
    ['Amount', '', 'Write how much should be paid.'],
    ['Amount', '1,5', 'It is not clear where the decimals of this amount begin.'],
    ['Amount', '0', 'The amount must be more than zero.'],
    ['Amount', '100', 'This amount is too small to be sent'],
    ['Amount', '40000', 'The wallet does not hold enough available coins for this amount and its fee.'],
    ['Fee rate', '0.2', 'This fee rate is too low'],
    ['Fee rate', 'fast', 'This is not a fee rate.'],
  ] as const
  await anna.button('Spend').click()
  for (const [field, value, sentence] of wrong) {
    await test.step(`${field}: ${value}`, async () => {
      for (const [name, text] of Object.entries({ ...good, [field]: value })) await anna.field(name).fill(text)
      await anna.button('Review').click()
      await expect(anna.field(field)).toHaveAccessibleDescription(new RegExp(sentence.replace(/[.*+?()]/g, '\\$&')))
      await expect(anna.button('Propose')).toHaveCount(0)
      await expect(anna.field('Recipient')).toHaveValue(field === 'Recipient' ? value : OUTSIDE)
    })
  }
  await test.step('every field at once', async () => {
    for (const [name, text] of Object.entries({ Recipient: TYPO, Amount: '0', 'Fee rate': 'fast' }))
      await anna.field(name).fill(text)
    await anna.button('Review').click()
    await expect(anna.field('Recipient')).toHaveAccessibleDescription(/wrong or missing/)
    await expect(anna.field('Amount')).toHaveAccessibleDescription(/more than zero/)
    await expect(anna.field('Fee rate')).toHaveAccessibleDescription(/not a fee rate/)
    await expect(anna.field('Recipient')).toBeFocused()
  })
  await expect(ben.link('Review request')).toHaveCount(0)
  await expectUntouched(stack, addresses, [40_000])

  await test.step('a file that is none, in Settings', async () => {
    await anna.link('Settings').click()
    await anna.choose('Add wallet file', 'holiday.json', Buffer.from('{"format":"tandem-wallet"'))
    await expect(anna.page.getByRole('alert')).toContainText('This file is damaged or is not a wallet file.')
  })
})
