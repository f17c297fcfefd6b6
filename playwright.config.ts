import { defineConfig } from '@playwright/test'

/** e2e drives the shipped output of `generate`; scripts/e2e.ts builds it and finds the browser before it calls this. */
export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './tests/e2e/support/setup.ts',
  // one at a time: each test runs several browser processes, and a flake is a defect, so nothing is tried twice
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  outputDir: 'test-results/e2e',
  // tests/e2e/support/test.ts starts the browsers: Playwright's fixtures start none
  use: { trace: 'off', screenshot: 'off' },
})
