import { mkdirSync, rmSync } from 'node:fs'
import { chromium, test } from '@playwright/test'
import { findChromium, launchOptions } from '../support/chromium'
import { openTabs } from '../e2e/support/demo'
import { PASSWORD } from '../e2e/support/member'
import { preparedWallet } from '../e2e/support/prepared'
import { newNetwork, Stack } from '../e2e/support/stack'

const FOLDER = process.env.TANDEM_DEMO_FOLDER ?? '.tandem/demo/browser'
const headless = process.env.TANDEM_DEMO_HEADLESS === '1'
/** Satoshis, one coin each. */
const COINS = [150_000, 80_000]

const say = (line: string) => process.stdout.write(`${line}\n`)

test('three members of a funded wallet, each in a tab', async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const stack = await Stack.start({ data: await newNetwork(), mine: 10 })
  try {
    say('Three people make a wallet, which takes some seconds ...')
    const browser = await chromium.launch(launchOptions(findChromium() ?? ''))
    const prepared = await preparedWallet('three', { app: stack.app, relayAddresses: stack.relayAddresses, browser })
    await browser.close()
    for (const [i, sats] of COINS.entries()) await stack.faucet(prepared.addresses[i] ?? '', sats)

    const [anna] = await openTabs(stack.app, prepared, { window: !headless, dir: FOLDER })
    if (anna === undefined) throw new Error('nobody')
    const closed = anna.context.waitForEvent('close', { timeout: 0 })
    await anna.page.bringToFront()
    say(`Ready: ${prepared.members.map(({ name }) => name).join(', ')}, each in a tab, at ${stack.app}`)
    say(`Everybody's password is "${PASSWORD}". Close the window to end it.`)
    await closed
  } catch (error) {
    say(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`)
    throw error
  } finally {
    await stack.stop()
  }
})
