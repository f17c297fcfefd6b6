import { defineConfig } from '@playwright/test'

/** `npm run demo`: scripts/demo.ts builds the app, finds the browser and calls this. Nothing here is a test. */
export default defineConfig({
  testDir: '.',
  testMatch: '**/*.demo.ts',
  globalSetup: '../e2e/support/setup.ts',
  workers: 1,
  retries: 0,
  // until the window is closed
  timeout: 0,
  expect: { timeout: 30_000 },
  // it says itself what a person wants to know
  reporter: [['null']],
  outputDir: '../../test-results/demo',
  use: { trace: 'off', screenshot: 'off' },
})
