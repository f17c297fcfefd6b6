import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import puppeteer from 'puppeteer-core'
import type { Browser, Page } from 'puppeteer-core'
import { processesOf, untilGone } from '../../support/processes'
import { PASSWORD } from './member'

const NAMES = ['firefox-esr', 'firefox']
const PATIENCE_MS = 30_000

/** Path of a Firefox: `FIREFOX_PATH`, or one in PATH. */
export function findFirefox(): string | undefined {
  const named = process.env.FIREFOX_PATH
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  return NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(existsSync)
}

/**
 * One person in a Firefox of her own, driven over WebDriver BiDi through what the screen shows: roles and accessible
 * names.
 */
export class FirefoxMember {
  readonly errors: string[] = []

  private constructor(
    readonly name: string,
    private readonly browser: Browser,
    readonly page: Page,
    private readonly dir: string,
  ) {
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', error =>
      this.errors.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    )
  }

  static async launch(name: string, app: string, executablePath: string): Promise<FirefoxMember> {
    const dir = mkdtempSync(join(tmpdir(), `tandem-${name.toLowerCase()}-`))
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      userDataDir: dir,
      extraPrefsFirefox: { 'ui.prefersReducedMotion': 1 },
    })
    const page = await browser.newPage()
    await page.setViewport({ width: 1100, height: 900 })
    await page.goto(app)
    return new FirefoxMember(name, browser, page, dir)
  }

  async wipe() {
    const processes = processesOf(this.dir)
    await this.browser.close()
    await untilGone(processes)
    rmSync(this.dir, { recursive: true, force: true })
  }

  private named(name: string, role?: string) {
    return this.page.locator(`::-p-aria([name="${name}"]${role === undefined ? '' : `[role="${role}"]`})`)
  }
  async press(name: string) {
    await this.named(name, 'button').click()
  }
  async follow(name: string) {
    await this.named(name, 'link').click()
  }
  /**
   * A field by its label: BiDi's accessibility locator knows no role for a password field, and finds the label beside
   * it.
   */
  async fill(name: string, value: string) {
    await this.page.locator(`::-p-xpath(//*[@id=(//label[normalize-space(.)="${name}"]/@for)])`).fill(value)
  }
  async shows(name: string, role = 'button') {
    await this.named(name, role).wait()
  }

  /** Text of an element with an accessible name, once it is there. */
  async textOf(name: string): Promise<string> {
    const handle = await this.named(name).waitHandle()
    return handle.evaluate(element => (element as HTMLElement).innerText)
  }

  /** Waits until the page says it. */
  async reads(text: string) {
    await this.page.waitForFunction(wanted => document.body.innerText.includes(wanted), { timeout: PATIENCE_MS }, text)
  }

  async createProfile() {
    await this.press('New profile')
    await this.fill('Your name', this.name)
    await this.fill('Password', PASSWORD)
    await this.fill('Repeat password', PASSWORD)
    await this.press('New profile')
    await this.press('Do this later')
    await this.shows('New wallet')
  }

  async join(link: string) {
    await this.page.goto(link)
    await this.press('Join')
  }

  async openWallet(walletName: string) {
    await this.follow('Wallets')
    await this.follow(walletName)
    await this.named('Available balance').wait()
  }

  /** What stands on the screen, for a failure. */
  async text(): Promise<string> {
    const read = () => this.page.evaluate(() => document.body.innerText.replace(/\n+/g, '\n')).catch(() => '(no page)')
    const text = await read()
    await this.page
      .evaluate(() => {
        location.hash = '#/diagnostics'
      })
      .catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    await this.page
      .evaluate(() => {
        for (const d of document.querySelectorAll('details')) d.open = true
      })
      .catch(() => undefined)
    return `${text}\n[connections] ${await read()}`
  }

  /** The members, each as one line of text. */
  async members(): Promise<string[]> {
    const handle = await this.named('Members', 'list').waitHandle()
    return handle.evaluate(list =>
      [...(list as HTMLElement).querySelectorAll('li')].map(item => item.innerText.replaceAll('\n', ' ')),
    )
  }
}
