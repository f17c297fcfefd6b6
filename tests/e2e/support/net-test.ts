import { fund, makeWallet } from './circle'
import { held, observeNetwork } from './leaks'
import type { Held } from './leaks'
import type { BrowserChoice, Member } from './member'
import { NetStack } from './net-stack'
import type { NetStackOptions } from './net-stack'
import type { Kind } from './prepared'
import { expect, test } from './test'
import type { Circle, ProfileOptions } from './test'

export { expect } from './test'

type Choose = ProfileOptions['browser']

/** `blank`: what a page held before a profile was opened. */
type NetCircle<K extends Kind> = Circle<K> & { readonly blank: Held }

export interface HandmadeOptions {
  readonly browser?: Choose
  /** what each does with a new profile before there is a wallet; ends at the list of wallets */
  readonly settings?: (member: Member) => Promise<void>
}

export interface NetFixtures {
  netOptions: NetStackOptions
  net: NetStack
  /** people of a prepared wallet with these coins */
  netCircle: <K extends Kind>(kind: K, coins: readonly number[], browser?: Choose) => Promise<NetCircle<K>>
  /** Anna and Ben make that wallet here: it names other relays, or their settings come before it */
  handmade: (coins: readonly number[], options?: HandmadeOptions) => Promise<NetCircle<'two'>>
}

/**
 * `net`: app, chain and relays that can die alone, made anew for every test; `netOptions` (by `use`) says how. The
 * connections of everybody's browser are counted.
 */
export const netTest = test.extend<NetFixtures>({
  netOptions: [{}, { option: true }],
  net: async ({ netOptions }, use) => {
    const net = await NetStack.start(netOptions)
    await use(net)
    await net.stop()
  },
  servers: async ({ net }, use) => use(net),
  netCircle: async ({ circle }, use) =>
    use(async (kind, coins, browser) => {
      const { locked, blank } = holdBlank()
      const made = await circle(kind, { coins, browser, observe: observeNetwork, locked })
      return { ...made, blank: blank() }
    }),
  handmade: async ({ net, profiles }, use) =>
    use(async (coins, { browser, settings } = {}) => {
      const wallet = 'Boat'
      const { locked, blank } = holdBlank()
      const everybody = (await profiles(['Anna', 'Ben'], { browser, observe: observeNetwork, locked })) as [
        Member,
        Member,
      ]
      for (const member of everybody) await settings?.(member)
      await makeWallet(wallet, everybody)
      const addresses = await fund(net, wallet, everybody, coins)
      return { everybody, addresses, wallet, blank: blank() }
    }),
})

function holdBlank() {
  let blank: Held | undefined
  return {
    async locked(first: Member) {
      await expect(first.button('Unlock')).toBeVisible()
      blank = await held(first)
    },
    blank(): Held {
      if (blank === undefined) throw new Error('nobody looked')
      return blank
    },
  }
}

/** A browser that sends no UDP: WebRTC cannot connect, and everything goes over the relays. */
export const NO_UDP: BrowserChoice = { args: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] }

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
