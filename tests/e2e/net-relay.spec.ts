import { approve, expectPaid, OUTSIDE } from './support/circle'
import { expectOver } from './support/leaks'
import { expect, expectReached, netTest as test } from './support/net-test'
import { leftToLong } from './support/long'
import { OWN_PROCESS } from './support/member'
import { signal } from './support/trouble'
import { noWebrtc } from './support/webrtc'

const longTest = leftToLong('the relay that dies at every step of the protocol: run by npm run test:long')
  ? test.skip
  : test

const wish = { to: OUTSIDE, sats: 20_000 }

test('the relay dies before the gate and comes back: places are taken again by themselves, the gate goes through', async ({
  net,
  netCircle,
}) => {
  const { everybody, ...made } = await netCircle('two', [90_000])
  const [anna, ben] = everybody

  await net.relay(0).kill()
  // with the relay goes the only way to meet again: after his reload Ben is alone
  await ben.page.reload()
  await ben.unlock()
  for (const member of everybody) await member.expectPlaces(0)
  await anna.openWallet(made.wallet)
  await expect(anna.memberRow('Ben')).toContainText(/not online|not reached from here/)
  await anna.review(wish)
  await anna.button('Propose').click()
  await expect(anna.participant('Ben')).toContainText(/not connected.*network/, { timeout: 40_000 })
  await expect(anna.main).toContainText('Nothing was proposed and nothing has been sent. Your coins are free')

  await net.relay(0).start()
  await ben.expectPlaces(1)
  await expectReached([ben], made.wallet, 'connected', everybody)
  await anna.button('Retry').click()
  await expect(anna.status).toContainText('Waiting for approvals')
  await approve(ben)
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1 })
})

longTest(
  'the relay dies at every step of the protocol: the members, joined directly, go on',
  async ({ net, netCircle }) => {
    test.skip(noWebrtc, 'WebRTC cannot connect here')
    test.setTimeout(300_000)
    const { everybody, ...made } = await netCircle('three', [300_000], i => (i === 2 ? OWN_PROCESS : undefined))
    const [anna, ben, cleo] = everybody
    const relay = net.relay(0)
    const steps: ReadonlyArray<readonly [string, () => Promise<void>]> = [
      [
        'after the proposal',
        async () => {
          await relay.kill()
          await approve(ben, cleo)
        },
      ],
      [
        'after the first vote',
        async () => {
          await approve(ben)
          await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')
          await relay.kill()
          await approve(cleo)
        },
      ],
      [
        'when signing begins, and a member sleeps before the nonces',
        async () => {
          await approve(cleo)
          await expect(anna.page.getByRole('list', { name: 'Progress' })).toContainText('2 of 3')
          await ben.openRequest()
          signal(cleo, 'SIGSTOP')
          await ben.approve()
          await expect(anna.status).toContainText('Signing together')
          await relay.kill()
          signal(cleo, 'SIGCONT')
        },
      ],
      [
        'in the middle of signing',
        async () => {
          await approve(ben)
          await cleo.openRequest()
          const signing = anna.page.waitForFunction(() =>
            /Signing together|Sent,/.test(document.querySelector('[role=status]')?.textContent ?? ''),
          )
          await cleo.approve()
          await signing
          await relay.kill()
        },
      ],
    ]
    for (const [name, trouble] of steps) {
      await test.step(name, async () => {
        await expectReached(everybody, made.wallet, 'WebRTC')
        await anna.propose(wish)
        await trouble()
        await expectPaid(net, everybody, wish)
        await relay.start()
        for (const member of everybody) await member.expectPlaces(1)
      })
    }
    await expectOver(everybody, { ...made, relays: 1 })
  },
)
