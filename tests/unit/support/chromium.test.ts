import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { launchOptions } from '../../support/chromium'

test('everything that Playwright switches off in the browser stays off', () => {
  const playwright = readFileSync('node_modules/playwright-core/lib/coreBundle.js', 'utf8')
  const [, list = ''] = /disabledFeatures = \[(.*?)\]/s.exec(playwright) ?? []
  const theirs = [...list.matchAll(/^\s*"(\w+)"/gm)].map(([, name]) => name)
  const ours = launchOptions('chromium').args?.find(arg => arg.startsWith('--disable-features='))
  expect(theirs.length).toBeGreaterThan(10)
  expect(ours?.replace('--disable-features=', '').split(',')).toEqual(expect.arrayContaining(theirs))
})
