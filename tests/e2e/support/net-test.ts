import { test } from './test'
import { makeWallet, fund } from './circle'
import { observeNetwork } from './leaks'
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

/** People with an active, funded wallet of that name, each in a browser whose connections are counted. */
export async function circle(net: NetStack, launch: Launch, walletName: string, names: readonly string[], coins: readonly number[], browser?: BrowserChoice) {
  const everybody: Member[] = await Promise.all(names.map(name => launch(name, observeNetwork, browser)))
  for (const member of everybody) await member.createProfile()
  await makeWallet(walletName, everybody)
  const addresses = await fund(net, walletName, everybody, coins)
  return { everybody, addresses }
}
