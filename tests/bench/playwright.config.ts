import { defineConfig } from '@playwright/test'

/**
 * Measurements, one after the other: scripts/bench.ts builds the app, finds the browser and calls this. Nothing here is
 * a test of `npm test`.
 */
export default defineConfig({
  testDir: '.',
  testMatch: '**/*.bench.ts',
  workers: 1,
  fullyParallel: false,
  retries: 0,
  expect: { timeout: 20_000 },
  reporter: [['line']],
  outputDir: '../../test-results/bench',
  use: { trace: 'off', screenshot: 'off' },
})
