import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'
import type { Browser, Page } from '@playwright/test'
import { build } from 'esbuild'
import { findChromium, launchOptions } from '../../support/chromium'
import type { Attack, HostilePage, Outcome, RawAttack } from '../../support/hostile-page'

/**
 * Peers that keep no rule, in a browser of their own: libp2p and nothing of ours above it, joined with others as a
 * member's browser is.
 */
export class Hostile {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly relay: string,
  ) {}

  static async open(app: string, relay: string): Promise<Hostile> {
    const made = await build({
      entryPoints: [fileURLToPath(new URL('../../support/hostile-page.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2023',
      write: false,
      logLevel: 'error',
    })
    const browser = await chromium.launch(launchOptions(findChromium() ?? ''))
    const page = await browser.newPage()
    // a document of the server itself: a browser lets only those speak to this machine
    await page.goto(`${app}/config.json`)
    await page.addScriptTag({ type: 'module', content: made.outputFiles[0]?.text ?? '' })
    await page.waitForFunction(() => 'hostile' in globalThis)
    return new Hostile(browser, page, relay)
  }

  /** A peer of the page: a member's by his key, or a stranger. Gives its peer id. */
  start(peerKey: Uint8Array = randomBytes(32)): Promise<string> {
    return this.page.evaluate(seed => hostile.start(seed), Buffer.from(peerKey).toString('base64'))
  }

  connect(peer: string, target: string): Promise<string> {
    return this.page.evaluate(([p, t, relay]) => hostile.connect(p, t, relay), [peer, target, this.relay] as const)
  }

  attack(peer: string, target: string, attack: Attack): Promise<Outcome> {
    return this.page.evaluate(([p, t, relay, a]) => hostile.attack(p, t, relay, a), [
      peer,
      target,
      this.relay,
      attack,
    ] as const)
  }

  raw(peer: string, target: string, attack: RawAttack): Promise<boolean> {
    return this.page.evaluate(([p, t, relay, a]) => hostile.raw(p, t, relay, a), [
      peer,
      target,
      this.relay,
      attack,
    ] as const)
  }

  close(): Promise<void> {
    return this.browser.close()
  }
}

declare global {
  var hostile: HostilePage
}
