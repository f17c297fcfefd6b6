import { chromium, test as base, expect } from '@playwright/test'
import type { Browser, BrowserContext } from '@playwright/test'
import { findChromium, launchOptions } from '../../support/chromium'
import { requireOrSkip } from '../../support/require'
import type { LocalChain } from './chain'
import { Member } from './member'
import type { BrowserChoice, MemberOptions } from './member'
import { preparedProfiles, preparedWallet } from './prepared'
import type { Kind, Place, PreparedMember } from './prepared'
import { INTERNET_HOST, newNetwork, PORTS, Stack } from './stack'
import { signal } from './trouble'

export { expect }

const noBrowser = requireOrSkip(
  'chromium',
  findChromium() !== undefined,
  "no Chromium was found (CHROMIUM_PATH, Playwright's own, or the system's)",
)

/** App, chain and relays of a test. */
export type Servers = LocalChain & { readonly app: string; readonly relayAddresses: readonly string[] }

export type Launch = (name: string, options?: Pick<MemberOptions, 'observe' | 'browser'>) => Promise<Member>

export interface ProfileOptions {
  readonly observe?: (context: BrowserContext) => Promise<void>
  /** for the members, by their number, who need a browser process of their own */
  readonly browser?: (i: number) => BrowserChoice | undefined
  /** what is done with the first member's browser before anybody unlocks */
  readonly locked?: (first: Member) => Promise<void>
}

export interface CircleOptions extends ProfileOptions {
  /** Satoshis; each lies on an address of its own. */
  readonly coins?: readonly number[]
}

interface People {
  readonly two: [Member, Member]
  readonly three: [Member, Member, Member]
}

export interface Circle<K extends Kind> {
  readonly everybody: People[K]
  readonly wallet: string
  /** those of the coins, in their order */
  readonly addresses: readonly string[]
}

export type OpenCircle = <K extends Kind>(kind: K, options?: CircleOptions) => Promise<Circle<K>>
/** Prepared members with a profile and no wallet, at the list of wallets. */
export type OpenProfiles = <const N extends readonly string[]>(
  names: N,
  options?: ProfileOptions,
) => Promise<{ -readonly [I in keyof N]: Member }>

interface Fixtures {
  servers: Servers
  app: string
  place: () => Promise<Place>
  launched: Member[]
  launch: Launch
  profiles: OpenProfiles
  circle: OpenCircle
}

/**
 * `stack`: app, relay and chain of one test. `launch`: a person in a new browser, closed at the end. `profiles` and
 * `circle`: people who are prepared (prepared.ts). A test in which a page threw fails; one that failed shows what was
 * on every screen.
 */
export const test = base.extend<Fixtures & { stack: Stack }, { shared: () => Promise<Browser> }>({
  stack: [
    async ({}, use) => {
      const stack = await Stack.start({ data: await newNetwork() })
      await use(stack)
      await stack.stop()
    },
    { timeout: 60_000 },
  ],

  servers: async ({ stack }, use) => use(stack),
  app: async ({ servers }, use) => use(servers.app),

  /** one browser process for everybody who needs no own one */
  shared: [
    async ({}, use) => {
      let browser: Promise<Browser> | undefined
      await use(() => (browser ??= launchShared()))
      await (await browser)?.close()
    },
    { scope: 'worker' },
  ],

  place: async ({ servers, shared }, use) =>
    use(async () => ({ app: servers.app, relayAddresses: servers.relayAddresses, browser: await shared() })),

  launched: async ({}, use, info) => {
    info.skip(noBrowser, 'no Chromium')
    const launched: Member[] = []
    await use(launched)
    // whoever a test has stopped must be able to answer, and to end
    for (const member of launched) if (member.dir !== undefined) signal(member, 'SIGCONT')
    const failed = info.status !== info.expectedStatus
    const errors = launched.flatMap(member => member.errors.map(error => `${member.name}: ${error}`))
    if (failed) {
      for (const member of launched) await show(member, info.outputPath(`${member.name}.png`))
    }
    await Promise.all(launched.map(member => member.wipe()))
    expect(errors, 'errors that the pages threw').toEqual([])
  },

  launch: async ({ app, shared, launched }, use) =>
    use(async (name, options = {}) => {
      const member = await Member.launch(name, app, { ...options, shared: await shared() })
      launched.push(member)
      return member
    }),

  profiles: async ({ place, launched }, use) =>
    use(async (names, options) => {
      const at = await place()
      const prepared = await unhurried(() => preparedProfiles(at))
      const wanted = names.map(name => {
        const member = prepared.find(each => each.name === name)
        if (member === undefined) throw new Error(`no ${name} is prepared`)
        return member
      })
      const members = await open(at, wanted, options)
      launched.push(...members)
      const [first] = members
      if (first !== undefined) await options?.locked?.(first)
      await Promise.all(members.map(member => member.unlock()))
      for (const member of members) await expect(member.button('New wallet')).toBeVisible()
      return members as { -readonly [I in keyof typeof names]: Member }
    }),

  circle: async ({ place, launched, servers }, use) =>
    use(async (kind, { coins = [], ...options } = {}) => {
      const at = await place()
      const prepared = await unhurried(() => preparedWallet(kind, at))
      const { wallet } = prepared
      const addresses = prepared.addresses.slice(0, coins.length)
      const [members] = await Promise.all([open(at, prepared.members, options), pay(servers, addresses, coins)])
      launched.push(...members)
      const [first] = members
      if (first !== undefined) await options.locked?.(first)
      const total = coins.reduce((sum, sats) => sum + sats, 0)
      await Promise.all(
        members.map(async member => {
          await member.unlock()
          await member.openWallet(wallet)
          await member.expectBalance(total)
        }),
      )
      for (const member of members)
        for (const other of members)
          if (other !== member) await expect(member.memberRow(other.name)).toContainText('connected')
      return { everybody: members as People[typeof kind], wallet, addresses }
    }),
})

/** The browsers at home (net-home.spec.ts) see the app at an address that is no secure origin unless told so. */
function launchShared(): Promise<Browser> {
  const { args, ...options } = launchOptions(findChromium() ?? '')
  const insecure = `http://${INTERNET_HOST}:${PORTS.app}`
  return chromium.launch({
    ...options,
    args: [...(args ?? []), `--unsafely-treat-insecure-origin-as-secure=${insecure}`],
  })
}

/** What is prepared for the whole run takes none of this test's time. */
async function unhurried<T>(prepare: () => Promise<T>): Promise<T> {
  const started = Date.now()
  const prepared = await prepare()
  const info = base.info()
  info.setTimeout(info.timeout + Date.now() - started)
  return prepared
}

function open(
  { app, browser: shared }: Place,
  members: readonly PreparedMember[],
  { observe, browser }: ProfileOptions = {},
): Promise<Member[]> {
  return Promise.all(
    members.map(({ name, words, stored }, i) =>
      Member.launch(name, app, { observe, browser: browser?.(i), shared, stored, words }),
    ),
  )
}

async function pay(chain: LocalChain, addresses: readonly string[], coins: readonly number[]) {
  for (const [i, sats] of coins.entries()) {
    const address = addresses[i]
    if (address === undefined) throw new Error(`only ${addresses.length} addresses are prepared`)
    await chain.faucet(address, sats)
  }
}

/** What a person would see when the test failed. */
async function show(member: Member, picture: string) {
  for (const [i, page] of member.context.pages().entries()) {
    const text = await page
      .locator('main')
      .innerText({ timeout: 2_000 })
      .catch(() => '(no page)')
    const said = member.console
      .filter(line => line !== '')
      .slice(-15)
      .join('\n')
    process.stderr.write(
      `\n--- ${member.name}${i > 0 ? `, tab ${i + 1}` : ''} at ${page.url().slice(0, 120)}\n${text.replace(/\n+/g, '\n')}\n[console] ${said}\n`,
    )
    await page
      .screenshot({ path: picture.replace('.png', `-${i}.png`), fullPage: true, timeout: 5_000 })
      .catch(() => undefined)
    // who could be reached is the first question of most failures
    await page
      .evaluate(() => {
        location.hash = '#/diagnostics'
      })
      .catch(() => undefined)
    const links = await page
      .getByText('Details')
      .click({ timeout: 2_000 })
      .then(
        () => page.locator('main').innerText(),
        () => '(no diagnostics)',
      )
    process.stderr.write(`[connections] ${links.replace(/\n+/g, '\n')}\n`)
  }
}
