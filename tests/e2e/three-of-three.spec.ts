import { expect, test } from './support/test'
import { expectPaid, fund, makeWallet, OUTSIDE } from './support/circle'
import { expectJoined, noWebrtc, observePeers } from './support/webrtc'

test('three of three spend two coins with change, joined by WebRTC', async ({ stack, launch }) => {
  test.skip(noWebrtc, 'WebRTC cannot connect here')
  const [anna, ben, cleo] = await Promise.all([
    launch('Anna', { observe: observePeers }),
    launch('Ben', { observe: observePeers }),
    launch('Cleo', { observe: observePeers }),
  ])
  const everybody = [anna, ben, cleo]
  for (const member of everybody) await member.createProfile()
  await makeWallet('House', everybody)
  const addresses = await fund(stack, 'House', everybody, [60_000, 70_000])

  const wish = { to: OUTSIDE, sats: 100_000, feeRate: 3 }
  await anna.propose(wish)
  for (const cosigner of [ben, cleo]) {
    await expect(anna.participant(cosigner.name)).toContainText('connected')
    await expect(anna.participant(cosigner.name)).toContainText('WebRTC')
    await expectJoined(anna, cosigner)
  }
  for (const cosigner of [ben, cleo]) {
    await cosigner.openRequest()
    await expect(cosigner.participant('Anna')).toContainText('WebRTC')
    expect(await cosigner.spendCode()).toBe(await anna.spendCode())
    await expect(cosigner.page.getByRole('list', { name: 'Outputs' })).toContainText('Change, back to this wallet')
    await cosigner.approve()
  }

  const tx = await expectPaid(stack, everybody, wish)
  expect(tx.vin.map(input => input.prevout.value).sort()).toEqual([60_000, 70_000])
  expect(tx.vout).toHaveLength(2)
  for (const address of addresses) expect(await stack.utxos(address)).toEqual([])
  const change = tx.vout.find(out => out.scriptpubkey_address !== OUTSIDE)
  expect(change?.value).toBe(130_000 - 100_000 - tx.fee)
  for (const member of everybody) {
    await member.openWallet('House')
    await member.expectBalance(change?.value ?? 0)
  }
})
