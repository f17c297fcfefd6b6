import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, expect } from '@playwright/test'
import type { BrowserContext, Page } from '@playwright/test'
import { findChromium } from '../../support/chromium'

export const PASSWORD = 'correct horse battery'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Counts peer connections by their selected candidate pair; the browser's own statistics, kept by wrapping nothing of ours. */
const KEEP_PEER_CONNECTIONS = `(() => {
  const Native = window.RTCPeerConnection
  window.__peers = []
  window.RTCPeerConnection = class extends Native { constructor(...args) { super(...args); window.__peers.push(this) } }
})()`

/** One person with a browser process of her own, driven only through what the screen shows. */
export class Member {
  page!: Page
  words = ''
  context!: BrowserContext
  readonly requests: string[] = []

  private constructor(readonly name: string, readonly app: string, private readonly dir: string) {}

  static async launch(name: string, app: string, options: { keepPeers?: boolean } = {}): Promise<Member> {
    const member = new Member(name, app, mkdtempSync(join(tmpdir(), `tandem-${name.toLowerCase()}-`)))
    await member.open(options)
    return member
  }

  private async open(options: { keepPeers?: boolean }) {
    this.context = await chromium.launchPersistentContext(this.dir, {
      executablePath: findChromium() ?? '', headless: true, args: FLAGS, viewport: { width: 1100, height: 900 }, acceptDownloads: true,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    if (options.keepPeers === true) await this.context.addInitScript(KEEP_PEER_CONNECTIONS)
    this.page = this.context.pages()[0] ?? await this.context.newPage()
    this.watch(this.page)
    await this.page.goto(this.app)
  }

  private watch(page: Page) {
    page.on('request', request => this.requests.push(request.url()))
  }

  /** Another tab of the same browser. */
  async tab(name: string): Promise<Member> {
    const other = new Member(name, this.app, this.dir)
    other.context = this.context
    other.page = await this.context.newPage()
    await other.page.goto(this.app)
    return other
  }

  button(name: string | RegExp) { return this.page.getByRole('button', { name, exact: typeof name === 'string' }) }
  field(name: string) { return this.page.getByLabel(name, { exact: true }) }
  go(hash: string) { return this.page.evaluate((h) => { location.hash = h }, hash) }

  async createProfile() {
    await this.button('New profile').click()
    await this.field('Your name').fill(this.name)
    await this.field('Password').fill(PASSWORD)
    await this.field('Repeat password').fill(PASSWORD)
    await this.button('Continue').click()
    this.words = (await this.page.getByRole('list', { name: 'Your 12 words' }).getByRole('listitem').allInnerTexts()).map(t => t.replace(/[^a-z]/g, '')).join(' ')
    expect(this.words.split(' ')).toHaveLength(12)
    await this.button('Do this later').click()
    await expect(this.button('New wallet').or(this.page.getByRole('link', { name: 'New wallet' })).first()).toBeVisible()
  }

  async unlock(password = PASSWORD) {
    await this.field('Password').fill(password)
    await this.button('Unlock').click()
  }

  async close() {
    await this.context.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
