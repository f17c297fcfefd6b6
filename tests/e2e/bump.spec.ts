import { expect, test } from './support/test'
import { approve, expectPaid, OUTSIDE } from './support/circle'
import type { Member } from './support/member'

/** `TANDEM_SHOTS=folder` keeps the screens, to be looked at. */
async function look(member: Member, name: string) {
  const folder = process.env['TANDEM_SHOTS']
  if (folder === undefined) return
  const before = member.page.viewportSize()
  for (const [size, width] of [
    ['phone', 390],
    ['desktop', 1100],
  ] as const) {
    await member.page.setViewportSize({ width, height: 844 })
    await member.page.screenshot({ path: `${folder}/${name}-${size}.png`, fullPage: true })
  }
  if (before !== null) await member.page.setViewportSize(before)
}

test('a payment that waits for a block is sped up by the other member, and another one is taken back', async ({
  stack,
  circle,
}) => {
  const { everybody, wallet } = await circle('two', { coins: [100_000] })
  const [anna, ben] = everybody

  const wish = { to: OUTSIDE, sats: 60_000, feeRate: 1, note: 'new sails' }
  await anna.propose(wish)
  await approve(ben)
  for (const member of everybody) await expect(member.status).toContainText('Sent, waiting for a block')
  const first = await stack.tx(await anna.txid())

  await test.step('Speed up', async () => {
    await look(ben, 'sent')
    await ben.button('Speed up').click()
    await expect(ben.field('Fee rate')).toHaveValue(/^\d/)
    // of the same size: 1 sat/vB more is the least
    await ben.field('Fee rate').fill('1.5')
    await expect(ben.main).toContainText('use at least 2 sat/vB')
    await look(ben, 'speed-up-refused')
    await ben.field('Fee rate').fill('5')
    const fees = ben.page.getByLabel('Fees')
    const [before, more] = [first.fee, 4 * first.fee].map(sats => sats.toLocaleString('en').replaceAll(',', '\u2009'))
    await expect(fees).toContainText(new RegExp(`Fee of the earlier payment\\s*${before}`))
    await expect(fees).toContainText(new RegExp(`Costs more\\s*${more}`))
    await look(ben, 'speed-up')
    await ben.button('Review').click()
    await expect(ben.page.getByRole('region', { name: 'Review' })).toContainText('Fee of the earlier payment')
    await look(ben, 'speed-up-review')
    await ben.button('Propose').click()
    await expect(ben.status).toContainText('Waiting for approvals')
    await expect(anna.status).toContainText('Sent, may be replaced')
    await look(anna, 'may-be-replaced')
    await anna.openRequest()
    await expect(anna.page.getByRole('note', { name: 'Replaces' })).toContainText(
      /This replaces the payment of 60\s000 sats sent before, to pay the same with a higher fee\. Only one of the two can happen\./,
    )
    await expect(anna.main).toContainText('new sails')
    await look(anna, 'request')
    expect(await anna.spendCode()).toBe(await ben.spendCode())
    await anna.approve()
    const paid = await expectPaid(stack, everybody, wish)
    expect(paid.fee).toBe(5 * first.fee)
    expect(paid.vin.map(input => `${input.txid}:${input.vout}`)).toEqual(
      first.vin.map(input => `${input.txid}:${input.vout}`),
    )
    expect(await stack.chain(`/tx/${first.txid}`)).toBeUndefined()
    await look(anna, 'paid')
    for (const member of everybody) {
      await member.link('See the earlier payment').click()
      await expect(member.status).toContainText('Replaced')
      await member.openWallet(wallet)
      await member.expectBalance(100_000 - 60_000 - paid.fee)
    }
    await look(anna, 'wallet')
  })

  await test.step('Take back', async () => {
    const rest = await anna.balance()
    await anna.propose({ ...wish, sats: 10_000 })
    await approve(ben)
    await expect(anna.status).toContainText('Sent, waiting for a block')
    await anna.button('Take back').click()
    await expect(anna.field('Fee rate')).toHaveValue(/^\d/)
    await look(anna, 'take-back')
    await anna.page.goBack()
    await anna.replace('Take back', 6)
    await ben.openRequest()
    await expect(ben.page.getByRole('note', { name: 'Replaces' })).toContainText(
      /This takes back the payment of 10\s000 sats sent before/,
    )
    await look(ben, 'take-back-request')
    await ben.approve()
    for (const member of everybody) await expect(member.status).toContainText('Sent, waiting for a block')
    const id = await ben.txid()
    await stack.mine()
    for (const member of everybody) await expect(member.status).toContainText('Paid')
    const back = await stack.tx(id)
    expect(back.vout).toHaveLength(1)
    for (const member of everybody) {
      await member.openWallet(wallet)
      await member.expectBalance(rest - back.fee)
      await expect(member.main.getByText('Held for a proposal')).toHaveCount(0)
    }
    await look(ben, 'wallet-after')
  })
})
