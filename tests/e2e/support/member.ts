import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, expect } from '@playwright/test'
import type { Browser, BrowserContext, Locator, Page } from '@playwright/test'
import { findChromium, launchOptions } from '../../support/chromium'
import { processesOf, untilGone } from '../../support/processes'
import { startPlainBrowser } from './plain-browser'

export const PASSWORD = 'correct horse battery'

export interface SpendWish {
  readonly to: string
  readonly sats: number
  readonly feeRate?: number
  readonly note?: string
}

/**
 * A browser process for one member alone: by another program, with more arguments, or as people start theirs
 * (plain-browser.ts).
 */
export interface BrowserChoice {
  readonly executablePath?: string
  readonly args?: readonly string[]
  readonly plain?: boolean
  /** a window on the screen, in the size that it has */
  readonly window?: boolean
  /** an empty folder for its data; a temporary one by default */
  readonly dir?: string
}

/** A browser process that can crash, be stopped by a signal, or be ended and started again with what it has stored. */
export const OWN_PROCESS: BrowserChoice = {}

/** What a browser has stored for its sites. */
export type Stored = Awaited<ReturnType<BrowserContext['storageState']>>

export interface MemberOptions {
  /** puts observers of the browser in place before the app is opened */
  readonly observe?: (context: BrowserContext) => Promise<void>
  readonly browser?: BrowserChoice
  /** the member is a context of this browser, unless `browser` asks for a process of its own */
  readonly shared?: Browser
  /** what the browser has stored already */
  readonly stored?: Stored
  /** the recovery words of a profile that is stored already */
  readonly words?: string
}

const VIEWPORT = { width: 1100, height: 900 }
const PERMISSIONS = ['clipboard-read', 'clipboard-write']

/**
 * One person, in a browser process of her own, a context of a shared browser, or a tab of somebody else's. Driven only
 * through what the screen shows.
 */
export class Member {
  /** as they were shown on the screen */
  words = ''
  /** every address that this browser asked for, WebSockets included */
  readonly requests: string[] = []
  /** what the page wrote to its console, and errors that nothing caught */
  readonly console: string[] = []
  readonly errors: string[] = []

  context!: BrowserContext
  page!: Page
  private running = false
  private options: MemberOptions = {}
  /** ends a browser that Playwright did not start */
  private end?: () => Promise<void>

  /** `dir`: where this member's own browser process keeps its data; a context or a guest tab has none. */
  private constructor(
    readonly name: string,
    readonly app: string,
    readonly dir?: string,
  ) {}

  /** A browser with nothing stored but what `options` says, in which the app is opened. */
  static async launch(name: string, app: string, options: MemberOptions = {}): Promise<Member> {
    const isContext = options.shared !== undefined && options.browser === undefined
    const folder = () => options.browser?.dir ?? mkdtempSync(join(tmpdir(), `tandem-${name.toLowerCase()}-`))
    const dir = isContext ? undefined : folder()
    const member = new Member(name, app, dir)
    member.options = options
    member.words = options.words ?? ''
    if (options.shared !== undefined && isContext) await member.startContext(options.shared)
    else await member.start()
    return member
  }

  /** Opens the browser process (again) and in it the app, with whatever it had stored. */
  async start() {
    if (this.dir === undefined) throw new Error(`${this.name} has no browser process of her own`)
    const { browser = {}, stored } = this.options
    const usual = launchOptions(browser.executablePath ?? findChromium() ?? '')
    const options = { ...usual, args: [...(usual.args ?? []), ...(browser.args ?? [])], viewport: VIEWPORT }
    if (browser.plain === true) {
      const { context, end } = await startPlainBrowser(this.dir, options)
      this.context = context
      this.end = end
      await context.grantPermissions(PERMISSIONS)
    } else
      this.context = await chromium.launchPersistentContext(this.dir, {
        ...options,
        ...(browser.window === true ? { headless: false, viewport: null } : {}),
        acceptDownloads: true,
        permissions: PERMISSIONS,
      })
    // only once: from then on the process itself keeps what is stored
    if (stored !== undefined) await this.context.setStorageState(stored)
    this.options = { ...this.options, stored: undefined }
    await this.begin()
  }

  private async startContext(shared: Browser) {
    this.context = await shared.newContext({
      viewport: VIEWPORT,
      permissions: PERMISSIONS,
      storageState: this.options.stored,
      // what turns while one waits takes a core where no hardware paints it
      reducedMotion: 'reduce',
    })
    await this.begin()
  }

  private async begin() {
    this.context.setDefaultTimeout(30_000)
    this.context.on('request', request => this.requests.push(request.url()))
    this.running = true
    // an observer may want the page itself, before it shows anything
    const page = this.context.pages()[0] ?? (await this.context.newPage())
    await this.options.observe?.(this.context)
    await this.open(page)
  }

  /** Ends the browser; what its own process has stored stays. */
  async quit() {
    if (!this.running) return
    this.running = false
    // a request that is being recorded just now has nobody to answer any more
    await this.context.unrouteAll({ behavior: 'ignoreErrors' })
    const processes = this.dir === undefined ? [] : processesOf(this.dir)
    await this.context.close()
    await this.end?.()
    await untilGone(processes)
  }

  /** Another tab of the same browser, for another profile. */
  async tab(name: string): Promise<Member> {
    const other = new Member(name, this.app)
    other.context = this.context
    await other.open(await this.context.newPage())
    return other
  }

  private async open(page: Page) {
    const { console: lines, errors, requests } = this
    page.on('console', message => lines.push(message.text()))
    page.on('pageerror', error => errors.push(error.stack ?? error.message))
    page.on('websocket', socket => requests.push(socket.url()))
    this.page = page
    await page.goto(this.app)
  }

  /** Ends the browser and forgets all that it had stored: the device is gone. */
  async wipe() {
    await this.quit()
    if (this.dir !== undefined) rmSync(this.dir, { recursive: true, force: true })
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true })
  }
  link(name: string): Locator {
    return this.page.getByRole('link', { name, exact: true })
  }
  field(name: string): Locator {
    return this.page.getByLabel(name, { exact: true })
  }
  group(name: string): Locator {
    return this.page.getByRole('group', { name, exact: true })
  }
  /** Another page by its route. */
  async go(route: string) {
    await this.page.evaluate(hash => {
      location.hash = hash
    }, `#${route}`)
  }

  get status(): Locator {
    return this.page.getByRole('status')
  }
  get main(): Locator {
    return this.page.getByRole('main')
  }
  participant(name: string): Locator {
    return this.page.getByRole('list', { name: 'Participants' }).getByRole('listitem').filter({ hasText: name })
  }

  // profiles

  async createProfile() {
    await this.button('New profile').click()
    await this.field('Your name').fill(this.name)
    await this.field('Password').fill(PASSWORD)
    await this.field('Repeat password').fill(PASSWORD)
    await this.button('New profile').click()
    const shown = this.page.getByRole('list', { name: 'Recovery words' }).getByRole('listitem')
    await expect(shown).toHaveCount(12)
    this.words = (await shown.allInnerTexts()).map(text => text.trim()).join(' ')
    await this.button('Do this later').click()
    await expect(this.button('New wallet')).toBeVisible()
  }

  /** From the first screen of an empty browser to the list of wallets. */
  async restore(words: string, files: ReadonlyArray<{ name: string; bytes: Buffer }>) {
    this.words = words
    await this.button('Restore').click()
    await this.field('Recovery words').fill(words)
    await this.field('Your name').fill(this.name)
    await this.field('Password').fill(PASSWORD)
    await this.field('Repeat password').fill(PASSWORD)
    await this.button('Restore').click()
    for (const file of files) {
      await this.choose('Add wallet file', file.name, file.bytes)
      await expect(this.page.getByRole('list', { name: 'Wallet files' })).toContainText('The wallet is back.')
    }
    await this.button('Open my wallets').click()
    await expect(this.button('New wallet')).toBeVisible()
  }

  /** On the page of connections: so many relays keep a place for this browser. */
  async expectPlaces(relays: number) {
    await this.go('/diagnostics')
    const list = this.page.getByRole('list', { name: 'Relays' })
    await expect(list).toBeVisible()
    await expect(list.getByRole('listitem').filter({ hasText: 'connected' })).toHaveCount(relays, { timeout: 60_000 })
  }

  /** On the page of settings: nobody is shown this browser's address. Ends at the list of wallets. */
  async setRelayOnly() {
    await this.go('/settings')
    await this.page.getByRole('checkbox', { name: 'Relay only' }).check()
    await this.link('Wallets').first().click()
  }

  /** On the page of settings; ends at the list of wallets. */
  async addTurn(server: { readonly url: string; readonly username: string; readonly credential: string }) {
    await this.go('/settings')
    await this.field('STUN or TURN server').fill(server.url)
    await this.field('TURN user').fill(server.username)
    await this.field('TURN password').fill(server.credential)
    await this.button('Add server').click()
    await expect(this.page.getByRole('list', { name: 'STUN and TURN servers' })).toContainText(server.url)
    await this.link('Wallets').first().click()
  }

  /** What the wallet page says of a member. */
  memberRow(name: string): Locator {
    return this.page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name })
  }

  /** On the list of profiles: this one is to be unlocked. */
  async chooseProfile() {
    await this.page.getByRole('list', { name: 'Profiles' }).getByRole('button', { name: this.name }).click()
  }

  async unlock(password = PASSWORD) {
    await this.field('Password').fill(password)
    await this.button('Unlock').click()
  }

  async lock() {
    await this.button('Lock').click()
    await expect(this.button('Unlock')).toBeVisible()
  }

  // a shared wallet

  /** Gives the invite link. */
  async createWallet(walletName: string, members: number): Promise<string> {
    await this.button('New wallet').click()
    await this.field('Wallet name').fill(walletName)
    await this.field('Number of members').fill(String(members))
    await this.button('Create invite').click()
    await this.button('Copy invite link').click()
    return this.page.evaluate(() => navigator.clipboard.readText())
  }

  async join(link: string) {
    await this.page.goto(link)
    await this.button('Join').click()
  }

  async admit(name: string) {
    await this.button(`Admit ${name}`).click()
  }
  async closeRoster() {
    await this.button('Everyone is here').click()
  }

  async safetyNumber(): Promise<string> {
    const text = await this.group('Safety number').innerText()
    return text.replace(/\D/g, '')
  }

  async confirmSafety() {
    await this.button('It matches').click()
  }

  /** Downloads the wallet file, and chooses it again so that the app reads it back. */
  async saveWalletFile(): Promise<{ name: string; bytes: Buffer }> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.button('Save wallet file').click()])
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
    const file = { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) }
    await this.choose('Check wallet file', file.name, file.bytes)
    return file
  }

  async saveWalletFileLater() {
    await this.button('Do this later').click()
  }

  /** Answers the file dialog that a button opens. */
  async choose(buttonName: string, name: string, bytes: Buffer) {
    const [dialog] = await Promise.all([this.page.waitForEvent('filechooser'), this.button(buttonName).click()])
    await dialog.setFiles({ name, mimeType: 'application/octet-stream', buffer: bytes })
  }

  /** Home, then the wallet. */
  async openWallet(walletName: string) {
    await this.link('Wallets').first().click()
    await this.link(walletName).click()
    await expect(this.group('Available balance')).toBeVisible()
  }

  // coins

  /** Satoshis, as shown; the wallet page must be open. */
  async balance(): Promise<number> {
    return sats(await this.group('Available balance').innerText())
  }

  async expectBalance(expected: number) {
    await expect.poll(() => this.balance(), { message: `${this.name} sees ${expected} sats` }).toBe(expected)
  }

  /** Opens Receive from the wallet page and reads the address. */
  async receiveAddress(): Promise<string> {
    await this.button('Receive').click()
    await expect(this.group('Receive address')).toContainText('bcrt1')
    return this.shownAddress()
  }

  async newAddress(): Promise<string> {
    const before = await this.shownAddress()
    await this.button('New address').click()
    await expect.poll(() => this.shownAddress()).not.toBe(before)
    return this.shownAddress()
  }

  private async shownAddress(): Promise<string> {
    return (await this.group('Receive address').innerText()).replace(/\s/g, '')
  }

  // spending

  /** From the wallet page to the review of the finished transaction. */
  async review(wish: SpendWish) {
    await this.button('Spend').click()
    await this.field('Recipient').fill(wish.to)
    await this.field('Amount').fill(String(wish.sats))
    await this.field('Fee rate').fill(String(wish.feeRate ?? 2))
    if (wish.note !== undefined) await this.field('Note').fill(wish.note)
    await this.button('Review').click()
    await expect(this.page.getByRole('region', { name: 'Review' })).toBeVisible()
  }

  /** Through the gate to the page of the session. */
  async propose(wish: SpendWish) {
    await this.review(wish)
    await this.button('Propose').click()
    await expect(this.status).toContainText('Waiting for approvals')
  }

  /** From the page of a payment that waits for a block to the page of the session that is to take its place. */
  async replace(how: 'Speed up' | 'Take back', feeRate: number) {
    await this.button(how).click()
    await expect(this.field('Fee rate')).toHaveValue(/^\d/)
    await this.field('Fee rate').fill(String(feeRate))
    await this.button('Review').click()
    await expect(this.page.getByRole('region', { name: 'Review' })).toBeVisible()
    await this.button('Propose').click()
    await expect(this.status).toContainText('Waiting for approvals')
  }

  async openRequest() {
    await this.link('Review request').click()
    await expect(this.button('Approve')).toBeVisible()
  }

  async spendCode(): Promise<string> {
    return (await this.group('Spend code').innerText()).trim().replace(/\s+/g, ' ')
  }

  async approve() {
    await this.button('Approve').click()
  }
  async decline() {
    await this.button('Decline').click()
  }

  async txid(): Promise<string> {
    await expect(this.group('Transaction id')).toContainText(/^[0-9a-f]{64}$/)
    return (await this.group('Transaction id').innerText()).trim()
  }
}

/** "1 234 567 sats" in satoshis. */
const sats = (text: string): number => Number(text.replace(/\D/g, ''))
