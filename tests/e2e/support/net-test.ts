import { expect, test } from './test'
import { makeWallet, fund } from './circle'
import { held, observeNetwork } from './leaks'
import type { Launch } from './test'
import type { BrowserChoice, Member } from './member'
import { NetStack } from './net-stack'
import type { NetStackOptions } from './net-stack'

export { expect } from './test'

/** `net`: app, chain and relays that can die alone, made anew for every test; `netOptions` (by `use`) says how. */
export const netTest = test.extend<{ netOptions: NetStackOptions; net: NetStack; app: string }>({
  netOptions: [{}, { option: true }],
  net: async ({ netOptions }, use) => {
    const net = await NetStack.start(netOptions)
    await use(net)
    await net.stop()
  },
  app: async ({ net }, use) => use(net.app),
})

/** A browser that sends no UDP: WebRTC cannot connect, and everything goes over the relays. */
export const NO_UDP: BrowserChoice = { args: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] }

export interface CircleOptions {
  readonly browser?: BrowserChoice | ((i: number) => BrowserChoice | undefined)
  /** what each does with a new profile before there is a wallet; ends at the list of wallets */
  readonly settings?: (member: Member) => Promise<void>
}

/**
 * People with an active, funded wallet of that name, each in a browser whose connections are counted. `blank`: what a
 * page holds before a profile is opened.
 */
export async function circle(
  net: NetStack,
  launch: Launch,
  wallet: string,
  names: readonly string[],
  coins: readonly number[],
  { browser, settings }: CircleOptions = {},
) {
  const everybody: Member[] = await Promise.all(
    names.map((name, i) => launch(name, observeNetwork, typeof browser === 'function' ? browser(i) : browser)),
  )
  const [first] = everybody
  if (first === undefined) throw new Error('nobody')
  await expect(first.button('New profile')).toBeVisible()
  const blank = await held(first)
  for (const member of everybody) {
    await member.createProfile()
    await settings?.(member)
  }
  await makeWallet(wallet, everybody)
  const addresses = await fund(net, wallet, everybody, coins)
  return { everybody, addresses, wallet, blank }
}

/** On the wallet's page each of `members` sees everybody else `how`: 'connected' in whatever way, or by 'WebRTC'. */
export async function expectReached(
  members: readonly Member[],
  wallet: string,
  how: 'connected' | 'WebRTC',
  everybody = members,
) {
  for (const member of members) {
    await member.openWallet(wallet)
    for (const other of everybody) {
      if (other !== member) await expect(member.memberRow(other.name)).toContainText(how, { timeout: 60_000 })
    }
  }
}
