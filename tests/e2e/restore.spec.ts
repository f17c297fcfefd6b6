import { expect, test } from './support/test'
import { expectPaid, fund, OUTSIDE, seat } from './support/circle'

test('a member loses his device: words and file bring him back in an empty browser, and he spends with the others', async ({ stack, launch }) => {
  const [anna, lost] = await Promise.all([launch('Anna'), launch('Ben')])
  for (const member of [anna, lost]) await member.createProfile()
  const link = await anna.createWallet('Island', 2)
  await seat(anna, [lost], link)
  for (const member of [anna, lost]) await member.confirmSafety()
  const file = await lost.saveWalletFile()
  // it tells whose wallet it is, and nothing of members, keys or coins
  expect(Object.keys(JSON.parse(file.bytes.toString('utf8')) as object)).toEqual(['format', 'version', 'about', 'name', 'network', 'createdAt', 'body'])
  await anna.saveWalletFile()
  const [address = ''] = await fund(stack, 'Island', [anna, lost], [120_000])

  await lost.wipe()
  const ben = await launch('Ben')
  await ben.restore(lost.words, [file])
  await ben.openWallet('Island')
  await ben.expectBalance(120_000)

  const wish = { to: OUTSIDE, sats: 70_000 }
  await ben.propose(wish)
  await anna.openRequest()
  expect(await anna.spendCode()).toBe(await ben.spendCode())
  await anna.approve()
  await expectPaid(stack, [anna, ben], wish)
  expect(await stack.utxos(address)).toEqual([])
})
