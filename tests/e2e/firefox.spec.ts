import { requireOrSkip } from '../support/require'
import { expect, test } from './support/test'
import { OUTSIDE, expectPaid, seat } from './support/circle'
import { FirefoxMember, findFirefox } from './support/firefox'
import { noWebrtc } from './support/webrtc'

const firefox = findFirefox()
const noFirefox = requireOrSkip('firefox', firefox !== undefined, 'no Firefox was found (FIREFOX_PATH, or one in PATH)')

test('Chromium and Firefox sign together: each proposes once', async ({ stack, profiles }) => {
  test.skip(noFirefox || firefox === undefined, 'no Firefox')
  test.skip(noWebrtc, 'WebRTC cannot connect here')
  test.setTimeout(180_000)
  const [[anna], fay] = await Promise.all([profiles(['Anna']), FirefoxMember.launch('Fay', stack.app, firefox ?? '')])
  try {
    await fay.createProfile()
    const link = await anna.createWallet('Two kinds', 2)
    await fay.join(link)
    await seat(anna, [], link, [fay.name])
    const digits = (text: string) => text.replace(/\D/g, '')
    expect(digits(await fay.textOf('Safety number'))).toBe(await anna.safetyNumber())
    await anna.confirmSafety()
    await fay.press('It matches')
    await anna.saveWalletFileLater()
    await fay.press('Do this later')

    await anna.openWallet('Two kinds')
    await stack.faucet(await anna.receiveAddress(), 90_000)
    await anna.openWallet('Two kinds')
    await anna.expectBalance(90_000)
    await fay.openWallet('Two kinds')
    await expect
      .poll(() => fay.textOf('Available balance').then(digits), { message: 'Fay sees the coins' })
      .toBe('90000')
    await expect
      .poll(() => fay.members(), { message: 'Firefox and Chromium are joined by WebRTC' })
      .toContainEqual(expect.stringMatching(/Anna.*connected.*WebRTC/))

    const first = { to: OUTSIDE, sats: 30_000 }
    await anna.propose(first)
    await fay.follow('Review request')
    await fay.shows('Approve')
    expect((await fay.textOf('Spend code')).trim().replace(/\s+/g, ' ')).toBe(await anna.spendCode())
    await fay.press('Approve')
    await expectPaid(stack, [anna], first)
    await fay.reads('Paid')

    await fay.openWallet('Two kinds')
    await fay.press('Spend')
    await fay.fill('Recipient', OUTSIDE)
    await fay.fill('Amount', '20000')
    await fay.press('Review')
    await fay.press('Propose')
    await fay.reads('Waiting for approvals')
    await anna.openRequest()
    await anna.approve()
    await expectPaid(stack, [anna], { to: OUTSIDE, sats: 20_000 })
    await fay.reads('Paid')
    expect(fay.errors, 'errors that the page threw').toEqual([])
  } catch (error) {
    process.stderr.write(`--- Fay (Firefox)\n${await fay.text()}\n`)
    throw error
  } finally {
    await fay.wipe()
  }
})
