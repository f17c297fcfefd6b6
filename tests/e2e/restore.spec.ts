import { expect, test } from './support/test'
import { expectPaid, fund, OUTSIDE, seat } from './support/circle'

test('a member loses his device: words and file bring him back in an empty browser, he votes on what is open, and spends with the others', async ({
  stack,
  launch,
  profiles,
}) => {
  const [anna, lost] = await profiles(['Anna', 'Ben'])
  const link = await anna.createWallet('Island', 2)
  await seat(anna, [lost], link)
  for (const member of [anna, lost]) await member.confirmSafety()
  const file = await lost.saveWalletFile()
  // it tells whose wallet it is, and nothing of members, keys or coins
  expect(Object.keys(JSON.parse(file.bytes.toString('utf8')) as object)).toEqual([
    'format',
    'version',
    'about',
    'name',
    'network',
    'createdAt',
    'body',
  ])
  await anna.saveWalletFile()
  const [address = ''] = await fund(stack, 'Island', [anna, lost], [120_000])

  // a request that he has seen and not decided
  const first = { to: OUTSIDE, sats: 30_000, note: 'anchor' }
  await anna.propose(first)
  await lost.openRequest()
  await lost.wipe()

  const ben = await launch('Ben')
  await ben.restore(lost.words, [file])
  await ben.openWallet('Island')
  await ben.expectBalance(120_000)

  await test.step('he votes on the request that was open, of which his browser knows by the others alone', async () => {
    await ben.openRequest()
    await expect(ben.main).toContainText('anchor')
    expect(await ben.spendCode()).toBe(await anna.spendCode())
    await ben.approve()
    await expectPaid(stack, [anna, ben], first)
    expect(await stack.utxos(address)).toEqual([])
  })

  await test.step('the same words on another device: the older one says so, and the newer one spends', async () => {
    const tablet = await launch('Ben')
    await tablet.restore(lost.words, [file])
    await expect(ben.page.getByText('Open on another device')).toBeVisible()
    const second = { to: OUTSIDE, sats: 70_000 }
    await tablet.openWallet('Island')
    await tablet.propose(second)
    await anna.openWallet('Island')
    await anna.openRequest()
    expect(await anna.spendCode()).toBe(await tablet.spendCode())
    await anna.approve()
    await expectPaid(stack, [anna, tablet], second)
  })
})
