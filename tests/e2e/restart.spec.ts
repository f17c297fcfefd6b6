import { createServer } from 'node:net'
import { expect, test } from './support/test'
import { fund, makeWallet } from './support/circle'
import { Member } from './support/member'
import { Stack } from './support/stack'
import { findChromium } from '../support/chromium'

/** What `npm start` does to wallets when it is started again; a stack of its own, because it is ended and started. */
const PORT = String(Number(process.env.TANDEM_E2E_PORT ?? '4500') + 60)

test('the local chain is kept over a restart, says when it was reset, and a taken port is told on the screen', async () => {
  test.skip(findChromium() === undefined, 'no Chromium')
  test.setTimeout(180_000)
  let stack = await Stack.start({ port: PORT })
  const people = [await Member.launch('Anna', stack.app), await Member.launch('Ben', stack.app)]
  const [anna] = people as [Member, Member]
  const blocker = createServer()
  try {
    for (const member of people) await member.createProfile()
    await makeWallet('Shed', people)
    await fund(stack, 'Shed', people, [50_000])

    stack = await stack.restart()
    await anna.page.reload()
    await anna.unlock()
    await anna.openWallet('Shed')
    await anna.expectBalance(50_000)
    await expect(anna.main).not.toContainText('This local chain was reset')

    stack = await stack.restart({ fresh: true })
    await anna.page.reload()
    await anna.unlock()
    await anna.openWallet('Shed')
    await expect(anna.main).toContainText('This local chain was reset')
    await anna.expectBalance(0)
    await stack.faucet(await anna.receiveAddress(), 30_000)
    await anna.openWallet('Shed')
    await anna.expectBalance(30_000)
    await expect(anna.main).not.toContainText('This local chain was reset')

    // the usual port is somebody else's now
    const usual = stack.app
    await stack.stop()
    await new Promise<void>(resolve => blocker.listen(Number(PORT), '127.0.0.1', () => resolve()))
    stack = await Stack.start({ port: PORT })
    expect(stack.app).not.toBe(usual)
    await anna.page.goto(stack.app)
    await anna.createProfile()
    await expect(anna.page.locator('body')).toContainText(`Profiles made before live at ${usual}`)
  } finally {
    blocker.close()
    for (const member of people) await member.wipe()
    await stack.stop()
  }
  expect(
    people.flatMap(member => member.errors),
    'errors that the pages threw',
  ).toEqual([])
})
