import type { Stack } from './support/stack'
import type { Member } from './support/member'
import { expect, test } from './support/test'
import { expectPaid, OUTSIDE } from './support/circle'
import { leftToLong } from './support/long'
import { noWebrtc } from './support/webrtc'

const REPEATS = Number(process.env.TANDEM_REPEATS ?? '100')
/** milliseconds that one payment may take, its block and everybody's balance included */
const REPEAT_MS = 60_000

/** Neither of the two coins is enough alone; the change comes back as one of the next two. Satoshis. */
const COIN = 800_000
const FIRST_CHANGE = 700_000
const wish = { to: OUTSIDE, sats: COIN + 500, feeRate: 2 }

const longTest = leftToLong('the repeats of the 3-of-3 are run by npm run test:long') ? test.skip : test

longTest(`three of three spend ${REPEATS} times in a row from one wallet`, async ({ stack, circle }) => {
  test.skip(noWebrtc, 'WebRTC cannot connect here')
  test.setTimeout(180_000 + REPEATS * REPEAT_MS)
  const {
    everybody,
    wallet,
    addresses: [address = ''],
  } = await circle('three', { coins: [FIRST_CHANGE, COIN] })
  let total = FIRST_CHANGE + COIN
  for (let i = 0; i < REPEATS; i++) {
    // everybody proposes in turn: each of them is hub, and each is co-signer
    const turn = everybody.map((_, k) => everybody[(i + k) % everybody.length] as Member)
    total = await test.step(`payment ${i + 1}`, () => spend(stack, turn, { wallet, address, total }))
  }
})

/** One payment of both coins, mined, and the next coin; gives what the wallet holds then. */
async function spend(
  stack: Stack,
  [proposer, ...cosigners]: readonly Member[],
  { wallet, address, total }: { readonly wallet: string; readonly address: string; readonly total: number },
): Promise<number> {
  if (proposer === undefined) throw new Error('nobody')
  const everybody = [proposer, ...cosigners]
  await proposer.propose(wish)
  for (const cosigner of cosigners) {
    await expect(proposer.participant(cosigner.name)).toContainText('WebRTC')
    await cosigner.openRequest()
    expect(await cosigner.spendCode()).toBe(await proposer.spendCode())
    await cosigner.approve()
  }
  const tx = await expectPaid(stack, everybody, wish)
  expect(tx.vin).toHaveLength(2)
  await stack.faucet(address, COIN)
  const left = total - wish.sats - tx.fee + COIN
  for (const member of everybody) {
    await member.openWallet(wallet)
    await member.expectBalance(left)
  }
  return left
}
